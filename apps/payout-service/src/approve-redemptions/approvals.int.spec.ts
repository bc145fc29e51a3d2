import { createHash } from 'node:crypto';
import { contentHash } from '@carat/events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Asked, ONE_APPROVER, type Paying, startPaying, TWO_APPROVERS } from '../../test/paying.js';
import { credit, expectOneStory } from '../../test/redeeming.js';

let paying: Paying;
beforeAll(async () => {
  paying = await startPaying();
}, 60_000);
afterAll(() => paying?.end());
afterEach(() => expectOneStory(paying.doors.db));

let creators = 0;
const anyone = () => `creator-${++creators}`;
const refusedAs = (status: number, code: string) => ({ status, body: { code } });
const keys = () => paying.doors.keys;

/** A redemption that waits for approvers. */
async function waiting(millidiamonds = ONE_APPROVER): Promise<Asked> {
  const asked = await paying.asked(anyone(), millidiamonds);
  await paying.look();
  return asked;
}

/** A redemption that an operator asked for. */
async function askedBy(key: string): Promise<Pick<Asked, 'redemptionId' | 'contentHash' | 'decide'>> {
  const creatorId = anyone();
  await credit(paying.doors.db, creatorId, ONE_APPROVER);
  const wanted = { creatorId, millidiamonds: ONE_APPROVER, currency: 'USD' };
  const { quoteId } = (await paying.doors.send('POST', '/v1/redemption-quotes', key, wanted)).body;
  const body = { creatorId, quoteId, payoutMethodId: 'pm_ok' };
  const { redemptionId, contentHash } = (await paying.doors.send('POST', '/v1/redemptions', key, body)).body;
  const decide: Asked['decide'] = (door, approver, decision, once) =>
    paying.doors.send('POST', `/v1/redemptions/${redemptionId}/${door}`, approver, decision, once);
  return { redemptionId, contentHash, decide };
}

const batch = async (key: string, ...items: object[]) =>
  (await paying.doors.send('POST', '/v1/approvals/batch', key, { items })).body['items'];

