import { inspect } from 'node:util';
import { openTokenIssuer, type SigningKey, type TokenIssuer } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose';
import type { OidcSettings } from './issued-token.js';
import { OidcIssuer } from './oidc-issuer.worker.js';

class TextLogger extends ConsoleLogger {
  override warn(...said: unknown[]): void {
    logged += inspect(said, { depth: 20 });
  }
}

let issuer: TokenIssuer;
let key: SigningKey;
let verifier: OidcIssuer;
let logged: string;

const settingsOf = ({ url, audience }: TokenIssuer): OidcSettings => ({
  issuer: url,
  audience,
  rolesClaim: 'roles',
  creatorClaim: undefined,
});

beforeEach(async () => {
  logged = '';
  Logger.overrideLogger(new TextLogger());
  issuer = await openTokenIssuer();
  key = await issuer.addKey();
  verifier = new OidcIssuer(settingsOf(issuer));
});
afterEach(async () => {
  Logger.overrideLogger(false);
  jest.restoreAllMocks();
  await issuer.stop().catch(() => undefined);
});

const alice = { sub: 'alice', roles: ['operator'] };
const ALICE = { keyId: 'oidc', principal: 'alice', roles: ['operator'] };
const now = (): number => Math.floor(Date.now() / 1_000);
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unavailable = { code: 'unavailable', message: 'the issuer of tokens does not tell its keys' };

/** Lets the clock of this process run ahead; what is signed and timed elsewhere stays where it is. */
function laterBy(ms: number): void {
  const clock = Date.now;
  jest.spyOn(Date, 'now').mockImplementation(() => clock() + ms);
}

describe('a token is taken', () => {
  test.each(['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'])(
    'with a signature by %s',
    async (alg) => {
      const other = await issuer.addKey(alg);
      expect(await verifier.verify(await other.sign(alice))).toEqual(ALICE);
    },
  );

  test('for several audiences, when we are one of them', async () => {
    expect(
      await verifier.verify(await key.sign({ ...alice, aud: ['https://other.example', issuer.audience] })),
    ).toEqual(ALICE);
  });

  test('without a key id, while the issuer has one key that could be meant', async () => {
    const token = await key.sign(alice, { kid: undefined });
    expect(await verifier.verify(token)).toEqual(ALICE);
    await issuer.addKey();
    expect(await new OidcIssuer(settingsOf(issuer)).verify(token)).toBe(undefined);
  });

  test('a few seconds past its time or before it, for clocks differ', async () => {
    expect(await verifier.verify(await key.sign({ ...alice, exp: now() - 3 }))).toEqual(ALICE);
    expect(await verifier.verify(await key.sign({ ...alice, nbf: now() + 5 }))).toEqual(ALICE);
  });
});

