import { partitionOf, uuidOf } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { booksEvents, expectBooksInOrder, type Named, type People, peopleAt } from '../../test/four-eyes.js';
import { event } from '../../test/ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { credit } from '../../test/redeeming.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';

let doors: PayoutDoors;
let people: People;
beforeAll(async () => {
  doors = await openPayoutDoors();
  people = await peopleAt(doors, '/v1/adjustments', 'adjustmentId');
}, 60_000);
afterAll(() => doors?.close());
afterEach(() => expectBooksInOrder(doors.db));

const refusedAs = (status: number, code: string) => ({ status, body: { code } });
const wanted = (creatorId: string, millidiamonds = 700, more: object = {}) => ({
  creatorId,
  millidiamonds,
  reason: 'A goodwill credit was booked twice.',
  ...more,
});
const proposed = (creatorId: string, millidiamonds?: number): Promise<Named> =>
  people.proposed(wanted(creatorId, millidiamonds));
const balance = async (creatorId: string) =>
  (await doors.send('GET', `/v1/creators/${creatorId}/balance`, doors.keys.auditor)).body;
const eventsOf = async (creatorId: string) =>
  (await booksEvents(doors.db)).filter(({ data }) => data.creatorId === creatorId);

describe('a proposal', () => {
  test('moves nothing, and is the same again under the same key', async () => {
    const first = await people.propose(wanted('creator-1'), 'once');
    expect(first).toEqual({
      status: 201,
      body: {
        adjustmentId: expect.stringMatching(/^adj_[0-9a-f-]{36}$/),
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        state: 'proposed',
      },
    });
    expect(await people.propose(wanted('creator-1'), 'once')).toEqual({ ...first, replayed: true });
    expect(await people.propose(wanted('creator-1', 701), 'once')).toMatchObject(
      refusedAs(422, 'idempotency_key_reused'),
    );
    expect(await people.propose(wanted('creator-1'), '')).toMatchObject(refusedAs(400, 'idempotency_key_missing'));
    const another = await people.propose(wanted('creator-1'), 'once', people.ben);
    expect(another.body['adjustmentId']).not.toBe(first.body['adjustmentId']);
    expect(await balance('creator-1')).toMatchObject({ adjusted: '0', available: '0' });
    expect(await eventsOf('creator-1')).toEqual([]);
  });

  test.each([
    ['/millidiamonds', { millidiamonds: 0 }],
    ['/millidiamonds', { millidiamonds: 1.5 }],
    ['/millidiamonds', { millidiamonds: 2 ** 53 }],
    ['/millidiamonds', { millidiamonds: -(2 ** 53) }],
    ['/millidiamonds', { millidiamonds: '700' }],
    ['/creatorId', { creatorId: undefined }],
    ['/creatorId', { creatorId: 'creator\n7' }],
    ['/reason', { reason: '' }],
    ['/reason', { reason: 'x'.repeat(1001) }],
    ['/evidence', { evidence: { file: 'a.pdf' } }],
  ])('points at %s: %j', async (pointer, change) => {
    const answer = await people.propose({ ...wanted('creator-1'), ...change });
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request', errors: [{ pointer }] } });
  });
});