describe('an approval', () => {
  test('by one person is enough below 200,000 diamonds, and it is sent', async () => {
    const { decide, contentHash, now } = await waiting();
    expect(await now()).toMatchObject({ state: 'pending_approval', approvals: { given: 0, needed: 1 } });
    expect(await decide('approval', keys().approver, { contentHash }, 'once')).toMatchObject({
      status: 200,
      body: { state: 'approved', approvals: { given: 1, needed: 1 } },
    });
    expect(await decide('approval', keys().approver, { contentHash }, 'once')).toMatchObject({ replayed: true });
    await paying.look();
    expect(await now()).toMatchObject({ state: 'in_transit' });
  });

  test('takes two people from 200,000 diamonds on, and one of them twice is one', async () => {
    const { decide, contentHash, now } = await waiting(TWO_APPROVERS);
    const half = { state: 'pending_approval', approvals: { given: 1, needed: 2 } };
    expect(await decide('approval', keys().approver, { contentHash })).toMatchObject({ status: 200, body: half });
    expect(await decide('approval', keys().approver, { contentHash })).toMatchObject({ body: half, replayed: true });
    const samePerson = await paying.keyOf('approver', 'approver');
    expect(await decide('approval', samePerson, { contentHash })).toMatchObject({ body: half, replayed: true });
    await paying.look();
    expect(await now()).toMatchObject(half);
    const another = await paying.keyOf('approver', 'person:olga');
    expect(await decide('approval', another, { contentHash })).toMatchObject({ body: { state: 'approved' } });
  });

  test('is of approvers alone, needs a key of its own and names what it approves', async () => {
    const { decide, contentHash, app, redemptionId } = await waiting();
    for (const role of ['publisher', 'operator', 'auditor', 'admin'] as const)
      for (const door of ['approval', 'rejection', 'release'])
        expect(await decide(door, keys()[role], { contentHash, reason: 'r' })).toMatchObject(
          refusedAs(403, 'forbidden'),
        );
    const own = await paying.doors.tokenOf(`creator-${creators}`);
    expect(await decide('approval', own, { contentHash })).toMatchObject(refusedAs(403, 'forbidden'));
    expect(await decide('approval', keys().approver, { contentHash }, '')).toMatchObject({ status: 400 });
    expect(await decide('approval', keys().approver, {})).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/contentHash' }] },
    });
    const ofAnother = { contentHash: 'f'.repeat(64) };
    expect(await decide('approval', keys().approver, ofAnother)).toMatchObject(refusedAs(409, 'proposal_changed'));
    expect((await app.get(`redemptions/${redemptionId}`)).body).toMatchObject({ state: 'pending_approval' });
  });

  test('15: after the payee has changed is of what is no more; of what it is now it counts', async () => {
    const creatorId = anyone();
    const path = `/v1/creators/${creatorId}/payout-methods`;
    const add = await paying.doors.send('POST', path, keys().operator, { kind: 'bank', label: 'mine' });
    const { payoutMethodId } = add.body;
    await credit(paying.doors.db, creatorId, TWO_APPROVERS);
    const { app } = await paying.asked(creatorId);
    const { quoteId } = (await app.quote(TWO_APPROVERS)).body;
    expect((await app.cancel((await app.get('redemptions')).body['items'][0].redemptionId)).status).toBe(200);
    const { redemptionId, contentHash } = (await app.redeem(quoteId, undefined, payoutMethodId)).body;
    await paying.look();
    const approve = (hash: string, key: string) =>
      paying.doors.send('POST', `/v1/redemptions/${redemptionId}/approval`, key, { contentHash: hash });
    const another = await paying.keyOf('approver', 'person:olga');
    expect(await approve(contentHash, another)).toMatchObject({ body: { approvals: { given: 1 } } });
    await paying.doors.send('PUT', `${path}/${payoutMethodId}`, keys().operator, { kind: 'bank', label: 'another' });
    expect(await approve(contentHash, keys().approver)).toMatchObject(refusedAs(409, 'proposal_changed'));
    const shown = (await paying.doors.send('GET', `/v1/redemptions/${redemptionId}`, keys().approver)).body;
    // Who approved the old account has not approved this one.
    expect(shown).toMatchObject({ payoutMethod: { label: 'another' }, approvals: { given: 0, needed: 2 } });
    expect(await approve(shown['contentHash'], keys().approver)).toMatchObject({ body: { approvals: { given: 1 } } });
    expect(await approve(shown['contentHash'], another)).toMatchObject({ body: { state: 'approved' } });
  });
});

describe('14: nobody approves what they asked for, by whatever way', () => {
  test('with a second key, in a batch, by releasing it first, or when it is settled', async () => {
    const operator = await paying.keyOf('operator', 'person:mallory');
    const secondKey = await paying.keyOf('approver', 'person:mallory');
    const { redemptionId, contentHash, decide } = await askedBy(operator);
    await paying.look();
    const self = refusedAs(403, 'self_approval');
    expect(await decide('approval', secondKey, { contentHash })).toMatchObject(self);
    const item = { id: redemptionId, decision: 'approve', contentHash };
    expect(await batch(secondKey, item, item)).toEqual([
      { id: redemptionId, status: 403, code: 'self_approval' },
      { id: redemptionId, status: 403, code: 'self_approval' },
    ]);

    // A debt brings it into review. Whoever asked for it does not let it out.
    const { creatorId } = (await paying.doors.send('GET', `/v1/redemptions/${redemptionId}`, operator)).body;
    await decide('approval', keys().approver, { contentHash });
    const stopped = { adult: true, taxForm: true, redemptionsAllowed: false, reason: 'a look' };
    const eligibility = `/v1/creators/${creatorId}/eligibility`;
    await paying.doors.send('PUT', eligibility, operator, stopped);
    await paying.look();
    await paying.doors.send('PUT', eligibility, operator, { ...stopped, redemptionsAllowed: true });
    expect(await decide('release', secondKey)).toMatchObject(self);
    expect(await batch(secondKey, { id: redemptionId, decision: 'release' })).toMatchObject([
      { code: 'self_approval' },
    ]);
    const olga = await paying.keyOf('approver', 'person:olga');
    expect((await decide('release', olga)).body).toMatchObject({ state: 'pending_approval' });
    // Neither whoever asked nor whoever let it out; the one does not become another by the other's release.
    expect(await decide('approval', secondKey, { contentHash })).toMatchObject(self);
    expect(await decide('approval', olga, { contentHash })).toMatchObject(self);
    const releaserItem = await batch(olga, item);
    expect(releaserItem).toMatchObject([{ status: 403, code: 'self_approval' }]);

    paying.provider.onCall = () => 'breaks';
    await decide('approval', keys().approver, { contentHash });
    await paying.rest();
    await paying.look();
    const settle = { outcome: 'paid', evidence: 'the statement of the bank' };
    const proposed = await decide('settlements', olga, settle);
    expect(proposed).toMatchObject({ status: 201, body: { state: 'proposed', proposedBy: 'person:olga' } });
    const { settlementId } = proposed.body;
    // Not the proposer, and not whoever asked for the money.
    for (const key of [olga, secondKey]) {
      expect(await decide(`settlements/${settlementId}/approval`, key)).toMatchObject(self);
      expect(await batch(key, { id: settlementId, decision: 'approve' })).toMatchObject([{ code: 'self_approval' }]);
    }
    expect((await decide(`settlements/${settlementId}/approval`, keys().approver)).body).toMatchObject({
      state: 'approved',
      decidedBy: 'approver',
    });
    const ended = (await paying.doors.send('GET', `/v1/redemptions/${redemptionId}`, operator)).body;
    expect(ended).toMatchObject({ state: 'paid', reason: settle.evidence });
  });
});

