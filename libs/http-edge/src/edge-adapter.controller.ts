import { FastifyAdapter } from '@nestjs/platform-fastify';
import { LARGEST_BODY_BYTES, parseJsonBody } from './json-body.js';
import { answerUnreadable, answerWith, type Reply, traceIdOf } from './problem-answer.controller.js';
import { problemOf } from './problems.js';
import type { Route } from './routes.js';

/** Fastify as Carat speaks HTTP: JSON bodies only, with limits, and a memory of its routes for 405. */
export class EdgeAdapter extends FastifyAdapter {
  readonly routes: Route[] = [];

  constructor() {
    super({
      bodyLimit: LARGEST_BODY_BYTES,
      routerOptions: { maxParamLength: 512 },
      forceCloseConnections: 'idle',
      clientErrorHandler: answerUnreadable,
      // What the router itself refuses, a malformed path for one, never gets as far as a filter.
      frameworkErrors: (error: unknown, request: { headers: object }, reply: unknown) =>
        answerWith(
          reply as Reply,
          problemOf(error),
          traceIdOf((request.headers as { traceparent?: unknown }).traceparent),
        ),
    });
    const fastify = this.getInstance();
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) this.routes.push({ method: one, path: url });
    });
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
      try {
        done(null, parseJsonBody(body as string));
      } catch (error) {
        done(error as Error);
      }
    });
  }

  /** Nest would register its own parsers here, for forms too. Ours are in place. */
  override registerParserMiddleware(): void {}
}
