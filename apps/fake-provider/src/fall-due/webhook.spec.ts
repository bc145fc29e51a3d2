import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type DueWebhook, lotsOf, retriedAfterMs, sentWebhook } from './webhook.js';

const secretOf = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
const due: DueWebhook = {
  webhookNo: '1',
  webhookId: 'msg_1',
  payoutId: 'rdm_1',
  status: 'paid',
  changedMs: Date.parse('2031-01-01T00:00:00.000Z'),
  signature: 'right',
  dueMs: 0,
  attempts: 0,
};
const verified = ({ body, headers }: ReturnType<typeof sentWebhook>, secret: string): unknown =>
  new Webhook(secret).verify(body, { ...headers });

describe('a webhook', () => {
  const now = new Date();

  test('says what changed, and is signed as Standard Webhooks wants it', () => {
    const sent = sentWebhook(due, secretOf(1), now);
    expect(verified(sent, secretOf(1))).toEqual({
      type: 'payout.updated',
      timestamp: '2031-01-01T00:00:00.000Z',
      data: { payoutId: 'rdm_1', status: 'paid' },
    });
    expect(sent.headers).toMatchObject({ 'webhook-id': 'msg_1', 'content-type': 'application/json' });
    expect(() => verified(sent, secretOf(2))).toThrow('No matching signature');
  });

  test('is dated by the wall’s clock, or nobody would take it', () => {
    const sent = sentWebhook(due, secretOf(1), new Date(now.getTime() - 360_000));
    expect(() => verified(sent, secretOf(1))).toThrow('too old');
  });

  test('without a signature, and with that of something else, is what it says', () => {
    const unsigned = sentWebhook({ ...due, signature: 'none' }, secretOf(1), now);
    expect(Object.keys(unsigned.headers)).not.toContain('webhook-signature');
    const wrong = sentWebhook({ ...due, signature: 'wrong' }, secretOf(1), now);
    expect(wrong.headers['webhook-signature']).toMatch(/^v1,[\w+/]{43}=$/);
    expect(() => verified(wrong, secretOf(1))).toThrow('No matching signature');
  });
});

test('a webhook is tried five times, ever later', () => {
  expect([0, 1, 2, 3, 4].map(retriedAfterMs)).toEqual([5_000, 30_000, 300_000, 3_600_000, undefined]);
});

test('webhooks of one moment go out together, a few at once, and none before an earlier one', () => {
  const at = (...times: number[]) => times.map((dueMs, nth) => ({ ...due, webhookNo: String(nth), dueMs }));
  const numbers = (times: number[], most: number) =>
    lotsOf(at(...times), most).map((lot) => lot.map(({ webhookNo }) => Number(webhookNo)));
  expect(numbers([], 2)).toEqual([]);
  expect(numbers([1, 1, 1, 2, 3, 3], 2)).toEqual([[0, 1], [2], [3], [4, 5]]);
});