describe('an approval', () => {
  test('books what was proposed, in an event that says who agreed and where the books stood', async () => {
    await credit(doors.db, 'creator-2', 1_000);
    const partition = partitionOf('creator-2', 4);
    for (const part of [0, 1, 2, 3])
      await doors.db.query(
        `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
         VALUES ($1, 'this-log', 'diamond.events.v1', $2, $3, 1)`,
        [LEDGER_GROUP, part, 40 + part],
      );
    const proposal = await proposed('creator-2', -300);
    const { id: adjustmentId, contentHash } = proposal;
    expect(await people.approve(proposal)).toEqual({
      status: 200,
      body: { adjustmentId, contentHash, state: 'approved' },
    });
    await doors.db.query('TRUNCATE journal.consumer_offset');
    expect(await balance('creator-2')).toMatchObject({ earned: '1000', adjusted: '-300', available: '700' });
    expect(await eventsOf('creator-2')).toMatchObject([
      {
        id: uuidOf(adjustmentId),
        causationsource: 'omar',
        data: {
          adjustmentId,
          creatorId: 'creator-2',
          millidiamonds: -300,
          reason: 'A goodwill credit was booked twice.',
          proposedBy: 'nina',
          approvedBy: 'omar',
          ledgerSeq: 1,
          after: { 'diamond.events.v1': `${40 + partition}` },
        },
      },
    ]);
    const transfer = await doors.send('GET', `/v1/transfers/${uuidOf(adjustmentId)}`, doors.keys.auditor);
    expect(transfer.body).toMatchObject({
      code: 'adjust',
      debit: 'creator',
      credit: 'adjustments',
      millidiamonds: '300',
    });
  });

  test('again by the same person changes nothing; any other decision comes too late', async () => {
    const proposal = await proposed('creator-3');
    const first = await people.approve(proposal, people.omar, 'a');
    expect(await people.approve(proposal, people.omar, 'a')).toEqual({ ...first, replayed: true });
    expect(await people.approve(proposal, people.omar, 'b')).toEqual({ ...first, replayed: true });
    for (const late of [() => people.approve(proposal, people.ann), () => people.reject(proposal)])
      expect(await late()).toMatchObject(refusedAs(409, 'adjustment_already_decided'));
    expect(await balance('creator-3')).toMatchObject({ adjusted: '700' });
  });

  test('of one’s own proposal is refused, and so is its rejection, by whatever key', async () => {
    const proposal = await proposed('creator-4');
    for (const decide of [people.approve, people.reject])
      expect(await decide(proposal, people.ninaAsApprover)).toMatchObject(refusedAs(403, 'self_approval'));
    expect((await people.get(`/${proposal.id}`)).body).toMatchObject({ state: 'proposed' });
    expect((await people.approve(proposal)).status).toBe(200);
  });

  test('of another content is refused: of another proposal’s, and of one that was changed since', async () => {
    const proposal = await proposed('creator-5');
    const { contentHash } = await proposed('creator-5', 800);
    expect(await people.approve({ ...proposal, contentHash })).toMatchObject(refusedAs(409, 'proposal_changed'));
    await doors.db.query(
      `UPDATE payout.proposal SET content = (content::jsonb || '{"millidiamonds": 800}')::json WHERE proposal_id = $1`,
      [proposal.id],
    );
    expect(await people.approve(proposal)).toMatchObject(refusedAs(409, 'proposal_changed'));
    expect(await balance('creator-5')).toMatchObject({ adjusted: '0' });
  });

  test('comes too late once the deadline has passed; a rejection does not', async () => {
    const proposal = await proposed('creator-6');
    const { proposedAt, decideBefore } = (await people.get(`/${proposal.id}`)).body;
    expect(Date.parse(decideBefore) - Date.parse(proposedAt)).toBe(14 * 86_400_000);
    await doors.db.query('UPDATE payout.proposal SET decide_before = clock_timestamp() WHERE proposal_id = $1', [
      proposal.id,
    ]);
    expect(await people.approve(proposal)).toMatchObject(refusedAs(409, 'proposal_expired'));
    expect(await doors.db.query(`SELECT 1 FROM payout.balance WHERE creator_id = 'creator-6'`)).toEqual([]);
    expect(await people.reject(proposal)).toMatchObject({ status: 200, body: { state: 'rejected' } });
  });

  test('of nothing finds nothing', async () => {
    const rules = { id: 'rules_1', contentHash: 'a' };
    for (const decide of [people.approve, people.reject])
      for (const named of [rules, { ...rules, id: 'adj_1' }])
        expect(await decide(named)).toMatchObject(refusedAs(404, 'adjustment_not_found'));
  });
});

test('a rejection is for good, has a reason, and moves nothing', async () => {
  const proposal = await proposed('creator-7');
  expect((await people.reject(proposal, people.omar, '')).body['errors']).toMatchObject([{ pointer: '/reason' }]);
  const first = await people.reject(proposal);
  expect(first).toMatchObject({ status: 200, body: { state: 'rejected' } });
  expect(await people.reject(proposal)).toEqual({ ...first, replayed: true });
  expect(await people.approve(proposal, people.ann)).toMatchObject(refusedAs(409, 'adjustment_already_decided'));
  expect(await balance('creator-7')).toMatchObject({ adjusted: '0' });
  expect((await people.get(`/${proposal.id}`)).body).toMatchObject({ decidedBy: 'omar', rejectedFor: 'not so' });
});

