import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { diceOf } from './generated-evening/dice.js';
import { openPayoutScene, type PayoutScene } from './payout-scene.js';
import { auditOf, PROVEN } from './proven.js';

// `CHAOS_SEEDS=10 CHAOS_RUNS=1000` plays ten thousand redemptions, which takes ten to twenty minutes.
const SEEDS = Array.from({ length: Number(process.env['CHAOS_SEEDS'] ?? 1) }, (_, nth) => nth + 1);
const RUNS_PER_SEED = Number(process.env['CHAOS_RUNS'] ?? 300);
const CREATORS = 80;
const HANDS = 12;
const KILLS_PER_SEED = 2;

// 20,000 and 200,000 diamonds are where one person, and two people, have to approve.
const AMOUNTS = [1_000_000, 5_002_000, 19_998_000, 20_000_000, 45_454_000, 200_000_000];
const METHODS = [...Array<string>(10).fill('pm_ok'), 'pm_timeout', 'pm_fail_late', 'pm_return', 'pm_review'];
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let scene: PayoutScene;
beforeAll(async () => {
  scene = await openPayoutScene({
    PAYOUT_TIMEOUT: '300ms',
    PAYOUT_EVERY: '50ms',
    REDEMPTION_MINIMUM: '1000000',
    REDEMPTION_DAILY_MAXIMUM: '900000000000000',
    REDEMPTION_WEEKLY_MAXIMUM: '900000000000000',
  });
  await scene.db.query(WATCH);
}, 60_000);
afterAll(() => scene?.end());

// What a creator's books must say is counted in every transaction that moves a redemption, before it commits.
// What is held and redeemed is what the redemptions say, and what was earned is somewhere, to the unit.
const WATCH = `
  CREATE TABLE watched (creator_id text, problem text);
  CREATE SEQUENCE looks;
  CREATE FUNCTION watch_conservation() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE b payout.balance; held numeric; redeemed numeric;
  BEGIN
    PERFORM nextval('looks');
    SELECT * INTO b FROM payout.balance WHERE creator_id = NEW.creator_id;
    SELECT coalesce(sum(millidiamonds) FILTER (WHERE status NOT IN
             ('paid', 'returned', 'failed', 'rejected', 'cancelled', 'expired')), 0),
           coalesce(sum(millidiamonds) FILTER (WHERE status = 'paid'), 0)
      INTO held, redeemed FROM payout.redemption WHERE creator_id = NEW.creator_id;
    IF b.held <> held OR b.redeemed <> redeemed
       OR b.earned + b.awarded + b.adjusted - b.reversed <> b.available + b.held + b.redeemed - b.recoverable
    THEN INSERT INTO watched VALUES (NEW.creator_id, format('%s held, %s redeemed, books %s', held, redeemed, b));
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER watch AFTER INSERT OR UPDATE ON payout.redemption
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION watch_conservation()`;

const chaosOf = (seed: number) => ({
  seed,
  plans: {
    refuses: 400,
    isBusy: 300,
    isDown: 300,
    breaksAfterAccepting: 700,
    neverAnswers: 300,
    failsLate: 700,
    failsThenPays: 500,
    paysThenReturns: 700,
    holds: 500,
  },
  delays: { holdOpenMs: 1_000 },
  webhooks: { doubled: 3_000, reordered: 3_000, unsigned: 800, wronglySigned: 800, never: 1_000, delayedMs: 500 },
});

interface Run {
  readonly id: string;
  readonly creatorId: string;
  readonly millidiamonds: number;
  readonly payoutMethodId: string;
  readonly isCancelled: boolean;
  /** Which of the approvers' decisions it meets, where one is needed. */
  readonly decision: 'approve' | 'reject';
}

function runsOf(seed: number): Run[] {
  const dice = diceOf(seed);
  return Array.from({ length: RUNS_PER_SEED }, (_, n) => ({
    id: `run-${seed}-${n}`,
    creatorId: `creator-${seed}-${n % CREATORS}`,
    millidiamonds: dice.pick(AMOUNTS),
    payoutMethodId: dice.pick(METHODS),
    isCancelled: dice.percent(8),
    decision: dice.percent(10) ? 'reject' : 'approve',
  }));
}

