import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, type ProblemCode, problemBody } from './problems.js';

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

const unreadable: Readonly<Partial<Record<string, ProblemCode>>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers what Node could not read as a request, for which there is no reply yet, and hangs up. */
export function answerUnreadable(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const problem = new Problem(unreadable[error.code ?? ''] ?? 'bad_request');
  const body = JSON.stringify(problemBody(problem, traceIdOf(undefined)));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json; charset=utf-8',
    'cache-control: no-store',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  else socket.destroy();
}