test('each door is open to its roles', async () => {
  const proposal = await proposed('creator-8');
  const token = await doors.tokenOf('creator-8');
  const { publisher, operator, approver, auditor, admin } = doors.keys;
  for (const key of [publisher, approver, auditor, admin, token])
    expect((await people.propose(wanted('creator-8'), undefined, key)).status).toBe(403);
  for (const key of [publisher, operator, auditor, admin, token])
    for (const decide of [people.approve, people.reject]) expect((await decide(proposal, key)).status).toBe(403);
  for (const rest of ['', `/${proposal.id}`]) {
    for (const key of [publisher, admin]) expect((await people.get(rest, key)).status).toBe(403);
    for (const key of [operator, approver, auditor]) expect((await people.get(rest, key)).status).toBe(200);
  }
});

describe('GET adjustments', () => {
  const idsOf = ({ body }: { body: Record<string, { adjustmentId: string }[]> }): string[] =>
    (body['items'] ?? []).map(({ adjustmentId }) => adjustmentId);

  test('lists them newest first, page by page, by creator and state', async () => {
    const made: Named[] = [];
    for (let n = 0; n < 5; n++) made.unshift(await proposed('creator-9'));
    const ids = made.map(({ id }) => id);
    for (const named of made.slice(3)) await people.approve(named);
    const all = '?creatorId=creator-9';
    expect(idsOf(await people.get(all))).toEqual(ids);
    const first = await people.get(`${all}&limit=3`);
    const rest = await people.get(`${all}&limit=3&cursor=${first.body['nextCursor']}`);
    expect([...idsOf(first), ...idsOf(rest)]).toEqual(ids);
    expect(rest.body['nextCursor']).toBeNull();
    expect(idsOf(await people.get(`${all}&state=approved`))).toEqual(ids.slice(3));
    expect(idsOf(await people.get(`${all}&state=proposed`))).toEqual(ids.slice(0, 3));
    expect(await people.get(`?cursor=${first.body['nextCursor']}`)).toMatchObject(refusedAs(400, 'cursor_invalid'));
    expect((await people.get('?state=lost')).body['errors']).toMatchObject([{ pointer: '/state' }]);
  });

  test('shows people all there is to know', async () => {
    const named = await people.proposed(wanted('creator-10', 700, { evidence: 'case 7' }));
    await people.approve(named);
    const { body } = await people.get(`/${named.id}`, doors.keys.auditor);
    expect(body).toEqual({
      adjustmentId: named.id,
      ...wanted('creator-10', 700, { evidence: 'case 7' }),
      contentHash: named.contentHash,
      state: 'approved',
      proposedBy: 'nina',
      proposedAt: expect.stringMatching(/Z$/),
      decideBefore: expect.stringMatching(/Z$/),
      decidedBy: 'omar',
      decidedAt: expect.stringMatching(/Z$/),
    });
    expect((await people.get('?creatorId=creator-10')).body['items']).toEqual([body]);
  });

  test('shows a creator its own that happened and why, and neither people nor evidence', async () => {
    const named = await people.proposed(wanted('creator-11', -700, { evidence: 'case 7' }));
    const rejected = await proposed('creator-11');
    await people.reject(rejected);
    const token = await doors.tokenOf('creator-11');
    const see = (rest: string) => people.get(rest, token);
    for (const { id } of [named, rejected])
      expect(await see(`/${id}`)).toMatchObject(refusedAs(404, 'adjustment_not_found'));
    for (const query of ['', '?state=proposed', '?state=rejected']) expect(idsOf(await see(query))).toEqual([]);
    await people.approve(named);
    const { body } = await see(`/${named.id}`);
    expect(body).toEqual({
      adjustmentId: named.id,
      ...wanted('creator-11', -700),
      state: 'approved',
      decidedAt: expect.stringMatching(/Z$/),
    });
    for (const query of ['', '?state=approved', '?creatorId=creator-11'])
      expect((await see(query)).body).toEqual({ items: [body], nextCursor: null });

    const stranger = await doors.tokenOf('creator-12');
    expect(await people.get(`/${named.id}`, stranger)).toMatchObject(refusedAs(404, 'adjustment_not_found'));
    for (const query of ['', '?creatorId=creator-11']) expect(idsOf(await people.get(query, stranger))).toEqual([]);
  });
});

