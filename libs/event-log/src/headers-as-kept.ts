import type { Headers } from './event-log.js';

/** Headers as the journal keeps them, in JSON: names, and values in base64. */
type HeadersAsKept = readonly (readonly [name: string, base64: string])[];

/** The text of JSON that the journal keeps of headers. */
export const headersText = (headers: Headers): string =>
  JSON.stringify(headers.map(([name, value]) => [name, value.toString('base64')]) satisfies HeadersAsKept);

const isKept = (kept: unknown): kept is HeadersAsKept =>
  Array.isArray(kept) &&
  kept.every((of) => Array.isArray(of) && of.length === 2 && of.every((e) => typeof e === 'string'));

/** What was kept, once it is parsed. What nobody keeps so is one header without a name: it is another than it was. */
export const headersOf = (kept: unknown): Headers =>
  isKept(kept)
    ? kept.map(([name, base64]) => [name, Buffer.from(base64, 'base64')])
    : [['', Buffer.from(JSON.stringify(kept))]];
