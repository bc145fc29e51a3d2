import { randomBytes } from 'node:crypto';
import { type Problem, problemBody } from './problems.js';

export interface Reply {
  status(status: number): this;
  headers(headers: Record<string, string>): this;
  send(body: string): unknown;
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** The trace a request belongs to: the caller's (W3C Trace Context), or a new one. 32 hex digits. */
export const traceIdOf = (traceparent: unknown): string =>
  TRACEPARENT.exec(String(traceparent))?.[1] ?? randomBytes(16).toString('hex');

/** Answers with a problem. */
export function answerWith(reply: Reply, problem: Problem, traceId: string): void {
  reply
    .status(problem.status)
    .headers({ ...problem.more.headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
    .send(JSON.stringify(problemBody(problem, traceId)));
}
