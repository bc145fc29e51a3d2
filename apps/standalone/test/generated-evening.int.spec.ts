import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bothLogs, type Running, startOn } from './both-logs.js';
import { EveningDoors } from './evening-doors.js';
import { sum } from './generated-evening/books.js';
import { diceOf } from './generated-evening/dice.js';
import { ZERO } from './generated-evening/exact.js';
import { eveningOf } from './generated-evening/generator.js';
import { Oracle } from './generated-evening/oracle.js';
import type { Plan, Request, Step } from './generated-evening/plan.js';
import { observedBooks, type Traces, tracesIn } from './observed-books.js';
import { auditOf, PROVEN } from './proven.js';
import { type SeenCoins, watchCoins } from './watched-coins.js';

// `GENERATED_EVENINGS=50` plays fifty, which takes some twenty seconds more on each log.
const EVENINGS = Number(process.env['GENERATED_EVENINGS'] ?? 20);
const SEEDS = Array.from({ length: EVENINGS }, (_, index) => index + 1);
/** Rates and prices are known before they begin. */
const PREPARATION_MS = 5_000 + 300 * EVENINGS;
const PUBLISHING_AT_ONCE = 6;
const DAY_MS = 24 * 3_600_000;
const WITHIN_MS = 60_000;
const RULES = { RATE_LEAD: '2s', CATALOGUE_LEAD: '2s', GIFT_SKEW: '1s', STREAK_TIMEOUT: '5s' };

interface Evening {
  readonly plan: Plan;
  readonly oracle: Oracle;
}

/** On every second evening every purchase and every request is told twice. */
const saysTwice = ({ seed }: Plan): boolean => seed % 2 === 0;

/** All evenings at once, in ids that they do not share, step by step through the doors of the services. */
class Night {
  constructor(
    private readonly running: Running,
    private readonly doors: EveningDoors,
    private readonly evenings: readonly Evening[],
    /** Other dice on each log: the same evenings in another order. */
    private readonly variant: number,
  ) {}

  async play(): Promise<void> {
    const plans = this.evenings.map(({ plan }) => plan);
    await Promise.all([this.doors.setRates(plans), this.doors.setPrices(plans)]);
    for (let n = 0; n < Math.max(...plans.map(({ steps }) => steps.length)); n += 1) {
      const now = this.evenings.flatMap(({ plan, oracle }) => {
        const step = plan.steps[n];
        return step === undefined ? [] : [{ plan, oracle, step }];
      });
      await this.requests(now);
      await this.purchasesAndReversals(now);
    }
    await this.untilStreaksHaveEnded();
    const expected = this.evenings.flatMap(({ oracle }) => Object.values(oracle.books().creators));
    const transfers = expected.reduce((all, { gifts, reversals }) => all + gifts + reversals, 0);
    // When they do not come to that, the comparison says what is missing.
    await this.until('SELECT count(*)::int AS n FROM payout.transfer', transfers).catch(() => undefined);
  }

  private async requests(now: readonly (Evening & { step: Step })[]): Promise<void> {
    const asking = now.flatMap(({ step, ...evening }) => (step.kind === 'requests' ? [{ ...evening, step }] : []));
    const [first] = asking;
    if (first === undefined) return;
    // Gifts are given until the end of the evening, and nobody sends them from the future.
    await sleep(Math.max(0, first.plan.endMs - Date.now()));
    const rest = asking.values();
    const publish = async (): Promise<void> => {
      for (const { plan, oracle, step } of rest) {
        const said = this.saidBy(plan, step.byCreator);
        await this.doors.publish(plan, said);
        oracle.apply({ ...step, byCreator: [said] });
      }
    };
    await Promise.all(Array.from({ length: PUBLISHING_AT_ONCE }, publish));
    const ends = (await this.running.log.ends(['gift.requests.v1']))['gift.requests.v1'] ?? [];
    await this.until(
      `SELECT sum(next_offset)::int AS n FROM journal.consumer_offset WHERE grp LIKE '%carat.gift.intake'`,
      Number(sum(ends)),
    );
    if (first.step.awaitStreaks) await this.untilStreaksHaveEnded();
  }

  /** Any order that keeps the creators' own. */
  private saidBy(plan: Plan, byCreator: readonly (readonly Request[])[]): Request[] {
    const dice = diceOf(EVENINGS * this.variant + plan.seed);
    const once = dice.interleaved(byCreator);
    return saysTwice(plan) ? dice.twice(once) : once;
  }

  private async purchasesAndReversals(now: readonly (Evening & { step: Step })[]): Promise<void> {
    if (now.some(({ step }) => step.kind === 'reverse everything')) await this.untilStreaksHaveEnded();
    const purchases = now.flatMap(({ plan, step }) => {
      if (step.kind !== 'purchases') return [];
      return saysTwice(plan) ? step.purchases.flatMap((purchase) => [purchase, purchase]) : step.purchases;
    });
    const expected = now.flatMap(({ oracle, step }) => (step.kind === 'requests' ? [] : oracle.apply(step)));
    await this.doors.buy(purchases);
    const gifts = (await this.running.db.query(
      `SELECT concat_ws(' ', data#>>'{requestedBy,source}', data#>>'{requestedBy,id}') AS name, data->>'giftId' AS id
       FROM gift.gift`,
    )) as { name: string; id: string }[];
    await this.doors.reverse(expected, new Map(gifts.map(({ name, id }) => [name, id])));
  }

