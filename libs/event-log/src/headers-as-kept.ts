import type { Headers } from './event-log.js';

/** Headers as the journal keeps them, in JSON: names, and values in base64. */
export type HeadersAsKept = readonly (readonly [name: string, base64: string])[];

/** The text of JSON that the journal keeps of headers. */
export const headersText = (headers: Headers): string =>
  JSON.stringify(headers.map(([name, value]) => [name, value.toString('base64')]) satisfies HeadersAsKept);

/** What was kept, once it is parsed. */
export const headersOf = (kept: HeadersAsKept): Headers =>
  kept.map(([name, base64]) => [name, Buffer.from(base64, 'base64')]);
