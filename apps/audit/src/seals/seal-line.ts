import { FlowHalted } from '@carat/event-log';
import canonicalize from 'canonicalize';
import { Seal } from './seal.js';

/** What should be a seal is none: nothing may be concluded from it, or be put behind it. */
export class SealMalformed extends FlowHalted {
  constructor(where: string, why: string) {
    super(`${where} is no seal: ${why}`);
  }
}

/** A seal as one line of a file, without the line feed. The same seal is always the same line. */
export const lineOfSeal = (seal: Seal): string => canonicalize(seal) ?? '';

/**
 * The seal that a line holds; `where` is what a refusal calls it.
 * @throws SealMalformed
 */
export function sealOnLine(text: string, where: string): Seal {
  return asSeal(where, () => JSON.parse(text));
}

/**
 * The seal of a row of `audit.seal`.
 * @throws SealMalformed
 */
export function sealOfRow(row: { number: string; content: string; key_id: string; signature: string }): Seal {
  return asSeal(`row ${row.number} of audit.seal`, () => ({
    content: JSON.parse(row.content),
    keyId: row.key_id,
    signature: row.signature,
  }));
}

function asSeal(where: string, read: () => unknown): Seal {
  let json: unknown;
  try {
    json = read();
  } catch (error) {
    throw new SealMalformed(where, (error as Error).message);
  }
  const parsed = Seal.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new SealMalformed(where, `/${issue?.path.map(String).join('/')}: ${issue?.message}`);
}
