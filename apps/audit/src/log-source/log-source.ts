/** Where a log is to be read. `environment`: wherever the installation of this environment keeps it. */
export type LogSource =
  | { readonly kind: 'environment' }
  | { readonly kind: 'kafka'; readonly brokers: readonly string[] }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string };

export const LOG_SOURCES = 'env, kafka:<brokers>, postgres:<url> or file:<path>';

const BROKER = /^([^\s:]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/;
const POSTGRES = /^postgres(ql)?:\/\//;

/** `env`, `kafka:<brokers>`, `postgres:<url>` or `file:<path>`, as a source; undefined for anything else. */
export function logSourceOf(text: string): LogSource | undefined {
  if (text === 'env') return { kind: 'environment' };
  // A Postgres URL says by itself what it is.
  if (POSTGRES.test(text)) return { kind: 'postgres', url: text };
  const colon = text.indexOf(':');
  const rest = text.slice(colon + 1);
  switch (text.slice(0, Math.max(colon, 0))) {
    case 'kafka': {
      const brokers = rest.split(',').map((broker) => broker.trim());
      return brokers.every((broker) => BROKER.test(broker)) ? { kind: 'kafka', brokers } : undefined;
    }
    case 'postgres':
      return POSTGRES.test(rest) ? { kind: 'postgres', url: rest } : undefined;
    case 'file':
      return rest === '' ? undefined : { kind: 'file', path: rest };
    default:
      return undefined;
  }
}
