import { Writable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { NestLogger, openLogger } from './logger.worker.js';

const key = `carat_publisher_01a206bf-9124-817a-8438-93def9f5b8c1_${'ab'.repeat(32)}`;

function logged(write: (logger: ReturnType<typeof openLogger>) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  write(openLogger('carat', 'trace', stream));
  return text;
}

describe('the log', () => {
  test.each([
    ['in a message', (log: ReturnType<typeof openLogger>) => log.info(`Bearer ${key}`)],
    ['of a creator', (log: ReturnType<typeof openLogger>) => log.info(key.replace('publisher', 'creator'))],
    ['in an address', (log: ReturnType<typeof openLogger>) => log.error({ url: `/v1/gifts?key=${key}` }, 'failed')],
    ['in an error', (log: ReturnType<typeof openLogger>) => log.error({ err: new Error(key) }, 'failed')],
    ['in headers', (log: ReturnType<typeof openLogger>) => log.info({ req: { headers: { authorization: key } } }, 'x')],
    ['through Nest', (log: ReturnType<typeof openLogger>) => new NestLogger(log).error(new Error(key), 'http')],
  ])('never shows the secret of a key %s', (_where, write) => {
    const text = logged(write);
    expect(text).toContain('[redacted]');
    expect(text).not.toContain('ab'.repeat(32));
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
