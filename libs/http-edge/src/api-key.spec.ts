import { describe, expect, test } from '@jest/globals';
import { hashOfSecret, isSecretOf, keyText, presentedKey } from './api-key.js';

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
});
