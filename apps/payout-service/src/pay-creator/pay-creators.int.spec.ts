import { setTimeout as sleep } from 'node:timers/promises';
import { ENVIRONMENT } from '@carat/service-host';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { event } from '../../test/ledger-events.js';
import { ONE_APPROVER, type Paying, startPaying } from '../../test/paying.js';
import { credit, expectOneStory, MINIMUM, redemptionEvents } from '../../test/redeeming.js';
import { type Call, notFound, record } from '../../test/scripted-provider.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';
import { MoveOn } from '../screen-redemptions/move-on.store.js';
import { PayCreators } from './pay-creators.worker.js';
import { PayoutProvider } from './payout-provider.worker.js';
import { Payouts } from './payouts.store.js';

let paying: Paying;
let calm: Pick<Paying['provider'], 'onCall' | 'onPoll'>;
beforeAll(async () => {
  paying = await startPaying();
  calm = { onCall: paying.provider.onCall, onPoll: paying.provider.onPoll };
}, 60_000);
beforeEach(() => void Object.assign(paying.provider, calm));
afterAll(() => paying?.end());
afterEach(() => expectOneStory(paying.doors.db));

const OTHERS_RECORD = {
  payoutId: 'rdm_other',
  providerReference: 'r',
  status: 'paid',
  currency: 'USD',
  amountMinor: 5000,
};
let creators = 0;
const anyone = () => `creator-${++creators}`;
const callsOf = (redemptionId: string): Call[] => paying.provider.calls.filter(({ key }) => key === redemptionId);
function payoutOf([call]: readonly Call[]): Call['body'] {
  if (call === undefined) throw new Error('it was not sent');
  return call.body;
}
const movesOf = async (redemptionId: string) =>
  (await redemptionEvents(paying.doors.db))
    .filter(({ data }) => data.redemptionId === redemptionId)
    .map(({ type, data }) => `${type.slice('carat.redemption.'.length, -'.v1'.length)} by ${data.by}`);
const breaksOf = (redemptionId: string) =>
  paying.doors.db.query('SELECT outcome FROM payout.break WHERE redemption_id = $1 ORDER BY break_id', [redemptionId]);

