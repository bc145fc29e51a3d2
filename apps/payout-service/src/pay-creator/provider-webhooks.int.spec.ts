import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Asked, type Paying, startPaying } from '../../test/paying.js';
import { expectOneStory } from '../../test/redeeming.js';
import { record } from '../../test/scripted-provider.js';

const OLD = `whsec_${Buffer.from('the secret that is going out of use').toString('base64')}`;
const NEW = `whsec_${Buffer.from('the secret that is coming into use').toString('base64')}`;
const OTHERS = `whsec_${Buffer.from('a secret that is somebody else’s!!').toString('base64')}`;

let paying: Paying;
beforeAll(async () => {
  paying = await startPaying({ PAYOUT_WEBHOOK_SECRETS: [NEW, OLD] });
}, 60_000);
afterAll(() => paying?.end());
afterEach(() => expectOneStory(paying.doors.db));

let creators = 0;
let webhooks = 0;
async function sent(): Promise<Asked & { providerSays(status: string, change?: object): void }> {
  const asked = await paying.asked(`creator-${++creators}`);
  await paying.look();
  const [call] = paying.provider.calls.filter(({ key }) => key === asked.redemptionId);
  if (call === undefined) throw new Error('it was not sent');
  return {
    ...asked,
    providerSays: (status, change) => {
      paying.provider.onPoll = () => record(call.body, status, change);
    },
  };
}

interface Sending {
  readonly id?: string;
  readonly secret?: string;
  readonly at?: Date;
  readonly altered?: (text: string) => string;
  readonly headers?: object;
  readonly provider?: string;
}

/** Sends a webhook as the provider would; answers its status and code. */
async function webhook(data: object | string, sending: Sending = {}): Promise<unknown[]> {
  const { id = `msg_${++webhooks}`, secret = NEW, at = new Date(), altered = (text) => text } = sending;
  const text = typeof data === 'string' ? data : JSON.stringify({ type: 'payout.updated', data });
  const answer = await paying.doors.app.inject({
    method: 'POST',
    url: `/v1/provider-webhooks/${sending.provider ?? 'fake'}`,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, text),
      ...sending.headers,
    },
    payload: altered(text),
  });
  return answer.statusCode === 204 ? [204] : [answer.statusCode, answer.json().code];
}

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const pollsOf = (redemptionId: string) => paying.provider.polls.filter((id) => id === redemptionId).length;

test('a webhook is not applied: it makes us ask, and what the provider answers is', async () => {
  const { redemptionId, now, providerSays } = await sent();
  expect(await webhook({ payoutId: redemptionId, status: 'failed' })).toEqual([204]);
  expect(await now()).toMatchObject({ state: 'in_transit' });
  providerSays('paid');
  await paying.look();
  expect(await now()).toMatchObject({ state: 'paid' });
});

test('18: a bad signature, six minutes of age, or altered bytes are 401, and nobody is asked', async () => {
  const { redemptionId, now, providerSays } = await sent();
  providerSays('paid');
  const data = { payoutId: redemptionId, status: 'paid' };
  const refused = [401, 'webhook_not_verified'];
  expect(await webhook(data, { secret: OTHERS })).toEqual(refused);
  expect(await webhook(data, { at: minutesAgo(6) })).toEqual(refused);
  expect(await webhook(data, { at: minutesAgo(-6) })).toEqual(refused);
  expect(await webhook(data, { altered: (text) => text.replace('"paid"', '"failed"') })).toEqual(refused);
  expect(await webhook(data, { altered: (text) => `${text} ` })).toEqual(refused);
  expect(await webhook(data, { headers: { 'webhook-id': 'msg_another' } })).toEqual(refused);
  expect(await webhook(data, { headers: { 'webhook-signature': 'v1,' } })).toEqual(refused);
  expect(await webhook(data, { headers: { 'webhook-signature': '' } })).toEqual(refused);
  expect(await webhook(data, { provider: 'another' })).toEqual([404, 'payout_provider_not_found']);
  const [before] = await paying.doors.db.query('SELECT count(*)::int AS n FROM payout.provider_webhook');
  await paying.look();
  expect(await now()).toMatchObject({ state: 'in_transit' });
  expect(pollsOf(redemptionId)).toBe(0);
  expect(await webhook(data, { at: minutesAgo(4) })).toEqual([204]);
  const [after] = await paying.doors.db.query('SELECT count(*)::int AS n FROM payout.provider_webhook');
  expect(after.n).toBe(before.n + 1);
});

