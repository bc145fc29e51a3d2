import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';

const KEY_TEXT = /(carat_[a-z]+_[0-9a-f-]{36}_)[0-9a-f]{64}/g;
const WEBHOOK_SECRET = /whsec_[A-Za-z0-9+/]+=*/g;

/**
 * A line of the log without the secrets of keys and of webhooks, wherever they got in: in an address, a header, an
 * error. The error of a statement holds all that the statement was given.
 */
export const withoutSecrets = (line: string): string =>
  line.replace(KEY_TEXT, '$1[redacted]').replace(WEBHOOK_SECRET, 'whsec_[redacted]');

/** The log of a process: JSON, one object a line, without authorization headers and without keys. */
export function openLogger(name: string, level: string, stream: NodeJS.WritableStream): Logger {
  const headers = ['authorization', 'cookie', '["x-api-key"]'];
  const paths = headers.flatMap((header) => ['', '*.', 'headers.', 'req.headers.'].map((at) => joined(at, header)));
  return pino(
    { name, level, redact: { paths, censor: '[redacted]' }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void stream.write(withoutSecrets(line)) },
  );
}

const joined = (at: string, field: string): string => (field.startsWith('[') ? at.replace(/\.$/, '') : at) + field;

/** Nest's logger on ours. Nest gives the context as the last argument, and a stack before it when there is one. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...more: unknown[]): void {
    // Nest tells every route and module at start; that is of interest to nobody else.
    this.write('debug', message, more);
  }
  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }
  verbose(message: unknown, ...more: unknown[]): void {
    this.write('trace', message, more);
  }
  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }
  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }
  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, more);
  }

  private write(
    level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal',
    message: unknown,
    more: readonly unknown[],
  ): void {
    const context = more.at(-1);
    const details = more.slice(0, -1);
    const fields = { context, ...(details.length > 0 ? { details } : {}) };
    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) this.logger[level]({ ...fields, ...message });
    else this.logger[level](fields, String(message));
  }
}
