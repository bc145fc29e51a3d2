import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Named, type People, peopleAt } from '../../test/four-eyes.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { rules } from '../../test/rules.js';

const HOUR_MS = 3_600_000;
let doors: PayoutDoors;
let people: People;
beforeAll(async () => {
  doors = await openPayoutDoors();
  people = await peopleAt(doors, '/v1/redemption-rules', 'rulesId');
}, 60_000);
afterAll(() => doors?.close());

const refusedAs = (status: number, code: string) => ({ status, body: { code } });
const startMs = Date.now() + 24 * HOUR_MS;
let hours = 0;
/** The next hour: a line of versions grows at its end, so each test goes on behind the one before. */
const nextHour = (): string => new Date(startMs + hours++ * HOUR_MS).toISOString();
const proposed = (effectiveFrom = nextHour(), change: object = {}): Promise<Named> =>
  people.proposed(rules({ ...change, effectiveFrom }));
const codeOf = ({ status, body }: { status: number; body: Record<string, unknown> }) => body['code'] ?? status;

describe('a proposal', () => {
  test('is the same again under the same key, and in force for nobody', async () => {
    const body = rules({ effectiveFrom: nextHour() });
    const first = await people.propose(body, 'once');
    expect(first).toEqual({
      status: 201,
      body: {
        rulesId: expect.stringMatching(/^rules_[0-9a-f-]{36}$/),
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
        state: 'proposed',
      },
    });
    expect(await people.propose(body, 'once')).toEqual({ ...first, replayed: true });
    expect(await people.propose({ ...body, reason: 'another' }, 'once')).toMatchObject(
      refusedAs(422, 'idempotency_key_reused'),
    );
    expect(await people.propose(body, '')).toMatchObject(refusedAs(400, 'idempotency_key_missing'));
    expect(await people.get(`?at=${body.effectiveFrom}`)).toMatchObject({ body: { items: [] } });
  });

  test.each([
    ...Object.entries(rules())
      .filter(([, value]) => typeof value === 'number')
      .flatMap(([field]) =>
        [0, -1, 1.5, 2 ** 53, '1', null].map((value) => [`/${field}`, { [field]: value }] as const),
      ),
    ['/minimumMillidiamonds', { minimumMillidiamonds: undefined }],
    ['/dailyMaximumMillidiamonds', { dailyMaximumMillidiamonds: 9_999_999 }],
    ['/weeklyMaximumMillidiamonds', { weeklyMaximumMillidiamonds: 199_999_999 }],
    ['/twoApproversFromMillidiamonds', { twoApproversFromMillidiamonds: 19_999_999 }],
    ['/decisionDeadlineSeconds', { decisionDeadlineSeconds: 366 * 86_400 + 1 }],
    ['/effectiveFrom', { effectiveFrom: 'tomorrow' }],
    ['/effectiveFrom', { effectiveFrom: '9999-12-31T23:59:59-23:59' }],
    ['/reason', { reason: '' }],
  ] as const)('points at %s: %j', async (pointer, change) => {
    const answer = await people.propose({ ...rules(), ...change });
    expect(answer).toMatchObject(refusedAs(422, 'invalid_request'));
    expect(answer.body['errors'][0]).toMatchObject({ pointer });
  });

  test('may be at its limits, and leave out how long quotes last', async () => {
    const one = { minimumMillidiamonds: 1, dailyMaximumMillidiamonds: 1, weeklyMaximumMillidiamonds: 1 };
    const tiers = { oneApproverFromMillidiamonds: 2 ** 53 - 1, twoApproversFromMillidiamonds: 2 ** 53 - 1 };
    const { id } = await proposed(nextHour(), { ...one, ...tiers, quoteTtlSeconds: undefined });
    const { body } = await people.get(`/${id}`);
    expect(body).toMatchObject({ ...one, ...tiers });
    expect(body).not.toHaveProperty('quoteTtlSeconds');
  });

  test('of a begin that is past, or taken, is refused at once', async () => {
    const past = { effectiveFrom: new Date(Date.now() - 1).toISOString() };
    expect(await people.propose(rules(past))).toMatchObject({
      status: 422,
      body: { code: 'rules_start_too_soon', errors: [{ pointer: '/effectiveFrom' }] },
    });
    const from = nextHour();
    await people.approve(await proposed(from));
    for (const effectiveFrom of [from, new Date(Date.parse(from) - 1).toISOString()])
      expect(await people.propose(rules({ effectiveFrom }))).toMatchObject({
        status: 422,
        body: { code: 'rules_overlap', errors: [{ pointer: '/effectiveFrom' }] },
      });
  });
});