test('the secret that goes out of use and the one that comes into use are both good', async () => {
  const { redemptionId } = await sent();
  for (const secret of [OLD, NEW]) expect(await webhook({ payoutId: redemptionId }, { secret })).toEqual([204]);
});

test('19: twice it is taken once, out of order it does no harm, another amount is a break and no payment', async () => {
  const { redemptionId, now, providerSays } = await sent();
  providerSays('paid');
  const id = 'msg_twice';
  for (let n = 0; n < 3; n++) {
    expect(await webhook({ payoutId: redemptionId, status: 'paid' }, { id })).toEqual([204]);
    await paying.look();
  }
  expect(pollsOf(redemptionId)).toBe(1);
  const [{ times }] = await paying.doors.db.query('SELECT times FROM payout.provider_webhook WHERE webhook_id = $1', [
    id,
  ]);
  expect(times).toBe(3);
  // What was sent before comes after it.
  expect(await webhook({ payoutId: redemptionId, status: 'pending' })).toEqual([204]);
  await paying.look();
  expect(await now()).toMatchObject({ state: 'paid' });

  const other = await sent();
  other.providerSays('paid', { amountMinor: 1 });
  expect(await webhook({ payoutId: other.redemptionId, status: 'paid' })).toEqual([204]);
  await paying.look();
  expect(await other.now()).toMatchObject({ state: 'in_transit' });
  const breaks = await paying.doors.db.query('SELECT outcome FROM payout.break WHERE redemption_id = $1', [
    other.redemptionId,
  ]);
  expect(breaks).toEqual([{ outcome: 'amount_differs' }]);
});

test('a webhook that comes while the provider is asked makes us ask again', async () => {
  const { redemptionId, now, providerSays } = await sent();
  const taken: Promise<unknown>[] = [];
  const { onPoll } = paying.provider;
  paying.provider.onPoll = (payoutId) => {
    taken.push(webhook({ payoutId: redemptionId, status: 'paid' }));
    return onPoll(payoutId);
  };
  await webhook({ payoutId: redemptionId, status: 'pending' });
  await paying.look();
  await Promise.all(taken);
  providerSays('paid');
  await paying.look();
  expect(await now()).toMatchObject({ state: 'paid' });
});

test('a webhook that comes before the call is answered makes us ask all the same', async () => {
  const { onCall } = paying.provider;
  paying.provider.onCall = async (payout) => {
    await webhook({ payoutId: payout.payoutId, status: 'paid' });
    return record(payout, 'paid');
  };
  const { redemptionId, now } = await paying.asked(`creator-${++creators}`);
  await paying.look();
  expect(await now()).toMatchObject({ state: 'paid' });
  expect(pollsOf(redemptionId)).toBe(1);
  paying.provider.onCall = onCall;
});

test('of a payout that is none of ours a person is told, and what names none is taken all the same', async () => {
  expect(await webhook({ payoutId: 'rdm_of_nobody' })).toEqual([204]);
  expect(await webhook('no JSON at all')).toEqual([204]);
  const breaks = await paying.doors.db.query(
    `SELECT evidence->>'payoutId' AS id FROM payout.break WHERE outcome = $1`,
    ['missing_here'],
  );
  expect(breaks).toEqual([{ id: 'rdm_of_nobody' }]);
});
