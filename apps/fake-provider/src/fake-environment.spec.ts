import { describe, expect, test } from '@jest/globals';
import { fakeEnvironment } from './fake-environment.worker.js';

const given = {
  PAYOUT_PROVIDER_KEY: 'the-key-of-the-provider',
  PAYOUT_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
};
const read = (PAYOUT_WEBHOOK_URL?: string, standalone = false) =>
  fakeEnvironment({ standalone }).safeParse({ ...given, PAYOUT_WEBHOOK_URL });

describe('where webhooks go', () => {
  test('is payout-service on this machine, or in standalone the door of the process', () => {
    expect(read().data?.PAYOUT_WEBHOOK_URL).toBe('http://127.0.0.1:8083/v1/provider-webhooks/fake');
    const { success, data } = read(undefined, true);
    expect([success, data?.PAYOUT_WEBHOOK_URL]).toEqual([true, undefined]);
  });

  test('may be elsewhere', () => {
    const url = 'https://payouts.example/v1/provider-webhooks/fake';
    for (const standalone of [true, false]) expect(read(url, standalone).data?.PAYOUT_WEBHOOK_URL).toBe(url);
  });

  test.each([
    'payouts',
    'file:///etc/passwd',
    'http://me:hunter2@payouts.example',
    'http://payouts.example?key=hunter2',
    'http://payouts.example#hunter2',
  ])('is never %s, which is not repeated', (url) => {
    const { issues = [] } = read(url).error ?? {};
    const message = 'expects a URL like http://127.0.0.1:8083/v1/provider-webhooks/fake';
    expect(issues).toMatchObject([{ path: ['PAYOUT_WEBHOOK_URL'], message }]);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  });
});