describe('a redemption that nobody has to approve', () => {
  test('is screened, approved, sent and, when the provider says so, paid', async () => {
    const { provider, doors } = paying;
    const { redemptionId, creatorId, app, now } = await paying.asked(anyone());
    await paying.look();
    expect(await now()).toMatchObject({ state: 'in_transit', providerReference: `ref-${redemptionId.slice(-8)}` });
    expect(callsOf(redemptionId)).toEqual([
      {
        key: redemptionId,
        authorization: expect.stringMatching(/^Bearer \S+$/),
        body: {
          payoutId: redemptionId,
          currency: 'USD',
          amountMinor: 5000,
          destination: { payoutMethodId: 'pm_ok', kind: 'fake', label: 'is paid' },
        },
      },
    ]);
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}`, redeemed: '0' });
    provider.onPoll = () => record(payoutOf(callsOf(redemptionId)), 'paid');
    await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'paid', late: false, approvals: { given: 0, needed: 0 } });
    expect(await app.balance()).toMatchObject({ held: '0', redeemed: `${MINIMUM}`, available: '0' });
    expect(await movesOf(redemptionId)).toEqual([
      `requested by ${creatorId}`,
      'cleared by system:screening',
      'approved by system:tiers',
      'submitted by system:payouts',
      'accepted by provider:fake',
      'paid by provider:fake',
    ]);
    await paying.lookLater();
    expect(callsOf(redemptionId)).toHaveLength(1);
    expect(
      (await doors.send('POST', `/v1/redemptions/${redemptionId}/cancellation`, doors.keys.operator)).body,
    ).toEqual(expect.objectContaining({ code: 'redemption_already_ended' }));
  });

  test('is known as submitted, and its call as made, before the first byte leaves', async () => {
    const { provider, doors } = paying;
    const seen: unknown[] = [];
    provider.onCall = async (payout) => {
      const found = await doors.db.query(
        `SELECT status, called_until > clock_timestamp() AS "isClaimed", call_at
         FROM payout.redemption JOIN payout.payout USING (redemption_id) WHERE redemption_id = $1`,
        [payout.payoutId],
      );
      seen.push(...found);
      return record(payout, 'paid');
    };
    const { now } = await paying.asked(anyone());
    await paying.look();
    expect(seen).toEqual([{ status: 'submitted', isClaimed: true, call_at: null }]);
    expect(await now()).toMatchObject({ state: 'paid' });
  });
});

describe('a call', () => {
  test.each<[string, Parameters<typeof record>[2] | object | 'hangs' | 'breaks']>([
    ['that gets no answer', 'hangs'],
    ['whose connection breaks', 'breaks'],
    ['answered 500', { status: 500 }],
    ['answered 503', { status: 503 }],
    ['answered 409', { status: 409, body: { code: 'idempotency_conflict' } }],
    ['answered 408', { status: 408 }],
    ['answered 429', { status: 429 }],
    ['answered by a redirect', { status: 302 }],
    ['answered 201 with no JSON', { status: 201, body: 'it is <b>done</b>' }],
    ['answered 201 about another payout', { status: 201, body: OTHERS_RECORD }],
  ])('%s has an unknown outcome: its diamonds stay held, and it is never made again', async (_, behaviour) => {
    const { provider } = paying;
    provider.onCall = () => behaviour as 'hangs';
    provider.onPoll = () => notFound;
    const { redemptionId, now, app } = await paying.asked(anyone());
    await paying.rest();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'unknown' });
    // Not found is never proof.
    for (let n = 0; n < 3; n++) await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'unknown' });
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}`, available: '0' });
    expect(callsOf(redemptionId)).toHaveLength(1);
    const body = payoutOf(callsOf(redemptionId));
    provider.onPoll = () => record(body, 'paid');
    await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'paid' });
  });

  test.each([400, 402, 403, 404, 410, 422])('answered %d is refused, and its diamonds go back', async (status) => {
    await paying.rest();
    paying.provider.onCall = () => ({ status, body: { code: 'no_such_account', detail: 'Closed\u0000 in May.' } });
    const { redemptionId, now, app } = await paying.asked(anyone());
    await paying.look();
    const reason = `the provider refused it (${status}): no_such_account: Closed  in May.`;
    expect(await now()).toMatchObject({ state: 'failed', reason });
    expect(await app.balance()).toMatchObject({ held: '0', available: `${MINIMUM}` });
    await paying.lookLater();
    expect(callsOf(redemptionId)).toHaveLength(1);
  });

  test('that nobody took is made again: the provider is known to have heard nothing', async () => {
    const { provider } = paying;
    const { redemptionId, now } = await paying.asked(anyone());
    await provider.close();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'submitted' });
    // Nothing else is sent meanwhile, so it can still be cancelled.
    const other = await paying.asked(anyone());
    await paying.look();
    expect(await other.now()).toMatchObject({ state: 'approved' });
    expect((await other.app.cancel(other.redemptionId)).status).toBe(200);
    await provider.reopen();
    await paying.rest();
    await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'in_transit' });
    expect(callsOf(redemptionId)).toHaveLength(1);
  });

  test('refused for our key is no refusal of the payout', async () => {
    const { provider } = paying;
    provider.onCall = () => ({ status: 401 });
    const { redemptionId, now } = await paying.asked(anyone());
    await paying.look();
    expect(await now()).toMatchObject({ state: 'submitted' });
    Object.assign(provider, calm);
    await paying.rest();
    await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'in_transit' });
    expect(callsOf(redemptionId)).toHaveLength(2);
  });

  test('whose maker ended before an answer is unknown once its time has run out, and not before', async () => {
    const { provider, doors } = paying;
    await provider.close();
    const { redemptionId, now } = await paying.asked(anyone());
    await paying.look();
    await doors.db.query('UPDATE payout.payout SET call_at = clock_timestamp() WHERE redemption_id = $1', [
      redemptionId,
    ]);
    // Claimed, as by a process that is then killed.
    expect(await doors.app.get(Payouts).claimCalls(60_000, 8)).toMatchObject([{ redemptionId }]);
    await provider.reopen();
    await paying.rest();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'submitted' });
    provider.onPoll = () => notFound;
    await paying.lookLater();
    expect(await now()).toMatchObject({ state: 'unknown' });
    expect(callsOf(redemptionId)).toHaveLength(0);
  });

  test('is made once, whoever looks at the same time', async () => {
    const asked = await Promise.all(Array.from({ length: 30 }, () => paying.asked(anyone())));
    const { app, db } = paying.doors;
    const elsewhere = new PayCreators(app.get(MoveOn), app.get(Payouts), app.get(PayoutProvider), app.get(ENVIRONMENT));
    for (let n = 0; n < 2; n++) await Promise.all([paying.look(), elsewhere.look()]);
    const states = await Promise.all(asked.map(async ({ now }) => (await now())['state']));
    expect(states).toEqual(asked.map(() => 'in_transit'));
    for (const { redemptionId } of asked) expect(callsOf(redemptionId)).toHaveLength(1);
    expect(await db.query('SELECT 1 FROM payout.payout WHERE call_at IS NOT NULL')).toEqual([]);
  }, 60_000);
});

