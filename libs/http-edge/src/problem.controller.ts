import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { EdgeAdapter } from './edge-adapter.controller.js';
import { answerWith, type Reply, traceIdOf } from './problem-answer.controller.js';
import { Problem, problemOf } from './problems.js';
import { methodsAt } from './routes.js';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Every error that leaves a route, and every one that Fastify finds before there is a route, as problem+json. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  constructor(private readonly host: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    // What flows throw is for their retries and dead letters.
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<Request>();
    const reply = host.switchToHttp().getResponse<Reply & { readonly sent: boolean }>();
    const problem = this.orMethodNotAllowed(problemOf(error), request);
    const traceId = traceIdOf(request.headers['traceparent']);
    if (problem.status >= 500) {
      const what = { traceId, code: problem.code, method: request.method, url: request.url };
      // Unavailable is what probes and overload bring about; internal is a fault of ours.
      if (problem.code === 'unavailable') this.logger.warn({ ...what, detail: problem.message });
      else this.logger.error({ ...what, err: error });
    }
    if (!reply.sent) answerWith(reply, problem, traceId);
  }

  /** The router says 404 as well when only the method is wrong. */
  private orMethodNotAllowed(problem: Problem, { method, url }: Request): Problem {
    const adapter: unknown = this.host.httpAdapter;
    if (problem.code !== 'not_found' || !(adapter instanceof EdgeAdapter)) return problem;
    const allowed = methodsAt(adapter.routes, url.replace(/[?#].*$/, ''));
    if (allowed.length === 0 || allowed.includes(method)) return problem;
    return new Problem('method_not_allowed', { headers: { allow: allowed.join(', ') } });
  }
}