describe('an account that somebody has put there', () => {
  test('is not for that person to send money to', async () => {
    const operator = await paying.keyOf('operator', 'person:mal');
    const approver = await paying.keyOf('approver', 'person:mal');
    const creatorId = anyone();
    const path = `/v1/creators/${creatorId}/payout-methods`;
    const mine = { kind: 'bank', label: 'the creator’s'.replace('’', '') };
    const { payoutMethodId } = (await paying.doors.send('POST', path, keys().operator, mine)).body;
    await credit(paying.doors.db, creatorId, ONE_APPROVER);
    const { app } = await paying.asked(creatorId);
    const { quoteId } = (await app.quote(ONE_APPROVER)).body;
    const { redemptionId } = (await app.redeem(quoteId, undefined, payoutMethodId)).body;
    await paying.look();
    await paying.doors.send('PUT', `${path}/${payoutMethodId}`, operator, { kind: 'bank', label: 'account of mal' });
    const shown = (await paying.doors.send('GET', `/v1/redemptions/${redemptionId}`, approver)).body;
    const door = `/v1/redemptions/${redemptionId}/approval`;
    const body = { contentHash: shown['contentHash'] };
    expect(await paying.doors.send('POST', door, approver, body)).toMatchObject(refusedAs(403, 'self_approval'));
    expect(await batch(approver, { id: redemptionId, decision: 'approve', ...body })).toMatchObject([
      { code: 'self_approval' },
    ]);
    expect(await paying.doors.send('POST', door, keys().approver, body)).toMatchObject({ status: 200 });
  });
});

describe('a rejection', () => {
  test('gives the diamonds back, for good, and tells the creator why', async () => {
    const { decide, contentHash, app, redemptionId } = await waiting();
    const { approver } = keys();
    const rejected = await decide('rejection', approver, { contentHash, reason: 'the account is not yours' });
    expect(rejected).toMatchObject({ status: 200, body: { state: 'rejected' } });
    expect(await app.balance()).toMatchObject({ held: '0', available: `${ONE_APPROVER}` });
    const shown = (await app.get(`redemptions/${redemptionId}`)).body;
    expect(shown).toMatchObject({ state: 'rejected', reason: 'the account is not yours' });
    expect(await decide('approval', approver, { contentHash })).toMatchObject(
      refusedAs(409, 'redemption_already_ended'),
    );
  });
});

