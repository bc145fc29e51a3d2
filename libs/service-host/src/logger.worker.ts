import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';

// A key, the secret of a webhook, the signature of one, a token: what follows the group is the secret.
const SECRET_TEXTS = [
  /(carat_[a-z]+_[0-9a-f-]{36}_)[0-9a-f]{64}/g,
  /(whsec_)[A-Za-z0-9+/]{24,}=*/g,
  /(v1,)[A-Za-z0-9+/]{43}=/g,
  // Three parts of base64url, or more, the first a JSON object: what the edge takes for a token of the issuer. It is
  // looked for from the last eyJ before a dot on, so that a line of nothing else costs no more than any other.
  /(eyJ)(?:(?!eyJ)[\w-])*(?:\.[\w-]+){2,}/g,
];
const HIDDEN = '[redacted]';

/**
 * A line of the log without secrets, wherever they got in: in an address, a header, an error. `secrets` are those of
 * this process that nothing in their shape gives away.
 */
function withoutSecrets(line: string, secrets: readonly string[]): string {
  const shapeless = secrets.reduce((text, secret) => text.replaceAll(secret, HIDDEN), line);
  return SECRET_TEXTS.reduce((text, shape) => text.replace(shape, `$1${HIDDEN}`), shapeless);
}

/** The log of a process: JSON, an object a line, without authorization headers, keys, tokens and signatures. */
export function openLogger(
  name: string,
  level: string,
  stream: NodeJS.WritableStream,
  secrets: readonly string[] = [],
): Logger {
  const headers = ['authorization', 'cookie', '["x-api-key"]', '["webhook-signature"]'];
  const paths = headers.flatMap((header) => ['', '*.', 'headers.', 'req.headers.'].map((at) => joined(at, header)));
  return pino(
    { name, level, redact: { paths, censor: HIDDEN }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void stream.write(withoutSecrets(line, secrets)) },
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
