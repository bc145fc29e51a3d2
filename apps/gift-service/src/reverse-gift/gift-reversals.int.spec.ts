import type { EventOf } from '@carat/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { coinBooks } from '../../test/coin-books.js';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';

let server: GiftServer;
let keys = 0;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const anyKey = () => `key-${++keys}`;
const post = (path: string, as: string, body: unknown, key = anyKey()): Promise<Answered> =>
  server.call('POST', path, as, body, key);
const buy = async (purchaseId: string, viewerId: string, coins: number): Promise<void> => {
  const body = { purchaseId, viewerId, coins, paid: { currency: 'EUR', amountMinor: 1 }, channel: 'web' };
  expect((await post('/v1/coin-purchases', '/live', body)).status).toBe(201);
};
const given = async (viewerId: string, quantity: number, reference?: string): Promise<string> => {
  const funding = reference === undefined ? { kind: 'wallet' } : { kind: 'external', reference };
  const { status, body } = await post('/v1/gifts', '/live', { ...rose(''), funding, senderId: viewerId, quantity });
  expect(status).toBe(201);
  return body.giftId;
};

interface Proposed {
  readonly giftId: string;
  readonly reversalId: string;
  readonly contentHash: string;
}
const propose = (giftId: string, more: object = {}, as = 'operator', key = anyKey()): Promise<Answered> =>
  post(`/v1/gifts/${giftId}/reversals`, as, { reversalId: 'case', reason: 'abuse', restoreCoins: false, ...more }, key);
const proposed = async (giftId: string, more: object = {}): Promise<Proposed> => {
  const { status, body } = await propose(giftId, { reversalId: anyKey(), ...more });
  expect(status).toBe(201);
  return { giftId, reversalId: body.reversalId, contentHash: body.contentHash };
};
const approve = ({ giftId, reversalId, contentHash }: Proposed, as = 'approver', key = anyKey()): Promise<Answered> =>
  post(`/v1/gifts/${giftId}/reversals/${reversalId}/approval`, as, { contentHash }, key);
const reject = ({ giftId, reversalId }: Proposed, as = 'approver', reason = 'fair', key = anyKey()) =>
  post(`/v1/gifts/${giftId}/reversals/${reversalId}/rejection`, as, { reason }, key);
const list = (giftId: string, as = 'auditor', query = ''): Promise<Answered> =>
  server.call('GET', `/v1/gifts/${giftId}/reversals${query}`, as);
const statusOf = async (giftId: string): Promise<string> =>
  (await server.call('GET', `/v1/gifts/${giftId}`, '/live')).body.status;
const lotsOf = async (viewerId: string): Promise<number[]> =>
  (await server.call('GET', `/v1/viewers/${viewerId}/coins`, '/live')).body.lots.map(
    ({ left }: { left: number }) => left,
  );
const reversalsOf = async (giftId: string) =>
  (await server.given.giftEvents()).filter(
    (event): event is EventOf<'carat.gift.reversed.v1'> =>
      event.type === 'carat.gift.reversed.v1' && event.data.giftId === giftId,
  );
const refund = (purchaseId: string) => post(`/v1/coin-purchases/${purchaseId}/reversal`, '/live', { reason: 'refund' });
const codeOf = ({ status, body }: Answered) => body.code ?? status;
const contradictions = async () => (await coinBooks(server.given)).contradictions;