describe('a claim that has run out', () => {
  /** Claimed, and out of time, as by a process that has stalled. */
  async function stalled() {
    await paying.provider.close();
    const asked = await paying.asked(anyone());
    await paying.rest();
    await paying.look();
    await paying.provider.reopen();
    await paying.doors.db.query('UPDATE payout.payout SET call_at = clock_timestamp() WHERE call_at IS NOT NULL');
    const payouts = paying.doors.app.get(Payouts);
    const [claimed] = await payouts.claimCalls(0, 1);
    if (claimed === undefined) throw new Error('it was not claimed');
    await sleep(5);
    return { ...asked, payouts, claimed };
  }
  const runOut = { kind: 'unanswered', reason: 'nobody has answered' } as const;

  test('is given up under the lock: whoever had made the call and comes back to it makes it again', async () => {
    const { payouts, claimed, now } = await stalled();
    expect(await payouts.unanswered(8)).toMatchObject([{ redemptionId: claimed.redemptionId }]);
    await payouts.callAgain(claimed, 0);
    await expect(payouts.apply(claimed, runOut, 'run_out')).rejects.toThrow('another step');
    expect(await now()).toMatchObject({ state: 'submitted' });
    await paying.rest();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'in_transit' });
    expect(callsOf(claimed.redemptionId)).toHaveLength(1);
  });

  test('is for good: what is unknown is never called again, and is no longer there to be claimed', async () => {
    const { payouts, claimed, now, redemptionId } = await stalled();
    paying.provider.onPoll = () => notFound;
    await payouts.apply(claimed, runOut, 'run_out');
    await payouts.callAgain(claimed, 0);
    expect(await payouts.claimCalls(60_000, 8)).toEqual([]);
    // Not even if something had left it in the table as to be called.
    const toCall = 'UPDATE payout.payout SET call_at = clock_timestamp() WHERE redemption_id = $1';
    await paying.doors.db.query(toCall, [redemptionId]);
    expect(await payouts.claimCalls(60_000, 8)).toEqual([]);
    await paying.rest();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'unknown' });
    expect(callsOf(redemptionId)).toEqual([]);
    await paying.doors.db.query('UPDATE payout.payout SET call_at = NULL WHERE redemption_id = $1', [redemptionId]);
  });
});

describe('what is submitted can no longer be stopped, so no more of it than is called at once', () => {
  test.each(['closed', 'breaks'] as const)('is exposed to a provider that is %s', async (way) => {
    const asked = await Promise.all(Array.from({ length: 20 }, () => paying.asked(anyone())));
    await paying.rest();
    if (way === 'closed') await paying.provider.close();
    else paying.provider.onCall = () => 'breaks';
    await paying.look();
    if (way === 'closed') await paying.provider.reopen();
    const states = await Promise.all(asked.map(async ({ now }) => String((await now())['state'])));
    const counts = Map.groupBy(states, (state) => state);
    expect(counts.get(way === 'closed' ? 'submitted' : 'unknown')).toHaveLength(8);
    expect(counts.get('approved')).toHaveLength(12);
    for (const { app, redemptionId } of asked) await app.cancel(redemptionId);
    await paying.rest();
    Object.assign(paying.provider, calm);
    await paying.lookLater();
  });
});