/** Sends it until there is an answer, under one key: the server may be killed at any moment. */
async function persist(...[method, path, key, body, once]: Parameters<PayoutScene['send']>) {
  for (;;) {
    const answer = await scene.send(method, path, key, body, once).catch(() => undefined);
    if (answer !== undefined && answer.status < 500 && answer.body.code !== 'idempotency_key_in_use') return answer;
    await sleep(20);
  }
}

/**
 * A creator asks, and now and then thinks better of it. Answers the redemption's id; none where what the creator was
 * given had been taken back by then.
 */
async function ask({ id, creatorId, millidiamonds, payoutMethodId, isCancelled }: Run): Promise<string | undefined> {
  const { operator } = scene.keys;
  const wanted = { creatorId, millidiamonds, currency: 'USD' };
  const quote = await persist('POST', '/v1/redemption-quotes', operator, wanted, `quote-${id}`);
  const asked = { creatorId, quoteId: quote.body.quoteId, payoutMethodId };
  const { status, body } = await persist('POST', '/v1/redemptions', operator, asked, id);
  if (body.code === 'redemption_exceeds_available') return undefined;
  if (status !== 201) throw new Error(`${id}: ${JSON.stringify(body)}`);
  if (isCancelled)
    await persist('POST', `/v1/redemptions/${body.redemptionId}/cancellation`, operator, {}, `not-${id}`);
  return body.redemptionId;
}

interface Waiting {
  readonly id: string;
  readonly kind: string;
  readonly contentHash?: string;
}

/** What one approver decides on all that waits: as the run has it; what is held for a debt is rejected. */
async function decideOn(waiting: readonly Waiting[], runs: ReadonlyMap<string, Run>, key: string): Promise<void> {
  const of = (kind: string) => waiting.filter((one) => one.kind === kind);
  const reason = 'the dice';
  const decisions = of('redemption').map(({ id, contentHash }) => {
    const decision = runs.get(id)?.decision ?? 'approve';
    return { id, decision, contentHash, ...(decision === 'reject' ? { reason } : {}) };
  });
  const reviews = of('review').flatMap(({ id, contentHash }) => [
    { id, decision: 'release' },
    { id, decision: 'reject', contentHash, reason },
  ]);
  const items = [...decisions, ...reviews].slice(0, 200);
  if (items.length > 0) await persist('POST', '/v1/approvals/batch', key, { items });
}

const waitingFor = async (key: string | undefined): Promise<Waiting[]> =>
  (await persist('GET', '/v1/approvals?limit=200', key)).body.items;

/** Two approvers go through what waits, in turn, until nothing that they decide on is left and all was asked for. */
async function approveAll(runs: ReadonlyMap<string, Run>, isOver: () => boolean): Promise<void> {
  for (;;) {
    const wasOver = isOver();
    for (const name of ['approver', 'approver2']) {
      const key = scene.keys[name] ?? '';
      await decideOn(await waitingFor(key), runs, key);
    }
    const left = await openIn(['requested', 'in_review', 'pending_approval', 'approved', 'submitted']);
    if (wasOver && left === 0) return;
    await sleep(100);
  }
}

async function openIn(states: readonly string[]): Promise<number> {
  const [{ n }] = await scene.db.query('SELECT count(*)::int AS n FROM payout.redemption WHERE status = ANY($1)', [
    states,
  ]);
  return n;
}

/** Everything that the provider still does, it does; and we hear of it, by webhook or because we ask. */
async function letTimePass(seed: number): Promise<void> {
  for (const advances of [[MINUTE_MS], [60 * MINUTE_MS, DAY_MS, DAY_MS, DAY_MS]]) {
    for (const advanceMs of advances) await scene.provider('POST', 'clock', { advanceMs });
    await scene.hasten(`creator-${seed}-%`);
    await eventually(
      async () => {
        const due = await scene.db.query('SELECT 1 FROM payout.payout WHERE poll_at <= clock_timestamp() LIMIT 1');
        expect(due).toEqual([]);
      },
      { withinMs: 120_000 },
    );
  }
}