  private untilStreaksHaveEnded(): Promise<void> {
    return this.until('SELECT count(*)::int AS n FROM gift.streak WHERE is_open', 0);
  }

  private until(sql: string, expected: number): Promise<void> {
    return eventually(
      async () => {
        const [{ n }] = (await this.running.db.query(sql)) as [{ n: number }];
        expect(`${sql}: ${n}`).toBe(`${sql}: ${expected}`);
      },
      { withinMs: WITHIN_MS },
    );
  }
}

describe.each(bothLogs.map((topology, variant) => ({ ...topology, variant })))(
  'generated evenings on $name',
  ({ variant, ...topology }) => {
    let running: Running;
    let doors: EveningDoors;
    let seen: SeenCoins;
    let tracesOf: (prefix: string) => Traces;
    const evenings = new Map<number, Evening>();

    beforeAll(async () => {
      // A daily cap is counted by the UTC day of receipt, and the oracle knows one day only.
      const midnightInMs = DAY_MS - (Date.now() % DAY_MS);
      if (midnightInMs < 2 * WITHIN_MS) await sleep(midnightInMs);
      const shown = SEEDS.map((seed) => eveningOf(seed, 0).sources);
      running = await startOn(topology, { ...RULES, SOURCES: JSON.stringify(Object.assign({}, ...shown)) });
      doors = await EveningDoors.open(running);
      const startMs = Date.now() + PREPARATION_MS;
      for (const seed of SEEDS) {
        const plan = eveningOf(seed, startMs);
        evenings.set(seed, { plan, oracle: new Oracle(plan) });
      }
      const night = new Night(running, doors, [...evenings.values()], variant);
      seen = await watchCoins(running.environment['DATABASE_URL'] ?? '', () => night.play());
      tracesOf = await tracesIn(running);
    }, 240_000);

    afterAll(() => running.end(), 60_000);

    const eveningOfSeed = (seed: number): Evening & { traces: Traces } => {
      const { plan, oracle } = evenings.get(seed) as Evening;
      return { plan, oracle, traces: tracesOf(plan.prefix) };
    };

    test('each comes to what the oracle counts, to the unit', async () => {
      const books = await Promise.all(
        SEEDS.map(async (seed) => {
          const { oracle, traces } = eveningOfSeed(seed);
          return { observed: [seed, await observedBooks(traces, doors)], counted: [seed, oracle.books()] };
        }),
      );
      expect(books.map(({ observed }) => observed)).toEqual(books.map(({ counted }) => counted));
    }, 60_000);

    test('coins sold are coins held, spent and refunded, and the lots on gifts are what gifts cost', async () => {
      for (const seed of SEEDS) {
        const { traces } = eveningOfSeed(seed);
        for (const { sold, held, spent, refunded } of Object.values((await observedBooks(traces, doors)).lots))
          expect(held + spent + refunded).toBe(sold);
        for (const { type, data } of traces.events)
          if (type === 'carat.gift.sent.v1' && data.funding.kind === 'wallet')
            expect(data.funding.lots.reduce((all: number, { coins }: { coins: number }) => all + coins, 0)).toBe(
              data.coins,
            );
      }
    });

    test('at every moment of the night no coin was missing and none was there twice', () => {
      expect(seen.wrong).toBe(0);
      expect(seen.whileHeld).toBeGreaterThan(3);
    });

    test('what stands of a gift is what no reversal took, and what stands of its lots', async () => {
      const [{ wrong }] = (await running.db.query(`
        WITH said AS (SELECT convert_from(value, 'UTF8')::jsonb AS value FROM journal.log_record
                      WHERE topic = 'gift.events.v1'),
             taken AS (SELECT value#>>'{data,giftId}' AS gift_id, sum((value#>>'{data,coinsBefore}')::bigint
                              - (value#>>'{data,coinsAfter}')::bigint) AS coins
                       FROM said WHERE value->>'type' = 'carat.gift.reversed.v1' GROUP BY 1),
             paid AS (SELECT gift_id, sum(coins_standing) AS coins FROM gift.payment GROUP BY 1)
        SELECT count(*)::int AS wrong FROM gift.gift g LEFT JOIN paid p USING (gift_id)
        LEFT JOIN taken t ON t.gift_id = g.data->>'giftId'
        WHERE g.coins_standing <> g.coins - coalesce(t.coins, 0) OR p.coins <> g.coins_standing
           OR (p.coins IS NULL) <> (g.data#>>'{funding,kind}' = 'external')`)) as [{ wrong: number }];
      expect(wrong).toBe(0);
    });

    test('an audit proves all of it, the lots of the viewers among it', async () => {
      expect(await auditOf(running.environment)).toEqual(PROVEN);
    }, 60_000);

    test('every balance and every residue is back at zero where everything was reversed', async () => {
      const reversed = SEEDS.map(eveningOfSeed).filter(({ plan }) =>
        plan.steps.some(({ kind }) => kind === 'reverse everything'),
      );
      expect(reversed).toHaveLength(Math.floor(EVENINGS / 5));
      for (const { traces } of reversed)
        for (const books of Object.values((await observedBooks(traces, doors)).creators)) {
          expect(books).toMatchObject({ reversed: books.earned, available: 0n, recoverable: 0n, residue: ZERO });
          expect(books.earned).toBeGreaterThan(0n);
        }
    });
  },
);