describe('an answer about another amount', () => {
  test('is no answer to our call: the outcome is unknown, and a person is told', async () => {
    paying.provider.onCall = (payout) => record(payout, 'paid', { amountMinor: 1 });
    const { redemptionId, now, app } = await paying.asked(anyone());
    await paying.rest();
    await paying.look();
    expect(await now()).toMatchObject({ state: 'unknown' });
    expect(await breaksOf(redemptionId)).toEqual([{ outcome: 'amount_differs' }]);
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}`, redeemed: '0' });
  });
});

describe('what the provider says later', () => {
  const sent = async (millidiamonds?: number) => {
    const asked = await paying.asked(anyone(), millidiamonds);
    await paying.look();
    const body = payoutOf(callsOf(asked.redemptionId));
    const says = async (status: string, change?: object): Promise<void> => {
      paying.provider.onPoll = (payoutId) =>
        payoutId === asked.redemptionId ? record(body, status, change) : calm.onPoll(payoutId);
      await paying.lookLater();
    };
    return { ...asked, says };
  };

  test('of another amount is a break and no payment', async () => {
    const { redemptionId, now, says, app } = await sent();
    await says('paid', { amountMinor: 4999 });
    await says('paid', { currency: 'EUR' });
    await says('paid', { currency: 'EUR' });
    expect(await now()).toMatchObject({ state: 'in_transit' });
    expect(await breaksOf(redemptionId)).toEqual([{ outcome: 'amount_differs' }]);
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}`, redeemed: '0' });
  });

  test('may give back what was paid, and pay what had failed, which a person is told', async () => {
    const returned = await sent();
    await returned.says('paid');
    await returned.says('returned', { reason: 'account closed' });
    expect(await returned.now()).toMatchObject({ state: 'returned', reason: 'account closed' });
    expect(await returned.app.balance()).toMatchObject({ redeemed: '0', available: `${MINIMUM}` });
    const late = await sent();
    await late.says('failed');
    expect(await late.app.balance()).toMatchObject({ held: '0', available: `${MINIMUM}` });
    await late.says('paid');
    expect(await late.now()).toMatchObject({ state: 'paid', late: true });
    expect(await late.app.balance()).toMatchObject({ redeemed: `${MINIMUM}`, available: '0', recoverable: '0' });
    expect(await breaksOf(late.redemptionId)).toEqual([{ outcome: 'incident' }]);
  });

  test('after the diamonds were redeemed again leaves a debt, which the next credits repay', async () => {
    const { says, app, creatorId, redemptionId } = await sent();
    await says('failed');
    const again = String((await app.quote()).body['quoteId']);
    expect((await app.redeem(again)).status).toBe(201);
    await says('paid');
    expect(await app.balance()).toMatchObject({ available: '0', recoverable: `${MINIMUM}`, held: `${MINIMUM}` });
    await credit(paying.doors.db, creatorId, MINIMUM + 5);
    expect(await app.balance()).toMatchObject({ available: '5', recoverable: '0' });
    expect(callsOf(redemptionId)).toHaveLength(1);
  });
});

