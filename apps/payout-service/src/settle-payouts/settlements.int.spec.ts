import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Asked, type Paying, startPaying } from '../../test/paying.js';
import { expectOneStory, MINIMUM } from '../../test/redeeming.js';
import { notFound, record } from '../../test/scripted-provider.js';

let paying: Paying;
let olga: string;
beforeAll(async () => {
  paying = await startPaying();
  olga = await paying.keyOf('approver', 'person:olga');
}, 60_000);
afterAll(() => paying?.end());
afterEach(() => expectOneStory(paying.doors.db));

let creators = 0;
async function unknown(): Promise<Asked> {
  paying.provider.onCall = () => 'breaks';
  paying.provider.onPoll = () => notFound;
  const asked = await paying.asked(`creator-${++creators}`);
  await paying.rest();
  await paying.look();
  expect(await asked.now()).toMatchObject({ state: 'unknown' });
  return asked;
}
const evidence = 'the statement of the bank, line 7';

test.each([
  ['paid', { redeemed: `${MINIMUM}`, available: '0' }],
  ['failed', { redeemed: '0', available: `${MINIMUM}` }],
])('a payout of unknown outcome that two people call %s is', async (outcome, balance) => {
  const { decide, now, app, redemptionId } = await unknown();
  const { approver } = paying.doors.keys;
  const { body: proposal } = await decide('settlements', approver, { outcome, evidence }, 'once');
  expect(proposal).toMatchObject({ redemptionId, outcome, evidence, state: 'proposed', proposedBy: 'approver' });
  expect(await decide('settlements', approver, { outcome, evidence }, 'once')).toMatchObject({ replayed: true });
  expect(await app.balance()).toMatchObject({ held: `${MINIMUM}`, redeemed: '0' });
  const door = `settlements/${proposal['settlementId']}/approval`;
  const other = { contentHash: 'of another' };
  expect(await decide(door, olga, other)).toMatchObject({ status: 409, body: { code: 'proposal_changed' } });
  const { contentHash } = proposal as { contentHash: string };
  const settled = await decide(door, olga, { contentHash });
  expect(settled).toMatchObject({ status: 200, body: { state: 'approved', decidedBy: 'person:olga' } });
  expect(await decide(door, olga, { contentHash })).toMatchObject({ body: settled.body, replayed: true });
  expect(await now()).toMatchObject({ state: outcome, reason: evidence });
  expect(await app.balance()).toMatchObject({ held: '0', ...balance });
  const list = await paying.doors.send('GET', `/v1/redemptions/${redemptionId}/settlements`, paying.doors.keys.auditor);
  expect(list.body['items']).toEqual([settled.body]);
});

test('what two people have settled is asked about like anything else that has come out', async () => {
  const { decide, redemptionId } = await unknown();
  const { db, keys } = paying.doors;
  await db.query('UPDATE payout.payout SET polls = 60, poll_at = NULL WHERE redemption_id = $1', [redemptionId]);
  const { body } = await decide('settlements', keys.approver, { outcome: 'failed', evidence });
  await decide(`settlements/${body['settlementId']}/approval`, olga);
  await paying.look();
  const asked = 'SELECT polls, poll_at > clock_timestamp() AS again FROM payout.payout WHERE redemption_id = $1';
  expect(await db.query(asked, [redemptionId])).toEqual([{ polls: 1, again: true }]);
});

test('what the provider says first stands, and the proposal is void', async () => {
  const { decide, now, redemptionId } = await unknown();
  const { body } = await decide('settlements', paying.doors.keys.approver, { outcome: 'failed', evidence });
  const [call] = paying.provider.calls.filter(({ key }) => key === redemptionId);
  if (call === undefined) throw new Error('it was not sent');
  paying.provider.onPoll = () => record(call.body, 'failed');
  await paying.lookLater();
  expect(await now()).toMatchObject({ state: 'failed' });
  const late = await decide(`settlements/${body['settlementId']}/approval`, olga);
  expect(late).toMatchObject({ status: 409, body: { code: 'redemption_already_ended' } });
});

test('is for payouts of unknown outcome, and not for one that is on its way', async () => {
  const { decide, now } = await paying.asked(`creator-${++creators}`);
  const early = await decide('settlements', olga, { outcome: 'paid', evidence });
  expect(early).toMatchObject({ status: 409, body: { code: 'redemption_not_ready' } });
  expect(await now()).toMatchObject({ state: 'requested' });
  const nothing = await decide('settlements', olga, { outcome: 'paid', evidence: '' });
  expect(nothing).toMatchObject({ status: 422, body: { errors: [{ pointer: '/evidence' }] } });
  const none = await decide('settlements/stl_none/approval', olga);
  expect(none).toMatchObject({ status: 404, body: { code: 'settlement_not_found' } });
});

test('a proposal that is approved too late is void', async () => {
  const { decide, now } = await unknown();
  const { body } = await decide('settlements', paying.doors.keys.approver, { outcome: 'paid', evidence });
  await paying.doors.db.query(`UPDATE payout.settlement SET proposed_at = proposed_at - interval '72 hours'`);
  const late = await decide(`settlements/${body['settlementId']}/approval`, olga);
  expect(late).toMatchObject({ status: 409, body: { code: 'approval_expired' } });
  expect(await now()).toMatchObject({ state: 'unknown' });
});
