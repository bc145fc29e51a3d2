import { describe, expect, it } from '@jest/globals';
import { opsEnvironment } from './ops-environment.worker.js';

const read = (GIFT_SERVICE_URL: string) => opsEnvironment({ standalone: false }).safeParse({ GIFT_SERVICE_URL });

describe('the URL of a service', () => {
  it.each([
    ['http://127.0.0.1:8081', 'http://127.0.0.1:8081'],
    ['https://gifts.example/carat/', 'https://gifts.example/carat'],
  ])('may be %s', (url, asked) => {
    expect(read(url).data).toMatchObject({ GIFT_SERVICE_URL: asked, PAYOUT_SERVICE_URL: 'http://127.0.0.1:8083' });
  });

  it.each([
    'gifts',
    'file:///etc/passwd',
    'http://me:secret@gifts.example',
    'http://gifts.example?',
    'http://gifts.example#a',
  ])('is never %s, and a secret in it is not repeated', (url) => {
    const { issues } = read(url).error ?? { issues: [] };
    expect(issues).toMatchObject([{ path: ['GIFT_SERVICE_URL'], message: 'expects a URL like http://127.0.0.1:8081' }]);
    expect(JSON.stringify(issues)).not.toContain('secret');
  });
});
