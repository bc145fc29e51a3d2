import { FlowHalted } from '@carat/event-log';
import canonicalize from 'canonicalize';
import { Seal, textOfSeal } from './seal.js';

/** What should be a seal is none: nothing may be concluded from it, or be put behind it. */
export class SealMalformed extends FlowHalted {
  constructor(
    readonly where: string,
    readonly why: string,
  ) {
    super(`${where} is no seal: ${why}`);
  }
}

/** A seal as one line of a file, without the line feed. The same seal is always the same line. */
export const lineOfSeal = (seal: Seal): string => canonicalize(seal) ?? '';

/**
 * The seal that a line holds; `where` is what a refusal calls it. A line that says the same in other bytes holds none.
 * @throws SealMalformed
 */
export function sealOnLine(text: string, where: string): Seal {
  const seal = asSeal(where, () => JSON.parse(text));
  if (lineOfSeal(seal) !== text) throw new SealMalformed(where, OTHERWISE);
  return seal;
}

/**
 * The seal of a row of `audit.seal`, whose every column is what the notary has written.
 * @throws SealMalformed
 */
export function sealOfRow(row: { number: string; content: string; key_id: string; signature: string }): Seal {
  const where = `row ${row.number} of audit.seal`;
  const seal = asSeal(where, () => ({
    content: JSON.parse(row.content),
    keyId: row.key_id,
    signature: row.signature,
  }));
  if (String(seal.content.number) !== row.number)
    throw new SealMalformed(where, `it holds seal ${seal.content.number}`);
  if (textOfSeal(seal.content) !== row.content) throw new SealMalformed(where, OTHERWISE);
  return seal;
}

const OTHERWISE = 'it is not written as a notary writes it';

function asSeal(where: string, read: () => unknown): Seal {
  let json: unknown;
  try {
    json = read();
  } catch (error) {
    throw new SealMalformed(where, (error as Error).message);
  }
  const parsed = Seal.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new SealMalformed(where, `/${issue?.path.map(String).join('/')}: ${issue?.message}`);
  }
  const { signature } = parsed.data;
  // The last character of base64 has bits that mean nothing.
  if (Buffer.from(signature, 'base64').toString('base64') !== signature)
    throw new SealMalformed(where, '/signature: it is not written as a notary writes it');
  return parsed.data;
}