describe('GET approvals', () => {
  test('takes a cursor of its own making, and nothing else', async () => {
    const cursorOf = (position: unknown) => {
      const bytes = Buffer.from(JSON.stringify(position));
      const tag = createHash('sha256')
        .update(contentHash('cursor', { list: 'approvals' }))
        .update(bytes)
        .digest();
      return Buffer.concat([tag.subarray(0, 12), bytes]).toString('base64url');
    };
    for (const position of [['-'], ['x'], 'x', [7], {}])
      expect(
        await paying.doors.send('GET', `/v1/approvals?cursor=${cursorOf(position)}`, keys().approver),
      ).toMatchObject(refusedAs(400, 'cursor_invalid'));
  });

  test('lists what waits, the longest first, page by page, and says what is one’s own', async () => {
    const others = await startPaying();
    try {
      const list = async (query = '', key = others.doors.keys.approver) =>
        (await others.doors.send('GET', `/v1/approvals${query}`, key)).body;
      const first = await others.asked('creator-1', ONE_APPROVER);
      await others.asked('creator-2');
      const second = await others.asked('creator-3', TWO_APPROVERS);
      others.provider.onCall = () => 'breaks';
      await others.look();
      const unknown = (await others.doors.send('GET', '/v1/redemptions?state=unknown', others.doors.keys.auditor)).body;
      const { redemptionId } = unknown['items'][0];
      const path = `/v1/redemptions/${redemptionId}/settlements`;
      const body = { outcome: 'failed', evidence: 'they say so' };
      const { settlementId } = (await others.doors.send('POST', path, others.doors.keys.approver, body)).body;
      const all = (await list())['items'];
      expect(all.map(({ id, kind, yours }: Record<string, unknown>) => [id, kind, yours])).toEqual([
        [first.redemptionId, 'redemption', false],
        [redemptionId, 'unknown_outcome', false],
        [second.redemptionId, 'redemption', false],
        [settlementId, 'settlement', true],
      ]);
      expect(all[0]).toMatchObject({
        contentHash: first.contentHash,
        millidiamonds: ONE_APPROVER,
        proposedBy: 'creator-1',
      });
      const page = await list('?limit=3');
      expect(page['items']).toEqual(all.slice(0, 3));
      expect((await list(`?limit=3&cursor=${page['nextCursor']}`))['items']).toEqual(all.slice(3));
      expect((await others.doors.send('GET', '/v1/approvals', others.doors.keys.operator)).status).toBe(403);

      const hashes = all.map(({ id, contentHash }: { id: string; contentHash: string }) => ({ id, contentHash }));
      const olga = await others.keyOf('approver', 'person:olga');
      const items = [
        { ...hashes[0], decision: 'approve' },
        { id: 'rdm_none', decision: 'approve', contentHash: 'x' },
        { ...hashes[2], decision: 'reject' },
        { ...hashes[3], decision: 'approve' },
        { id: redemptionId, decision: 'release' },
      ];
      const answer = await others.doors.send('POST', '/v1/approvals/batch', olga, { items });
      expect(answer).toEqual({
        status: 200,
        body: {
          items: [
            { id: first.redemptionId, status: 200, state: 'approved' },
            { id: 'rdm_none', status: 404, code: 'redemption_not_found' },
            { id: second.redemptionId, status: 422, code: 'invalid_request' },
            { id: settlementId, status: 200, state: 'approved' },
            { id: redemptionId, status: 409, code: 'redemption_already_ended' },
          ],
        },
      });
      expect((await list())['items'].map(({ id }: { id: string }) => id)).toEqual([second.redemptionId]);
      await expectOneStory(others.doors.db);
    } finally {
      await others.end();
    }
  }, 60_000);
});

describe('an approval that is too old', () => {
  test('does not count, and a deadline ends what nobody decides on', async () => {
    const hasty = await startPaying({ APPROVAL_TTL: 0, DECISION_DEADLINE: 3_000 });
    try {
      const { keys: own } = hasty.doors;
      const { decide, contentHash, now, app } = await hasty.asked('creator-1', TWO_APPROVERS);
      await hasty.look();
      const olga = await hasty.keyOf('approver', 'person:olga');
      const first = { state: 'pending_approval', approvals: { given: 0, needed: 2 } };
      expect((await decide('approval', own.approver, { contentHash })).body).toMatchObject(first);
      expect((await decide('approval', olga, { contentHash })).body).toMatchObject(first);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await hasty.look();
      expect(await now()).toMatchObject({ state: 'expired' });
      expect(await app.balance()).toMatchObject({ held: '0', available: `${TWO_APPROVERS}` });
      await expectOneStory(hasty.doors.db);
    } finally {
      await hasty.end();
    }
  }, 60_000);
});