describe('a token is worth nothing', () => {
  test.each<[string, Record<string, unknown>]>([
    ['for another audience', { aud: 'https://other.example' }],
    ['for no audience', { aud: undefined }],
    ['for an audience that begins like ours', { aud: 'https://carat.example.org' }],
    ['of another issuer', { iss: 'https://id.example' }],
    ['of an issuer that differs by a slash', { iss: 'slash' }],
    ['of no issuer', { iss: undefined }],
    ['that is expired', { exp: now() - 60 }],
    ['that never expires', { exp: undefined }],
    ['that is not good yet', { nbf: now() + 60 }],
    ['of nobody', { sub: undefined }],
    ['of somebody whom the books cannot name', { sub: 'x'.repeat(129) }],
    ['that is bound to a key', { cnf: { jkt: 'x' } }],
  ])('%s', async (_what, claims) => {
    const changed = claims['iss'] === 'slash' ? { iss: `${issuer.url}/` } : claims;
    expect(await verifier.verify(await key.sign({ ...alice, ...changed }))).toBe(undefined);
    expect(await verifier.verify(await key.sign(alice))).toEqual(ALICE);
  });

  test('that is no key to a door', async () => {
    expect(await verifier.verify(await key.sign(alice, { typ: 'at+jwt' }))).toEqual(ALICE);
    expect(await verifier.verify(await key.sign(alice, { typ: 'logout+jwt' }))).toBe(undefined);
  });

  test('without a signature', async () => {
    const claims = { iss: issuer.url, aud: issuer.audience, exp: now() + 60, ...alice };
    for (const alg of ['none', 'None', 'NONE'])
      for (const signature of ['', 'c2ln'])
        expect(await verifier.verify(`${base64url({ alg })}.${base64url(claims)}.${signature}`)).toBe(undefined);
  });

  test('signed with our public key as a shared secret', async () => {
    const publicKey = await importJWK(key.jwk, 'RS256');
    const secrets = [await exportSPKI(publicKey as CryptoKey), JSON.stringify(key.jwk), String(key.jwk.n)];
    for (const secret of secrets) {
      const token = new SignJWT({ iss: issuer.url, aud: issuer.audience, exp: now() + 60, ...alice });
      token.setProtectedHeader({ alg: 'HS256', kid: String(key.jwk.kid) });
      expect(await verifier.verify(await token.sign(Buffer.from(secret)))).toBe(undefined);
    }
  });

  test('signed with a key that it brings along, or that lies where it says', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const jwk = await exportJWK(publicKey);
    for (const header of [
      { jwk },
      { jwk, kid: String(key.jwk.kid) },
      { jku: `${issuer.url}/keys` },
      { x5u: issuer.url },
    ]) {
      const token = new SignJWT({ iss: issuer.url, aud: issuer.audience, exp: now() + 60, ...alice });
      token.setProtectedHeader({ alg: 'RS256', ...header });
      expect(await verifier.verify(await token.sign(privateKey))).toBe(undefined);
    }
  });

  test('under a key id that the issuer does not have', async () => {
    expect(await verifier.verify(await key.sign(alice, { kid: 'key-of-nobody' }))).toBe(undefined);
  });

  test('signed by another issuer in the name of ours', async () => {
    const other = await openTokenIssuer();
    const forger = await other.addKey();
    for (const header of [{}, { kid: String(key.jwk.kid) }, { kid: undefined }])
      expect(await verifier.verify(await forger.sign({ ...alice, iss: issuer.url }, header))).toBe(undefined);
    await other.stop();
  });

  test('of which one part was changed', async () => {
    const [header = '', claims = '', signature = ''] = (await key.sign(alice)).split('.');
    const asAdmin = base64url({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), roles: ['admin'] });
    expect(await verifier.verify(`${header}.${asAdmin}.${signature}`)).toBe(undefined);
    expect(
      await verifier.verify(`${header}.${claims}.${signature.replace(/^./, (one) => (one === 'A' ? 'B' : 'A'))}`),
    ).toBe(undefined);
    expect(await verifier.verify(`${header}.${claims}.`)).toBe(undefined);
    expect(await verifier.verify(`eyJ.${claims}.${signature}`)).toBe(undefined);
  });
});

describe('the keys of the issuer', () => {
  test('are asked for once, however many tokens come', async () => {
    const token = await key.sign(alice);
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    await verifier.verify(token);
    expect(issuer.asked).toEqual(['/realms/carat/.well-known/openid-configuration', '/realms/carat/keys']);
  });

  test('may be new: one is known within half a minute, however many tokens name it before', async () => {
    await verifier.verify(await key.sign(alice));
    const rotated = await issuer.addKey();
    const token = await rotated.sign(alice);
    for (let n = 0; n < 20; n++) expect(await verifier.verify(token)).toBe(undefined);
    expect(issuer.asked).toHaveLength(2);
    laterBy(31_000);
    expect(await verifier.verify(token)).toEqual(ALICE);
    expect(issuer.asked).toHaveLength(4);
  });

  test('may be withdrawn, and are out within ten minutes', async () => {
    const token = await key.sign({ ...alice, exp: now() + 3_600 });
    expect(await verifier.verify(token)).toEqual(ALICE);
    issuer.published.length = 0;
    await issuer.addKey();
    laterBy(601_000);
    expect(await verifier.verify(token)).toBe(undefined);
  });

  test('may move', async () => {
    const token = await key.sign(alice);
    issuer.answers = (path, response) =>
      void response.end(
        JSON.stringify(
          path.endsWith('/moved')
            ? { keys: issuer.published }
            : { issuer: issuer.url, jwks_uri: `${issuer.url}/moved` },
        ),
      );
    expect(await verifier.verify(token)).toEqual(ALICE);
  });
});

