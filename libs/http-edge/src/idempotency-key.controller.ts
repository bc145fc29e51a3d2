import { Id } from '@carat/events';
import { createParamDecorator, type ExecutionContext, type ParamDecoratorEnhancer } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Answered } from './idempotent-requests.store.js';
import { Problem } from './problems.js';

const inTheReference: ParamDecoratorEnhancer = (route, name) => {
  const method = name === undefined ? undefined : Object.getOwnPropertyDescriptor(route, name);
  if (name === undefined || method === undefined) throw new Error('@IdempotencyKey is for the methods of a controller');
  ApiHeader({
    name: 'Idempotency-Key',
    required: true,
    description: 'the same key and body: the first answer again; 1 to 128 printable ASCII characters',
  })(route, name, method);
};

/** The Idempotency-Key header of a request that moves value: 1 to 128 printable ASCII characters, or a 400. */
export const IdempotencyKey = createParamDecorator(
  (_: unknown, context: ExecutionContext): string => {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
    const key = headers['idempotency-key'];
    if (key === undefined || key === '') throw new Problem('idempotency_key_missing');
    if (!Id.safeParse(key).success) throw new Problem('idempotency_key_malformed');
    return key;
  },
  [inTheReference],
);

/** What a route may do with its reply, beside giving it a body. */
export interface Reply {
  header(name: string, value: string): unknown;
  status(code: number): unknown;
}

/** The body of an answer; the header says that it was given before. */
export function told<T>({ answer, replayed }: Answered<T>, reply: Reply): T {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return answer;
}