describe('a proposal to take a gift back', () => {
  it('takes nothing, and says the same again to the same content', async () => {
    await buy('a-1', 'ada', 10);
    const giftId = await given('ada', 10);
    const first = await propose(giftId, { coins: 4 }, 'operator', 'first');
    expect(first).toEqual({
      status: 201,
      replayed: null,
      body: {
        reversalId: expect.stringMatching(/^rev_[0-9a-f-]{36}$/),
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        state: 'proposed',
      },
    });
    for (const key of ['first', 'second'])
      expect(await propose(giftId, { coins: 4 }, 'operator', key)).toEqual({ ...first, replayed: 'true' });
    for (const more of [{}, { coins: 5 }, { coins: 4, restoreCoins: true }, { coins: 4, reason: 'fraud' }])
      expect(await propose(giftId, more)).toMatchObject({ status: 422, body: { code: 'reversal_conflict' } });
    expect(await statusOf(giftId)).toBe('sent');
    expect(await reversalsOf(giftId)).toEqual([]);
  });

  it('is refused where it could never be approved', async () => {
    await buy('b-1', 'bob', 10);
    const [paid, attested] = [await given('bob', 10), await given('bob', 10, 'b-ref')];
    expect(await propose(paid, { coins: 11 })).toMatchObject({ status: 409, body: { code: 'gift_already_reversed' } });
    expect(await propose(attested, { restoreCoins: true })).toMatchObject({
      status: 422,
      body: { code: 'gift_not_paid_from_wallet' },
    });
    for (const giftId of ['gft_1', paid.replace(/.$/, (end) => (end === '0' ? '1' : '0'))])
      expect(await propose(giftId)).toMatchObject({ status: 404, body: { code: 'gift_not_found' } });
    expect((await list(paid)).body.items).toEqual([]);
  });

  it('is not taken from somebody whom no event could name', async () => {
    const giftId = await given('bob', 1, 'b-ref-2');
    expect((await propose(giftId, {}, 'operator with an accent')).status).toBe(500);
    expect((await list(giftId)).body.items).toEqual([]);
  });

  it.each([
    ['/coins', { coins: 0 }],
    ['/coins', { coins: '1' }],
    ['/reason', { reason: '' }],
    ['/reversalId', { reversalId: 'a\nb' }],
    ['/restoreCoins', { restoreCoins: 'yes' }],
  ])('points at %s in %j', async (pointer, more) => {
    const giftId = await given('cyd', 1, anyKey());
    expect(await propose(giftId, more)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
  });
});

describe('an approval', () => {
  it('takes the coins back, from the lot that paid last, and says who agreed', async () => {
    await buy('d-1', 'dan', 6);
    await buy('d-2', 'dan', 6);
    const giftId = await given('dan', 10);
    const part = await proposed(giftId, { coins: 5, restoreCoins: true });
    const answer = await approve(part, 'approver', 'once');
    expect(answer).toMatchObject({ status: 200, replayed: null, body: { state: 'approved' } });
    for (const key of ['once', 'again'])
      expect(await approve(part, 'approver', key)).toEqual({ ...answer, replayed: 'true' });
    expect(await statusOf(giftId)).toBe('partly_reversed');
    expect(await lotsOf('dan')).toEqual([1, 6]);

    const rest = await proposed(giftId);
    expect((await approve(rest)).status).toBe(200);
    expect(await statusOf(giftId)).toBe('reversed');
    expect(await lotsOf('dan')).toEqual([1, 6]);
    expect((await reversalsOf(giftId)).map(({ data }) => data)).toMatchObject([
      { coinsBefore: 10, coinsAfter: 5, reason: 'abuse', proposedBy: 'nina', approvedBy: 'omar' },
      { coinsBefore: 5, coinsAfter: 0, reversalId: rest.reversalId },
    ]);
    const restored = (await server.given.coinEvents()).filter(({ type }) => type === 'carat.coins.restored.v1');
    expect(restored).toMatchObject([
      { subject: 'dan', data: { giftId, reversalId: part.reversalId, lots: [{ coins: 4 }, { coins: 1 }] } },
    ]);
    expect(await contradictions()).toEqual([]);
  });

  it('needs another person, whatever keys the first one has', async () => {
    const proposal = await proposed(await given('eve', 3, 'e-ref'));
    expect(await approve(proposal, 'approver nina')).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect((await approve(proposal, 'operator ben')).status).toBe(403);
    expect(await statusOf(proposal.giftId)).toBe('sent');
    expect(await approve({ ...proposal, contentHash: 'another' })).toMatchObject({
      status: 409,
      body: { code: 'proposal_changed' },
    });
    expect((await approve(proposal)).status).toBe(200);
    expect(await statusOf(proposal.giftId)).toBe('reversed');
    for (const decide of [approve(proposal, 'approver olga'), reject(proposal)])
      expect(await decide).toMatchObject({ status: 409, body: { code: 'reversal_already_decided' } });
  });

  it('is of what was proposed, even when the row says something else by now', async () => {
    const proposal = await proposed(await given('eve', 3, 'e-ref-2'), { coins: 1 });
    await server.given.db.query(
      `UPDATE gift.reversal_proposal SET content = '{"reversalId":"x","reason":"abuse","restoreCoins":false}'
       WHERE 'rev_' || reversal_id = $1`,
      [proposal.reversalId],
    );
    expect(await approve(proposal)).toMatchObject({ status: 409, body: { code: 'proposal_changed' } });
  });

  it('takes all or nothing of what was proposed, and of everything what still stands', async () => {
    await buy('f-1', 'fay', 10);
    const giftId = await given('fay', 10);
    const [six, sevenBefore, all] = [
      await proposed(giftId, { coins: 6 }),
      await proposed(giftId, { coins: 7 }),
      await proposed(giftId),
    ];
    expect((await approve(six)).status).toBe(200);
    expect(await approve(sevenBefore)).toMatchObject({ status: 409, body: { code: 'gift_already_reversed' } });
    expect((await approve(all)).status).toBe(200);
    expect((await reversalsOf(giftId)).map(({ data }) => [data.coinsBefore, data.coinsAfter])).toEqual([
      [10, 4],
      [4, 0],
    ]);
    expect((await list(giftId)).body.items).toMatchObject([
      { state: 'approved', coinsTaken: 6 },
      { state: 'proposed' },
      { state: 'approved', coinsTaken: 4, content: { reason: 'abuse' } },
    ]);
    expect(await propose(giftId, { reversalId: 'late' })).toMatchObject({ body: { code: 'gift_already_reversed' } });
  });

  it('never restores coins to a lot that was reversed, and leaves them refunded once', async () => {
    await buy('g-1', 'gus', 6);
    await buy('g-2', 'gus', 6);
    const giftId = await given('gus', 10);
    const [all, ten] = [
      await proposed(giftId, { restoreCoins: true }),
      await proposed(giftId, { coins: 10, restoreCoins: true }),
    ];
    expect((await refund('g-1')).body).toMatchObject({ spentCoins: 6, giftsReversed: 1 });
    expect(await approve(ten)).toMatchObject({ status: 409, body: { code: 'gift_already_reversed' } });
    expect((await approve(all)).status).toBe(200);
    expect(await lotsOf('gus')).toEqual([0, 6]);
    expect((await refund('g-2')).body).toMatchObject({ unspentCoins: 6, spentCoins: 0, giftsReversed: 0 });
    expect(await contradictions()).toEqual([]);
  });

  it('that restores nothing leaves the coins spent, and their refund reverses no gift again', async () => {
    await buy('h-1', 'hal', 10);
    const giftId = await given('hal', 10);
    expect((await approve(await proposed(giftId, { coins: 4 }))).status).toBe(200);
    expect((await refund('h-1')).body).toMatchObject({ unspentCoins: 0, spentCoins: 10, giftsReversed: 1 });
    expect((await reversalsOf(giftId)).map(({ data }) => [data.coinsBefore, data.coinsAfter])).toEqual([
      [10, 6],
      [6, 0],
    ]);
    await buy('h-2', 'hal', 10);
    expect((await approve(await proposed(await given('hal', 10)))).status).toBe(200);
    expect((await refund('h-2')).body).toMatchObject({ unspentCoins: 0, spentCoins: 10, giftsReversed: 0 });
    expect(await contradictions()).toEqual([]);
  });
});

describe('a rejection', () => {
  it('is for good, and has its reason', async () => {
    const giftId = await given('ida', 3, 'i-ref');
    const proposal = await proposed(giftId);
    // Neither Postgres nor canonical JSON holds the last two.
    for (const reason of ['', 'x'.repeat(1001), 'a\u0000b', 'a\ud800b'])
      expect(await reject(proposal, 'approver', reason)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/reason' }] },
      });
    expect(await reject(proposal)).toMatchObject({ status: 200, replayed: null, body: { state: 'rejected' } });
    expect(await reject(proposal)).toMatchObject({ status: 200, replayed: 'true' });
    expect(await approve(proposal)).toMatchObject({ status: 409, body: { code: 'reversal_already_decided' } });
    expect(await statusOf(giftId)).toBe('sent');
    expect((await list(giftId)).body.items).toEqual([
      {
        ...proposal,
        content: { reversalId: expect.any(String), reason: 'abuse', restoreCoins: false },
        state: 'rejected',
        proposedBy: 'nina',
        proposedAt: expect.any(String),
        decidedBy: 'omar',
        decidedAt: expect.any(String),
        rejectedFor: 'fair',
      },
    ]);
  });
});

