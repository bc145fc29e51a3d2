import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { NestLogger, openLogger } from './logger.worker.js';

const key = `carat_publisher_01a206bf-9124-817a-8438-93def9f5b8c1_${'ab'.repeat(32)}`;

type Log = ReturnType<typeof openLogger>;

function logged(write: (logger: Log) => void, secrets: readonly string[] = []): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  write(openLogger('carat', 'trace', stream, secrets));
  return text;
}

describe('the log', () => {
  test.each([
    ['in a message', (log: Log) => log.info(`Bearer ${key}`)],
    ['of a creator', (log: Log) => log.info(key.replace('publisher', 'creator'))],
    ['in an address', (log: Log) => log.error({ url: `/v1/gifts?key=${key}` }, 'failed')],
    ['in an error', (log: Log) => log.error({ err: new Error(key) }, 'failed')],
    ['in headers', (log: Log) => log.info({ req: { headers: { authorization: key } } }, 'x')],
    ['through Nest', (log: Log) => new NestLogger(log).error(new Error(key), 'http')],
  ])('never shows the secret of a key %s', (_where, write) => {
    const text = logged(write);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain('ab'.repeat(32));
  });

  // Each stands in the line twice, so that whatever hides only the first is found out.
  test.each([
    ['the key of the provider', 'the-key/of+the=provider~', (text: string) => `Bearer ${text}; again ${text}`],
    ['the secret of a webhook', `whsec_${'b'.repeat(43)}=`, (text: string) => `${text},${text}`],
    ['the signature of a webhook', `v1,${'c'.repeat(43)}=`, (text: string) => `v2,x ${text} ${text}`],
  ])('never shows %s, wherever it got in', (_what, secret, within) => {
    const where = [
      (log: Log) => log.info(within(secret)),
      (log: Log) => log.info({ url: `/v1/payouts?key=${within(secret)}` }, 'asked'),
      (log: Log) => new NestLogger(log).error(new Error(within(secret)), 'http'),
    ];
    for (const write of where) {
      const text = logged(write, ['the-key/of+the=provider~']);
      expect(text).toContain('[redacted]');
      expect(text).not.toContain(secret.slice(-20));
    }
  });

  test('hides the header of a webhook’s signature, whatever is in it', () => {
    const headers = { 'webhook-signature': 'v1a,hunter2' };
    for (const line of [{ headers }, { req: { headers } }, headers])
      expect(logged((log) => log.info(line, 'x'))).not.toContain('hunter2');
  });

  const [header, claims, signature] = ['eyJhbGciOiJSUzI1NiJ9', 'eyJzdWIiOiJhbGljZSJ9', `c2ln_-${'x'.repeat(300)}`];
  const token = `${header}.${claims}.${signature}`;

  test.each([
    ['in a message', (log: Log) => log.info(`Bearer ${token}`)],
    ['in an address', (log: Log) => log.error({ url: `/v1/gifts?token=${token}&a=b` }, 'x')],
    ['written for an address', (log: Log) => log.error({ url: `/a?b=Bearer%20${token}` }, 'x')],
    ['behind others', (log: Log) => log.info(`a.b.${token},${token}.eyJ.${token}`)],
    ['with eyJ in it', (log: Log) => log.info(token.replace('.', 'eyJ0.'))],
    ['in an error', (log: Log) => log.error({ err: new Error(token) }, 'failed')],
    ['in headers', (log: Log) => log.info({ headers: { 'x-forwarded-token': token } }, 'x')],
    ['through Nest', (log: Log) => new NestLogger(log).warn({ err: new Error(token) }, 'oidc')],
  ])('never shows a token of an issuer %s', (_where, write) => {
    const text = logged(write);
    expect(text).toContain('eyJ[redacted]');
    for (const part of [claims, signature]) expect(text).not.toContain(part);
    expect(() => JSON.parse(text.split('\n')[0] ?? '')).not.toThrow();
  });

  test('shows what only begins like a token, and takes no longer over it', () => {
    for (const harmless of ['eyJhbGciOiJSUzI1NiJ9', 'eyJh.eyJz', 'www.example.org', 'a.b.c'])
      expect(logged((log) => log.info(harmless))).toContain(`"msg":"${harmless}"`);
    const sinceMs = performance.now();
    logged((log) => log.info('eyJ'.repeat(100_000)));
    expect(performance.now() - sinceMs).toBeLessThan(5_000);
  });

  test('never shows the secret of a webhook, not even of a statement that failed', () => {
    const secret = Buffer.alloc(32, 0xfb).toString('base64');
    const parameters = ['whe_1', JSON.stringify([{ secret: `whsec_${secret}` }])];
    const text = logged((log) => log.error({ err: Object.assign(new Error('failed'), { parameters }) }, 'failed'));
    expect(text).toContain('whsec_[redacted]');
    expect(text).not.toContain(secret);
    expect(JSON.parse(text)).toMatchObject({ msg: 'failed' });
  });

  test('hides any authorization header', () => {
    expect(logged((log) => log.info({ headers: { authorization: 'Basic aHVudGVyMg==' } }, 'x'))).not.toContain(
      'aHVudGVyMg',
    );
  });
});