describe('a decision', () => {
  test('approves, and says the same to the same person again', async () => {
    const proposal = await proposed();
    const { id: rulesId, contentHash } = proposal;
    const first = await people.approve(proposal, people.omar, 'a');
    expect(first).toEqual({ status: 200, body: { rulesId, contentHash, state: 'approved' } });
    expect(await people.approve(proposal, people.omar, 'a')).toEqual({ ...first, replayed: true });
    expect(await people.approve(proposal, people.omar, 'b')).toEqual({ ...first, replayed: true });
    for (const late of [() => people.approve(proposal, people.ann), () => people.reject(proposal)])
      expect(await late()).toMatchObject(refusedAs(409, 'rules_already_decided'));
  });

  test('is not made by who proposed, by whatever key', async () => {
    const proposal = await proposed();
    for (const decide of [people.approve, people.reject])
      expect(await decide(proposal, people.ninaAsApprover)).toMatchObject(refusedAs(403, 'self_approval'));
    expect((await people.get(`/${proposal.id}`)).body).toMatchObject({ state: 'proposed' });
  });

  test('is bound to the content, and to the deadline', async () => {
    const proposal = await proposed();
    const { contentHash } = await proposed();
    expect(await people.approve({ ...proposal, contentHash })).toMatchObject(refusedAs(409, 'proposal_changed'));
    await doors.db.query('UPDATE payout.proposal SET decide_before = clock_timestamp() WHERE proposal_id = $1', [
      proposal.id,
    ]);
    expect(await people.approve(proposal)).toMatchObject(refusedAs(409, 'proposal_expired'));
  });

  test('rejects, for good and with a reason', async () => {
    const proposal = await proposed();
    expect((await people.reject(proposal, people.omar, '')).body['errors']).toMatchObject([{ pointer: '/reason' }]);
    expect(await people.reject(proposal)).toMatchObject({ status: 200, body: { state: 'rejected' } });
    expect(await people.approve(proposal, people.ann)).toMatchObject(refusedAs(409, 'rules_already_decided'));
    expect((await people.get(`/${proposal.id}`)).body).toMatchObject({
      ...{ state: 'rejected', from: null, to: null, decidedBy: 'omar', rejectedFor: 'not so' },
    });
  });

  test('takes no rules that begin with an approved version or before it', async () => {
    const [early, late] = [nextHour(), nextHour()];
    const proposals = [await proposed(early), await proposed(late)];
    expect((await people.approve(await proposed(late))).status).toBe(200);
    for (const proposal of proposals)
      expect(await people.approve(proposal)).toMatchObject(refusedAs(422, 'rules_overlap'));
  });

  test('knows its proposals, and each door is open to its roles', async () => {
    const proposal = await proposed();
    for (const decide of [people.approve, people.reject])
      expect(await decide({ ...proposal, id: 'adj_1' })).toMatchObject(refusedAs(404, 'rules_not_found'));
    expect(await people.get('/rules_1')).toMatchObject(refusedAs(404, 'rules_not_found'));
    const token = await doors.tokenOf('creator-1');
    const { publisher, operator, approver, auditor, admin } = doors.keys;
    for (const key of [publisher, approver, auditor, admin, token])
      expect((await people.propose(rules({ effectiveFrom: nextHour() }), undefined, key)).status).toBe(403);
    for (const key of [publisher, operator, auditor, admin, token])
      for (const decide of [people.approve, people.reject]) expect((await decide(proposal, key)).status).toBe(403);
    for (const rest of ['', `/${proposal.id}`]) {
      for (const key of [publisher, admin, token]) expect((await people.get(rest, key)).status).toBe(403);
      for (const key of [operator, approver, auditor]) expect((await people.get(rest, key)).status).toBe(200);
    }
  });
});

