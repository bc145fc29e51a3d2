import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { hashOfSeal, isSignedWith, keyIdOf, NO_SEAL, type SealContent, signSeal, textOfSeal } from './seal.js';
import { lineOfSeal, SealMalformed, sealOfRow, sealOnLine } from './seal-line.js';

// The private key of RFC 8032 §7.1, test 1, behind the PKCS8 of every Ed25519 key.
const PKCS8 = '302e020100300506032b657004220420';
const SECRET = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const KEY = createPrivateKey({ key: Buffer.from(PKCS8 + SECRET, 'hex'), format: 'der', type: 'pkcs8' });

const CONTENT: SealContent = {
  version: 2,
  number: 1,
  previous: NO_SEAL,
  log: 'a-log',
  sealedAt: '2026-11-20T19:00:00.000Z',
  partitions: [
    {
      topic: 'gift.events.v1',
      partition: 0,
      nextOffset: '2',
      records: '2',
      chain: 'a'.repeat(64),
      root: 'b'.repeat(64),
      added: 2,
    },
  ],
  sums: { 'carat.gift.sent.v1': { events: '2', coins: '20', millidiamonds: '0' } },
  balances: [{ partition: 0, digest: 'c'.repeat(64) }],
};
const SEAL = signSeal(CONTENT, KEY);

test('golden values: the name of a key, the hash of a content, its signature', () => {
  expect([SEAL.keyId, hashOfSeal(CONTENT), SEAL.signature]).toEqual([
    '06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9',
    'a3ebeff1ef53dffed47af2d8751caf70d2b63666119d3ce6d2ace98187f417e1',
    '3QLWZSjoveYgcWkKGXJILXYPyKObjeAeuFSCLspfdxkHxmVZvsHBlTcW26mYrZ26k+4IeeBma1474oaWDdNPCg==',
  ]);
  expect(keyIdOf(createPublicKey(KEY))).toBe(SEAL.keyId);
});

test('a seal is its own with its own key alone', () => {
  expect(isSignedWith(SEAL, createPublicKey(KEY))).toBe(true);
  const other = generateKeyPairSync('ed25519');
  expect(isSignedWith(SEAL, other.publicKey)).toBe(false);
  // The name of the key is no secret, so somebody else may write it onto a seal.
  const forged = { ...signSeal(CONTENT, other.privateKey), keyId: SEAL.keyId };
  expect(isSignedWith(forged, createPublicKey(KEY))).toBe(false);
});

test('the order in which fields were written does not matter', () => {
  const shuffled = Object.fromEntries(Object.entries(CONTENT).reverse()) as SealContent;
  expect(textOfSeal(shuffled)).toBe(textOfSeal(CONTENT));
  expect(isSignedWith({ ...SEAL, content: shuffled }, createPublicKey(KEY))).toBe(true);
});

test('a seal of which one bit was changed is no seal, or not one of this key', () => {
  const line = Buffer.from(lineOfSeal(SEAL));
  const publicKey = createPublicKey(KEY);
  // Base64 leaves four bits of the last letter of a signature without a meaning.
  const end = line.indexOf('==');
  const accepted: string[] = [];
  for (let bit = 0; bit < 8 * line.length; bit++) {
    if (bit >> 3 >= end - 1 && bit >> 3 < end + 2) continue;
    const other = Buffer.from(line);
    other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      if (isSignedWith(sealOnLine(other.toString(), 'it'), publicKey)) accepted.push(other.toString());
    } catch (error) {
      expect(error).toBeInstanceOf(SealMalformed);
    }
  }
  expect(accepted).toEqual([]);
});

describe('a line', () => {
  test('is a seal, and the seal is that line again', () => {
    expect(sealOnLine(lineOfSeal(SEAL), 'line 1')).toEqual(SEAL);
    expect(lineOfSeal(sealOnLine(lineOfSeal(SEAL), 'line 1'))).toBe(lineOfSeal(SEAL));
    expect(lineOfSeal(SEAL)).not.toContain('\n');
  });

  test.each([
    ['that is no JSON', '{"content":', 'line 3 of seals.jsonl is no seal: '],
    ['of another version', { ...CONTENT, version: 3 }, 'line 3 of seals.jsonl is no seal: /content/version'],
    ['with a field more', { ...CONTENT, note: 'x' }, 'line 3 of seals.jsonl is no seal: /content'],
    ['with half of a digest', { ...CONTENT, previous: 'abc' }, '/content/previous'],
    ['with a sum that is a number', { ...CONTENT, sums: { x: { events: 1 } } }, '/content/sums/x'],
  ])('%s is refused by its name and its field', (_, content, sentence) => {
    const text = typeof content === 'string' ? content : JSON.stringify({ ...SEAL, content });
    expect(() => sealOnLine(text, 'line 3 of seals.jsonl')).toThrow(SealMalformed);
    expect(() => sealOnLine(text, 'line 3 of seals.jsonl')).toThrow(sentence);
  });

  test('and a row of the database are the same seal', () => {
    const row = { number: '1', content: textOfSeal(CONTENT), key_id: SEAL.keyId, signature: SEAL.signature };
    expect(sealOfRow(row)).toEqual(SEAL);
    expect(() => sealOfRow({ ...row, content: '{}' })).toThrow('row 1 of audit.seal is no seal: /content/version');
  });

  test('or a row that says the same otherwise than a notary writes it is none', () => {
    const row = { number: '1', content: textOfSeal(CONTENT), key_id: SEAL.keyId, signature: SEAL.signature };
    const otherwise = 'it is not written as a notary writes it';
    // The last digit before the padding has four bits that mean nothing.
    const signature = SEAL.signature.replace(
      /(.)==$/,
      (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}==`,
    );
    expect(Buffer.from(signature, 'base64')).toEqual(Buffer.from(SEAL.signature, 'base64'));
    expect(() => sealOfRow({ ...row, number: '2' })).toThrow('row 2 of audit.seal is no seal: it holds seal 1');
    expect(() => sealOfRow({ ...row, content: ` ${row.content}` })).toThrow(otherwise);
    expect(() => sealOfRow({ ...row, content: row.content.replace('{', '{"version":1,') })).toThrow(otherwise);
    expect(() => sealOfRow({ ...row, signature })).toThrow(`/signature: ${otherwise}`);
    for (const line of [`${lineOfSeal(SEAL)} `, lineOfSeal({ ...SEAL, signature }), JSON.stringify(SEAL)])
      expect(() => sealOnLine(line, 'line 1')).toThrow(otherwise);
  });
});