describe('the doors of moderation', () => {
  it('are open to their roles, and need a key', async () => {
    const giftId = await given('joy', 3, 'j-ref');
    const proposal = await proposed(giftId);
    for (const as of ['/live', 'approver', 'auditor']) expect((await propose(giftId, {}, as)).status).toBe(403);
    for (const as of ['/live', 'operator', 'auditor']) {
      expect((await approve(proposal, as)).status).toBe(403);
      expect((await reject(proposal, as)).status).toBe(403);
    }
    for (const as of ['operator', 'approver', 'auditor']) expect((await list(giftId, as)).status).toBe(200);
    expect((await list(giftId, '/live')).status).toBe(403);
    const path = `/v1/gifts/${giftId}/reversals`;
    for (const [door, as] of [[path, 'operator'], ...['approval', 'rejection'].map((end) => [end, 'approver'])]) {
      const to = door === path ? path : `${path}/${proposal.reversalId}/${door}`;
      const body = { reversalId: 'x', reason: 'x', restoreCoins: false, contentHash: 'x' };
      expect(await server.call('POST', to, as ?? '', body)).toMatchObject({
        status: 400,
        body: { code: 'idempotency_key_missing' },
      });
    }
  });

  it('know which reversal is of which gift', async () => {
    const [one, other] = [await given('kim', 3, 'k-ref'), await given('kim', 3, 'k-ref-2')];
    const proposal = await proposed(one);
    for (const wrong of [{ giftId: other }, { reversalId: 'rev_1' }, { reversalId: other.replace('gft', 'rev') }])
      for (const decide of [approve, reject])
        expect(await decide({ ...proposal, ...wrong })).toMatchObject({
          status: 404,
          body: { code: 'reversal_not_found' },
        });
    expect(await list('gft_1')).toMatchObject({ status: 404, body: { code: 'gift_not_found' } });
    expect((await list(other)).body).toEqual({ items: [], nextCursor: null });
  });

  it('list in pages, oldest first', async () => {
    const giftId = await given('lea', 9, 'l-ref');
    const proposals = [];
    for (const coins of [1, 2, 3, 4, 5]) proposals.push((await proposed(giftId, { coins })).reversalId);
    const listed = [];
    let query = '?limit=2';
    for (let page = 0; page < 3; page += 1) {
      const { body } = await list(giftId, 'auditor', query);
      listed.push(...body.items.map(({ reversalId }: Proposed) => reversalId));
      query = `?limit=2&cursor=${body.nextCursor}`;
    }
    expect(listed).toEqual(proposals.sort());
    const other = await given('lea', 9, 'l-ref-2');
    const { body: page } = await list(giftId, 'auditor', '?limit=2');
    expect(await list(other, 'auditor', `?cursor=${page.nextCursor}`)).toMatchObject({
      status: 400,
      body: { code: 'cursor_invalid' },
    });
  });
});