describe('at once', () => {
  const times = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
    Promise.all(Array.from({ length: count }, (_, n) => make(n)));
  const seqsOf = async (creatorId: string) => (await eventsOf(creatorId)).map(({ data }) => data.ledgerSeq);

  test('fifty approvals under one key: one happens, and the others are told of it', async () => {
    const proposal = await proposed('creator-13');
    const answers = await times(50, () => people.approve(proposal, people.omar, 'storm'));
    const isTold = answers.map(({ status, body }) => status === 200 || body['code'] === 'idempotency_key_in_use');
    expect(isTold).not.toContain(false);
    expect(await seqsOf('creator-13')).toEqual([1]);
  }, 60_000);

  test('an approval, another and a rejection: one of them counts', async () => {
    for (let n = 0; n < 10; n++) {
      const proposal = await proposed(`creator-14-${n}`);
      const answers = await Promise.all([
        people.approve(proposal, people.omar),
        people.approve(proposal, people.ann),
        people.reject(proposal, people.ann),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
      const isApproved = answers.some(({ body }) => body['state'] === 'approved');
      expect(await seqsOf(`creator-14-${n}`)).toEqual(isApproved ? [1] : []);
    }
  }, 60_000);

  test('thirty first adjustments of a creator are numbered without a gap', async () => {
    const proposals = await times(30, (n) => proposed('creator-15', n % 2 === 0 ? 100 : -1));
    const answers = await Promise.all(proposals.map((proposal) => people.approve(proposal)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await seqsOf('creator-15')).toEqual(proposals.map((_, n) => n + 1));
    expect(await balance('creator-15')).toMatchObject({ adjusted: '1485', available: '1485' });
  }, 60_000);

  /** The ledger's way with a creator's first credit: the offset first, then the batch, in one transaction. */
  async function firstCredit(creatorId: string, n: number, beforeCommit: () => Promise<unknown>): Promise<void> {
    const credited = event('carat.diamonds.credited.v1', { n, creatorId, millidiamonds: 500 });
    await doors.db.transaction(async (tx) => {
      await tx.query(
        `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
         VALUES ($1, 'this-log', 'diamond.events.v1', 0, 1, 1)`,
        [LEDGER_GROUP],
      );
      await post(tx, transfersOf(credited));
      await beforeCommit();
    });
  }
  const someoneWaits = (query: string) =>
    eventually(async () => {
      const waiting = (await doors.db.query(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
        [query],
      )) as unknown[];
      expect(waiting.length).toBeGreaterThan(0);
    });

  test('a first credit that is being booked is waited for, and is in what the adjustment came after', async () => {
    const proposal = await proposed('creator-16', -700);
    let approving: Promise<unknown> = Promise.resolve();
    await firstCredit('creator-16', 2_000_001, async () => {
      approving = people.approve(proposal);
      await someoneWaits('%payout.balance%');
    });
    expect(await approving).toMatchObject({ status: 200 });
    expect(await eventsOf('creator-16')).toMatchObject([
      { data: { ledgerSeq: 1, after: { 'diamond.events.v1': '1' } } },
    ]);
    expect(await balance('creator-16')).toMatchObject({ earned: '500', adjusted: '-700', recoverable: '200' });
    await doors.db.query('TRUNCATE journal.consumer_offset');
  });

  test('a first credit waits for an adjustment that is being booked, and is not in what that came after', async () => {
    const proposal = await proposed('creator-17', -700);
    const holder = doors.db.createQueryRunner();
    await holder.startTransaction();
    await holder.query(`SELECT 1 FROM journal.log_head WHERE topic = 'redemption.events.v1' FOR UPDATE`);
    const approving = people.approve(proposal);
    await someoneWaits('%journal.log_head%');
    const crediting = firstCredit('creator-17', 2_000_002, async () => {});
    await someoneWaits('%payout.transfer%');
    await holder.rollbackTransaction();
    await holder.release();
    expect(await approving).toMatchObject({ status: 200 });
    await crediting;
    expect(await eventsOf('creator-17')).toMatchObject([{ data: { ledgerSeq: 1, after: {} } }]);
    expect(await balance('creator-17')).toMatchObject({ earned: '500', adjusted: '-700', recoverable: '200' });
    await doors.db.query('TRUNCATE journal.consumer_offset');
  });
});