/** The two-person desk: what the provider has never heard of has failed, and two people say so. */
async function settleWhatIsUnknown(): Promise<number> {
  const { approver = '', approver2 = '' } = scene.keys;
  let settled = 0;
  for (;;) {
    const unknown = (await waitingFor(approver)).filter(({ kind }) => kind === 'unknown_outcome');
    if (unknown.length === 0) return settled;
    for (const { id } of unknown) {
      expect((await scene.provider('GET', `payouts/${id}`)).status).toBe(404);
      const said = { outcome: 'failed', evidence: 'the provider has no record of it, says its letter' };
      await persist('POST', `/v1/redemptions/${id}/settlements`, approver, said);
    }
    const proposals = (await waitingFor(approver2)).filter(({ kind }) => kind === 'settlement');
    const items = proposals.map(({ id, contentHash }) => ({ id, contentHash, decision: 'approve' }));
    await persist('POST', '/v1/approvals/batch', approver2, { items });
    settled += items.length;
  }
}

/** Some of what creators were given turns out to have been stolen, after they have asked for it. */
async function takeBack(giftIds: readonly string[]): Promise<void> {
  for (const giftId of giftIds) {
    const proposal = { reversalId: `stolen-${giftId}`, reason: 'a stolen card', restoreCoins: false };
    const path = `/v1/gifts/${giftId}/reversals`;
    const { reversalId, contentHash } = (await persist('POST', path, scene.keys['operator'], proposal, `rev-${giftId}`))
      .body;
    const approval = await persist('POST', `${path}/${reversalId}/approval`, scene.keys['approver'], { contentHash });
    expect(approval.status).toBe(200);
  }
}

async function kill(): Promise<void> {
  await scene.process.kill();
  await scene.process.start();
}

/** Everything that a seed has to say, from the first request to the last settlement. */
async function play(seed: number): Promise<ReadonlyMap<string, Run>> {
  const runs = runsOf(seed);
  await scene.provider('PUT', 'behaviour', chaosOf(seed));
  const sums = Map.groupBy(runs, ({ creatorId }) => creatorId);
  const gifts: string[] = [];
  for (const [creatorId, of] of sums)
    gifts.push(
      await scene.give(
        creatorId,
        of.reduce((sum, { millidiamonds }) => sum + millidiamonds, 0),
      ),
    );
  const asked = new Map<string, Run>();
  const left = [...runs];
  let isOver = false;
  const approving = approveAll(asked, () => isOver);
  const hands = Array.from({ length: HANDS }, async () => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      const redemptionId = await ask(run);
      if (redemptionId !== undefined) asked.set(redemptionId, run);
    }
  });
  const disturbing = (async () => {
    for (let nth = 1; nth <= KILLS_PER_SEED; nth++) {
      while (left.length > RUNS_PER_SEED * (1 - nth / (KILLS_PER_SEED + 1))) await sleep(50);
      await kill();
    }
    await takeBack(gifts.slice(0, 3));
  })();
  await Promise.all([...hands, disturbing]).finally(() => {
    isOver = true;
  });
  await approving;
  return asked;
}

test.each(SEEDS)(
  'seed %d: hundreds of redemptions, a provider in chaos, and kills: each ends, and nothing was paid twice',
  async (seed) => {
    const asked = await play(seed);
    await letTimePass(seed);
    const settled = await settleWhatIsUnknown();
    const ended = await scene.db.query(
      `SELECT status, count(*)::int AS n FROM payout.redemption WHERE creator_id LIKE $1 GROUP BY 1 ORDER BY 1`,
      [`creator-${seed}-%`],
    );
    expect(ended.map(({ status }: { status: string }) => status)).toEqual([
      'cancelled',
      'failed',
      'paid',
      'rejected',
      'returned',
    ]);
    expect(ended.reduce((sum: number, { n }: { n: number }) => sum + n, 0)).toBe(asked.size);
    // Three creators of eighty were left without what they had.
    expect(asked.size).toBeGreaterThan(RUNS_PER_SEED * 0.95);
    expect(settled).toBeGreaterThan(0);
    await expectOneTruth(seed);
    await expectReconciled();
    expect(await auditOf(scene.environment)).toEqual(PROVEN);
  },
  600_000,
);

