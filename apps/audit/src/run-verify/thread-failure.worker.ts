import { FlowHalted } from '@carat/event-log';
import { LogUnreachable } from '../log-source/log-source.worker.js';

/** What went wrong in a thread: errors lose their class on the way to another. */
export interface ThreadFailure {
  readonly kind: 'unreachable' | 'halted' | 'failed';
  readonly message: string;
}

/** An error as another thread can be told of it. */
export function failureOf(error: Error): ThreadFailure {
  if (error instanceof LogUnreachable) return { kind: 'unreachable', message: error.message };
  if (error instanceof FlowHalted) return { kind: 'halted', message: error.message };
  return { kind: 'failed', message: error.stack ?? error.message };
}

/** The error that a thread has told of. */
export function errorOf({ kind, message }: ThreadFailure): Error {
  if (kind === 'unreachable') return new LogUnreachable(message);
  return kind === 'halted' ? new FlowHalted(message) : new Error(message);
}
