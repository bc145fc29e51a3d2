import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hashOfSecret, isSecretOf, keyText, presentedKey, roles } from './api-key.js';

const keyId = 'key_01a206bf-9124-817a-8438-93def9f5b8c1';
const secret = Buffer.alloc(32, 7);
const key = keyText('publisher', keyId, secret);

describe('an API key', () => {
  test('is read back from the header that carries it', () => {
    const presented = { role: 'publisher', keyId, secret: secret.toString('hex') };
    expect(presentedKey(`Bearer ${key}`)).toEqual(presented);
    expect(presentedKey(`bearer  ${key}`)).toEqual(presented);
  });

  test.each([
    undefined,
    '',
    key,
    `Basic ${key}`,
    `Bearer ${key}0`,
    `Bearer ${key.slice(1)}`,
    `Bearer ${key.toUpperCase()}`,
    `Bearer ${key.replace('publisher', 'root')}`,
    `Bearer ${key.replace('publisher', 'creators')}`,
    `Bearer ${key} ${key}`,
  ])('%p is none', (header) => {
    expect(presentedKey(header)).toBe(undefined);
  });

  test('is proven by its secret and by no other', () => {
    const hash = hashOfSecret(secret.toString('hex'));
    expect(isSecretOf(secret.toString('hex'), hash)).toBe(true);
    expect(isSecretOf(Buffer.alloc(32, 8).toString('hex'), hash)).toBe(false);
    expect(isSecretOf(secret.toString('hex'), Buffer.alloc(32))).toBe(false);
  });

  const anySecret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));

  test('or a creator’s token is read back whole, whatever its role, id and secret are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...roles, 'creator' as const), fc.uuid(), anySecret, (role, id, bytes) => {
        const presented = { role, keyId: `${role === 'creator' ? 'tok' : 'key'}_${id}`, secret: bytes.toString('hex') };
        expect(presentedKey(`Bearer ${keyText(role, presented.keyId, bytes)}`)).toEqual(presented);
      }),
    );
  });

  test('of which one character was changed is none, or another, or not proven', () => {
    const hash = hashOfSecret(secret.toString('hex'));
    for (const [at, character] of [...key].entries()) {
      const altered = key.slice(0, at) + (character === 'a' ? 'b' : 'a') + key.slice(at + 1);
      const presented = presentedKey(`Bearer ${altered}`);
      expect(presented?.keyId === keyId && isSecretOf(presented.secret, hash)).toBe(false);
    }
  });
});
