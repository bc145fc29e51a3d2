import { finished } from 'node:stream';
import { FastifyAdapter, RouteConfig } from '@nestjs/platform-fastify';
import { LARGEST_BODY_BYTES, parseJsonBody } from './json-body.js';
import { answerUnreadable, answerWith, type Reply, traceIdOf } from './problem-answer.controller.js';
import { Problem, problemOf } from './problems.js';
import type { Route } from './routes.js';

/** A body that is taken as its text: `{text}`, JSON that somebody signed, or a CSV file of up to 32 MiB. */
type TextBody = 'signed' | 'csv';
const LARGEST_CSV_BYTES = 32 * 1024 * 1024;

const BODY_TOO_LARGE = 413;
/** Whoever is still sending by then finds the connection closed. */
const REST_IS_READ_WITHIN_MS = 5_000;

const bodyKindOf = ({ config }: { config?: unknown }): TextBody | undefined =>
  (config as { carat?: TextBody } | undefined)?.carat;

const takes = (kind: TextBody): MethodDecorator => RouteConfig({ carat: kind });

/** A route that is handed `{text}`, the JSON body as it was sent, so that a signature over it can be checked. */
export const TakesSignedText = (): MethodDecorator => takes('signed');

/** A route that takes `text/csv` and nothing else, and is handed `{text}`. */
export const TakesCsv = (): MethodDecorator => takes('csv');

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
    fastify.addHook('onRoute', (route) => {
      for (const one of [route.method].flat()) this.routes.push({ method: one, path: route.url });
      if (bodyKindOf(route) === 'csv') route.bodyLimit = LARGEST_CSV_BYTES;
    });
    // The connection is closed behind this answer: who is still sending would be told of that, and not see the answer.
    fastify.addHook('onSend', ({ raw }, reply, payload, done) => {
      if (reply.statusCode !== BODY_TOO_LARGE) return done(null, payload);
      finished(raw.resume(), { signal: AbortSignal.timeout(REST_IS_READ_WITHIN_MS) }, () => done(null, payload));
    });
    fastify.removeAllContentTypeParsers();
    fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      try {
        const kind = bodyKindOf(request.routeOptions);
        if (kind === 'csv') throw new Problem('unsupported_media_type', { detail: 'The body must be text/csv.' });
        // A signature is over the bytes, so whoever checks one gets the text before anything was read into it.
        done(null, kind === 'signed' ? { text: body } : parseJsonBody(body as string));
      } catch (error) {
        done(error as Error);
      }
    });
    fastify.addContentTypeParser('text/csv', { parseAs: 'string' }, (request, body, done) => {
      if (bodyKindOf(request.routeOptions) === 'csv') done(null, { text: body });
      else done(new Problem('unsupported_media_type'));
    });
  }

  /** Nest would register its own parsers here, for forms too. Ours are in place. */
  override registerParserMiddleware(): void {}
}
