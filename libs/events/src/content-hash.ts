import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * SHA-256, in hex, over the type and the canonical JSON (RFC 8785) of the parsed data. White space, the order of
 * fields, fields nobody knows and defaults left out do not change it.
 */
export const contentHash = (type: string, data: unknown): string =>
  hash('sha256', `${type}\n${canonicalize(data) ?? ''}`, 'hex');
