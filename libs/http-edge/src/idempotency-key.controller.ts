import { Id } from '@carat/events';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Problem } from './problems.js';

/** The Idempotency-Key header of a request that moves value: 1 to 128 printable ASCII characters, or a 400. */
export const IdempotencyKey = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>();
  const key = headers['idempotency-key'];
  if (key === undefined || key === '') throw new Problem('idempotency_key_missing');
  if (!Id.safeParse(key).success) throw new Problem('idempotency_key_malformed');
  return key;
});