describe('before it is sent, a redemption that was approved is looked at again', () => {
  const approved = async (rules?: { payoutMethodId?: string }) => {
    const asked = await paying.asked(anyone(), ONE_APPROVER, rules?.payoutMethodId);
    // Not as far as the sending: it waits for its approver.
    await paying.look();
    const { contentHash } = await asked.now();
    const answer = await asked.decide('approval', paying.doors.keys.approver, { contentHash });
    expect(answer).toMatchObject({ status: 200, body: { state: 'approved', approvals: { given: 1, needed: 1 } } });
    return asked;
  };
  const heldFor = (...codes: string[]) => codes.map((code) => expect.objectContaining({ code }));

  test('a debt sends it back; nobody lets it go on before that is repaid', async () => {
    const { redemptionId, creatorId, now, decide, app } = await approved();
    const reversed = event('carat.diamonds.reversed.v1', { n: 90_001, creatorId, millidiamonds: 300 });
    await paying.doors.db.transaction((tx) => post(tx, transfersOf(reversed)));
    await paying.look();
    expect(await now()).toMatchObject({
      state: 'in_review',
      approvals: { given: 0 },
      heldFor: heldFor('debt_outstanding'),
    });
    // The creator is told in words, and no code.
    const { heldFor: told } = (await app.get(`redemptions/${redemptionId}`)).body;
    expect(told).toEqual([{ tellsCreator: expect.stringContaining('taken back') }]);
    const other = await paying.keyOf('approver', 'person:olga');
    expect(await decide('release', other)).toMatchObject({ status: 409, body: { code: 'hold_reason_remains' } });
    await credit(paying.doors.db, creatorId, 300);
    expect(await decide('release', other)).toMatchObject({ status: 200, body: { state: 'pending_approval' } });
    const { contentHash } = await now();
    expect(await decide('approval', other, { contentHash })).toMatchObject({ body: { code: 'self_approval' } });
    await decide('approval', paying.doors.keys.approver, { contentHash });
    await paying.look();
    expect(await now()).toMatchObject({ state: 'in_transit' });
    expect(callsOf(redemptionId)).toHaveLength(1);
  });

  test('a creator who is stopped, or who turns out a minor or without a tax form, is not paid', async () => {
    const ways = [
      { redemptionsAllowed: false, code: 'redemptions_not_allowed' },
      { adult: false, code: 'creator_not_adult' },
      { taxForm: false, code: 'tax_form_missing' },
    ];
    for (const { code, ...way } of ways) {
      const { creatorId, now, redemptionId, app } = await approved();
      const said = { adult: true, taxForm: true, redemptionsAllowed: true, reason: 'checked', ...way };
      const { operator } = paying.doors.keys;
      await paying.doors.send('PUT', `/v1/creators/${creatorId}/eligibility`, operator, said);
      await paying.look();
      expect(await now()).toMatchObject({ state: 'in_review', heldFor: heldFor(code) });
      expect(callsOf(redemptionId)).toEqual([]);
      // And asks for no more.
      await credit(paying.doors.db, creatorId, MINIMUM);
      expect(await app.redeemAnew()).toMatchObject({ status: 422, body: { code } });
    }
  });

  test('another account sends it back, and so does an approval of too long ago', async () => {
    const { app, creatorId } = await paying.asked(anyone());
    const path = `/v1/creators/${creatorId}/payout-methods`;
    const { operator, approver } = paying.doors.keys;
    const { payoutMethodId } = (await paying.doors.send('POST', path, operator, { kind: 'bank', label: 'mine' })).body;
    await credit(paying.doors.db, creatorId, ONE_APPROVER);
    const { quoteId } = (await app.quote(ONE_APPROVER)).body;
    const { redemptionId, contentHash } = (await app.redeem(quoteId, undefined, payoutMethodId)).body;
    await paying.look();
    const door = (name: string, body?: object) =>
      paying.doors.send('POST', `/v1/redemptions/${redemptionId}/${name}`, approver, body);
    expect((await door('approval', { contentHash })).body).toMatchObject({ state: 'approved' });
    await paying.doors.send('PUT', `${path}/${payoutMethodId}`, operator, {
      kind: 'bank',
      label: 'a thief',
    });
    await paying.look();
    const shown = (await door('release')).body;
    expect(shown).toMatchObject({ state: 'pending_approval', payoutMethod: { label: 'a thief' } });
    expect(shown['contentHash']).not.toBe(contentHash);
    const moves = await redemptionEvents(paying.doors.db);
    expect(moves.filter(({ data }) => data.redemptionId === redemptionId).map(({ data }) => data.reason)).toContain(
      'method_changed',
    );
  });
});