describe('many at once', () => {
  it('propose one reversal once', async () => {
    const giftId = await given('max', 9, 'm-ref');
    const answers = await Promise.all(Array.from({ length: 20 }, () => propose(giftId)));
    expect(answers.map(codeOf)).toEqual(Array.from({ length: 20 }, () => 201));
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect((await list(giftId)).body.items).toHaveLength(1);
  });

  it('never take more of a gift than stands, wallet or not', async () => {
    await buy('n-1', 'ned', 30);
    for (const giftId of [await given('ned', 30), await given('ned', 30, 'n-ref')]) {
      const proposals = [];
      for (let n = 0; n < 12; n += 1) proposals.push(await proposed(giftId, { coins: 4 }));
      const answers = await Promise.all(proposals.map((one, n) => approve(one, n % 2 ? 'approver' : 'approver olga')));
      expect(answers.map(codeOf).filter((code) => code === 200)).toHaveLength(7);
      expect(answers.map(codeOf).filter((code) => code === 'gift_already_reversed')).toHaveLength(5);
    }
    expect(await contradictions()).toEqual([]);
  });

  it('decide on a proposal once', async () => {
    const proposal = await proposed(await given('oda', 9, 'o-ref'));
    const answers = await Promise.all([
      approve(proposal, 'approver'),
      approve(proposal, 'approver olga'),
      reject(proposal, 'approver'),
      reject(proposal, 'approver olga'),
    ]);
    expect(answers.map(codeOf).sort()).toEqual([200, ...Array.from({ length: 3 }, () => 'reversal_already_decided')]);
  });

  it('refund a purchase and restore its gift: the coins go once', async () => {
    for (let round = 0; round < 8; round += 1) {
      const [viewer, purchase] = [`pat-${round}`, `pat-${round}`];
      await buy(purchase, viewer, 20);
      const giftId = await given(viewer, 15);
      const proposal = await proposed(giftId, { coins: 10, restoreCoins: true });
      const [refunded, approval] = await Promise.all([refund(purchase), approve(proposal)]);
      expect(refunded.status).toBe(200);
      // Restored coins are unspent by the time of the refund; after the refund there is nothing to restore.
      expect([codeOf(approval), refunded.body.unspentCoins]).toEqual(
        approval.status === 200 ? [200, 15] : ['gift_already_reversed', 5],
      );
      expect(await lotsOf(viewer)).toEqual([0]);
      expect(await statusOf(giftId)).toBe('reversed');
    }
    expect(await contradictions()).toEqual([]);
  });
});
