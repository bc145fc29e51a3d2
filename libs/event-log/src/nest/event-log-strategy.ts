import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { DataSource } from 'typeorm';
import type { EventLog, Poison, Running } from '../event-log.js';
import { project } from '../project.store.js';
import type { Declared } from './declare.js';

/** Nest declares the flows, the log delivers them: this only reads the table of handlers and starts what it says. */
export class EventLogStrategy extends Server implements CustomTransportStrategy {
  override readonly transportId: symbol = Symbol('carat.event-log');
  override readonly propagatesEventHandlerErrors = true;
  readonly flows: Running[] = [];

  constructor(
    private readonly eventLog: EventLog,
    private readonly db: DataSource,
  ) {
    super();
  }

  /** What the handlers declare, before and after `listen`. */
  get declared(): Declared[] {
    return [...this.messageHandlers.values()].map(declaredBy);
  }

  async listen(done: (error?: unknown) => void): Promise<void> {
    try {
      for (const handler of this.messageHandlers.values()) this.flows.push(await this.start(handler));
      done();
    } catch (error) {
      done(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.flows.map((flow) => flow.stop()));
  }

  on(): never {
    throw new Error('the event log has no events of its own to listen to');
  }

  unwrap<T>(): T {
    return this.eventLog as T;
  }

  private start(handler: MessageHandler): Promise<Running> {
    const declared = declaredBy(handler);
    if (handler.next !== undefined) throw new Error(`two handlers share the group ${declared.flow.group}`);
    return declared.verb === 'project'
      ? project(this.eventLog, this.db, declared.flow, (events, tx) => call<readonly Poison[]>(handler, events, tx))
      : this.eventLog.transform(declared.flow, (events) => call(handler, events));
  }
}

const declaredBy = (handler: MessageHandler): Declared => handler.extras as Declared;

/** Nest answers a value, a promise of one, or an Observable, by what interceptors there are. */
async function call<Answer>(handler: MessageHandler, ...input: readonly unknown[]): Promise<Answer> {
  const answer: unknown = await (handler as (...args: readonly unknown[]) => unknown)(...input);
  return (isObservable(answer) ? await lastValueFrom(answer, { defaultValue: undefined }) : answer) as Answer;
}