describe('an issuer that cannot be reached', () => {
  test('makes a token that was never seen unavailable, and not wrong', async () => {
    const token = await key.sign(alice);
    await issuer.stop();
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable);
    await issuer.start();
    laterBy(2_100);
    expect(await verifier.verify(token)).toEqual(ALICE);
  });

  test('is not needed while its keys are remembered, and is after that', async () => {
    const token = await key.sign(alice);
    expect(await verifier.verify(token)).toEqual(ALICE);
    await issuer.stop();
    expect(await verifier.verify(await key.sign({ sub: 'bob' }))).toMatchObject({ principal: 'bob' });
    laterBy(601_000);
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable);
  });

  test('is left in peace for a moment, whatever tokens come', async () => {
    issuer.answers = (_path, response) => void response.writeHead(500).end();
    const token = await key.sign(alice);
    for (let n = 0; n < 20; n++) await expect(verifier.verify(token)).rejects.toMatchObject(unavailable);
    expect(issuer.asked).toHaveLength(1);
    laterBy(2_100);
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable);
    expect(issuer.asked).toHaveLength(2);
  });

  test('is waited for no longer than three seconds', async () => {
    issuer.answers = () => undefined;
    const sinceMs = Date.now();
    await expect(verifier.verify(await key.sign(alice))).rejects.toMatchObject(unavailable);
    expect(Date.now() - sinceMs).toBeLessThan(10_000);
  });

  const discovery = (change: object) =>
    JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...change });
  type Answer = (path: string) => [status: number, body: string, headers?: Record<string, string>];
  const keysAre =
    (answer: (path: string) => string): Answer =>
    (path) => [200, path.endsWith('/keys') ? answer(path) : discovery({})];
  test.each<[string, RegExp, Answer]>([
    ['sends elsewhere', /answers 302/, () => [302, '', { location: 'http://127.0.0.1:1/' }]],
    ['answers what is not JSON', /JSON/, () => [200, '<html>']],
    ['answers for another issuer', /of another issuer/, () => [200, discovery({ issuer: 'https://id.example' })]],
    ['has no keys to tell', /jwks_uri/, () => [200, discovery({ jwks_uri: undefined })]],
    ['tells its keys where they can be changed', /https/, () => [200, discovery({ jwks_uri: 'http://id.example/k' })]],
    ['tells keys that are none', /expected array/, keysAre(() => '{"keys":{}}')],
    ['tells a key that is none', /Invalid keyData/, keysAre(() => keySet({ d: key.jwk.n }))],
    ['tells a key that is too short', /2048 bits/, keysAre(() => keySet({ n: 'AQAB' }))],
  ])('is one that %s, and the log says so without the token', async (_what, reason, answer) => {
    issuer.answers = (path, response) => {
      const [status, body, headers] = answer(path);
      response.writeHead(status, headers).end(body);
    };
    const token = await key.sign({ ...alice, email: 'alice@id.example' });
    await expect(verifier.verify(token)).rejects.toMatchObject(unavailable);
    expect(logged).toMatch(reason);
    for (const part of [...token.split('.'), 'alice']) expect(logged).not.toContain(part);
  });
  const keySet = (change: object): string => JSON.stringify({ keys: [{ ...key.jwk, ...change }] });
});