/** Every settlement file since the last one, the day of today left out: it is not over. */
let daysRead = 0;
async function expectReconciled(): Promise<void> {
  await scene.provider('POST', 'clock', { advanceMs: DAY_MS });
  const today = Date.parse((await scene.provider('GET', 'clock')).body.now);
  const movements = (await scene.provider('GET', 'movements')).body.items as (Movement & { at: string })[];
  const days = [...new Set(movements.map(({ at }) => at.slice(0, 10)))].filter(
    (day) => Date.parse(day) + DAY_MS <= today,
  );
  for (const day of days.sort().slice(daysRead)) {
    const file = (await scene.provider('GET', `settlement-files/${day}`)).body as string;
    const imported = await persist(
      'POST',
      `/v1/settlement-files?day=${day}`,
      scene.keys['operator'],
      file,
      `file-${day}`,
    );
    expect(imported).toMatchObject({ status: 201, body: { day } });
    daysRead++;
  }
  const items = await scene.db.query('SELECT outcome, count(*)::int AS n FROM payout.reconciled GROUP BY 1');
  const [{ n }] = await scene.db.query('SELECT count(*)::int AS n FROM payout.payout');
  expect(items).toEqual([{ outcome: 'matched', n }]);
  const lines = movements.reduce(
    (sum, { kind, amountMinor }) => sum + (kind === 'payout' ? amountMinor : -amountMinor),
    0,
  );
  const { items: tied } = (await scene.send('GET', '/v1/reconciliation/tie-out', scene.keys['auditor'])).body;
  expect(tied).toMatchObject([
    { currency: 'USD', settledMinor: String(lines), clearingMinor: '0', differenceMinor: '0' },
  ]);
  const breaks = await scene.db.query(`SELECT DISTINCT outcome FROM payout.break WHERE resolved_at IS NULL`);
  // Paid after they had failed: a person is told of each, and the books are right all the same.
  expect(breaks).toEqual([{ outcome: 'incident' }]);
}

interface Movement {
  readonly payoutId: string;
  readonly kind: 'payout' | 'return';
  readonly currency: string;
  readonly amountMinor: number;
}

/** What the provider moved is what our books say that it moved, payout by payout. */
async function expectOneTruth(seed: number): Promise<void> {
  const movements = (await scene.provider('GET', 'movements')).body.items as Movement[];
  const moved = Map.groupBy(movements, ({ payoutId }) => payoutId);
  const ours = (await scene.db.query(
    `SELECT redemption_id AS id, status, currency, (state #>> '{asked,payout,amountMinor}')::int AS "amountMinor"
     FROM payout.redemption WHERE creator_id LIKE $1`,
    [`creator-${seed}-%`],
  )) as { id: string; status: string; currency: string; amountMinor: number }[];
  const expected = { paid: ['payout'], returned: ['payout', 'return'] } as Readonly<Record<string, string[]>>;
  for (const { id, status, currency, amountMinor } of ours) {
    const its = moved.get(id) ?? [];
    expect([id, status, its.map(({ kind }) => kind)]).toEqual([id, status, expected[status] ?? []]);
    for (const movement of its) expect(movement).toMatchObject({ currency, amountMinor });
  }
  expect(await scene.db.query('SELECT * FROM watched')).toEqual([]);
  const [{ looks }] = await scene.db.query('SELECT last_value::int AS looks FROM looks');
  expect(looks).toBeGreaterThan(4 * RUNS_PER_SEED);
}