describe('at once', () => {
  test('of twenty that begin at one time, exactly one is approved', async () => {
    const from = nextHour();
    const proposals = await Promise.all(Array.from({ length: 20 }, () => proposed(from)));
    const answers = await Promise.all(
      proposals.map((proposal, n) => people.approve(proposal, n % 2 ? people.omar : people.ann)),
    );
    const codes = answers.map(codeOf);
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 'rules_overlap')).toHaveLength(19);
  }, 60_000);

  test('of twenty that begin one after the other, each approved one begins after all approved before it', async () => {
    const proposals = await Promise.all(Array.from({ length: 20 }, () => proposed()));
    await Promise.all(proposals.map((proposal) => people.approve(proposal)));
    const begins = (await doors.db.query(
      `SELECT r.effective_from AS "from" FROM payout.redemption_rules r
       JOIN payout.proposal p ON p.proposal_id = r.rules_id ORDER BY p.decided_at, r.effective_from`,
    )) as { from: Date }[];
    const inOrder = begins.toSorted((a, b) => a.from.getTime() - b.from.getTime());
    expect(begins).toEqual(inOrder);
  }, 60_000);

  test('fifty approvals under one key: one happens, and the others are told of it', async () => {
    const proposal = await proposed();
    const answers = await Promise.all(Array.from({ length: 50 }, () => people.approve(proposal, people.omar, 'storm')));
    expect(answers.every((answer) => [200, 'idempotency_key_in_use'].includes(codeOf(answer) as number))).toBe(true);
    expect((await people.get(`/${proposal.id}`)).body).toMatchObject({ state: 'approved' });
  }, 60_000);
});

describe('GET the rules', () => {
  test('lists them newest first with when they are in force, page by page, and those of a time', async () => {
    const [from, to, never] = [nextHour(), nextHour(), nextHour()];
    const [first, second, third] = [await proposed(from), await proposed(to), await proposed(never)] as const;
    await people.approve(first);
    await people.approve(second);
    const page = await people.get('?limit=2');
    expect(page.body['items']).toMatchObject([
      { rulesId: third.id, state: 'proposed', from: null, to: null },
      { rulesId: second.id, state: 'approved', from: to, to: null },
    ]);
    const next = await people.get(`?limit=1&cursor=${page.body['nextCursor']}`);
    expect(next.body['items']).toEqual([
      {
        rulesId: first.id,
        ...rules({ effectiveFrom: from }),
        contentHash: first.contentHash,
        state: 'approved',
        proposedBy: 'nina',
        proposedAt: expect.stringMatching(/Z$/),
        decideBefore: expect.stringMatching(/Z$/),
        decidedBy: 'omar',
        decidedAt: expect.stringMatching(/Z$/),
        from,
        to,
      },
    ]);
    expect((await people.get(`/${first.id}`)).body).toEqual(next.body['items'][0]);
    const at = async (ms: number) => {
      const { body } = await people.get(`?at=${new Date(ms).toISOString()}`);
      return body['items'].map(({ rulesId }: { rulesId: string }) => rulesId);
    };
    expect(await at(Date.parse(from))).toEqual([first.id]);
    expect(await at(Date.parse(to) - 1)).toEqual([first.id]);
    expect(await at(Date.parse(to))).toEqual([second.id]);
    expect(await at(Date.parse(never) + HOUR_MS)).toEqual([second.id]);
    expect(await at(Date.now())).toEqual([]);
    expect((await people.get('?at=0000-01-01T00:00:00Z')).body['items']).toEqual([]);
    expect((await people.get('?at=yesterday')).body['errors']).toMatchObject([{ pointer: '/at' }]);
    expect(await people.get(`?at=${to}&cursor=${page.body['nextCursor']}`)).toMatchObject(
      refusedAs(400, 'cursor_invalid'),
    );
  });
});
