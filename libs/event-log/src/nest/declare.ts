import type { Event, Topic } from '@carat/events';
import { type ArgumentsHost, Catch, type RpcExceptionFilter, UseFilters } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import type { Poison, ProjectFlow, Recorded, TransformFlow, Tx } from '../event-log.js';

/** Nest's own filter would turn an error into a plain object, and the dead letter would lose its reason. */
@Catch()
class Rethrow implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}

/** What a decorated method declares; the strategy reads it back from Nest's handler table. */
export type Declared =
  | { readonly verb: 'project'; readonly flow: ProjectFlow }
  | { readonly verb: 'transform'; readonly flow: TransformFlow };

function declare(declared: Declared, target: object, name: string | symbol, method: PropertyDescriptor): void {
  EventPattern<string>(declared.flow.group, declared)(target, name, method);
  Payload()(target, name, 0);
  if (declared.verb === 'project') Ctx()(target, name, 1);
  UseFilters(Rethrow)(target, name, method);
}

type ProjectMethod<F extends Topic> = (
  events: readonly Recorded<F>[],
  tx: Tx,
) => Promise<readonly Poison[]> | Promise<void>;

/** Events in, rows out: the method runs in the transaction that also moves the group's offset. */
export const Project =
  <F extends Topic>(flow: ProjectFlow<F>) =>
  <Method extends ProjectMethod<F>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<Method>,
  ): void =>
    declare({ verb: 'project', flow }, target, name, method);

type TransformMethod<F extends Topic, T extends Topic> = (
  events: readonly Recorded<F>[],
) => Promise<readonly Event<T>[]>;

/** Events in, events out: nothing else may depend on the call. */
export const Transform =
  <F extends Topic, T extends Topic>(flow: TransformFlow<F, T>) =>
  <Method extends TransformMethod<F, T>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<Method>,
  ): void =>
    declare({ verb: 'transform', flow }, target, name, method);
