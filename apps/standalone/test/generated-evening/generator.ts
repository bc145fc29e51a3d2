import { type Dice, diceOf } from './dice.js';
import {
  FIRST_PRICES,
  type Plan,
  type PlannedPrice,
  type PlannedRate,
  type Purchase,
  type Request,
  type Reversal,
  type Step,
} from './plan.js';
import { type Pair, type Stage, Threads } from './threads.js';

const EVENING_MS = 4_000;
const CREATORS = 4;
const LOT_SIZES = [1, 5, 10, 25, 60, 150, 400, 700];
// Diamonds per coin: all of them leave something over, and one is worth next to nothing.
const FRACTIONS = [
  [1, 3],
  [3, 7],
  [2, 3],
  [5, 13],
  [7, 9],
  [11, 6],
  [1, 1001],
] as const;
const REVERSES_EVERYTHING = 5;
const MARKETS = 6;

/**
 * The evening of a seed. Gift times lie between `startMs`, which its rates and prices need to be known before, and four
 * seconds later. Every fifth evening is taken back as a whole in the end.
 */
export function eveningOf(seed: number, startMs: number): Plan {
  const dice = diceOf(seed);
  const prefix = `eve-${seed}-`;
  const stage = stageOf(dice, prefix, ratesOf(seed, startMs));
  const { sources } = stage;
  const pairs = pairsOf(dice, prefix);
  const threads = new Threads(stage);
  const shop = new Shop(dice, prefix);
  const requests = (waves: Request[][], awaitStreaks: boolean): Step => ({
    kind: 'requests',
    byCreator: byCreator(dice, waves),
    awaitStreaks,
  });
  const many = (from: number, to: number): Request[][] =>
    pairs.flatMap((pair) => Array.from({ length: dice.int(from, to) }, () => threads.any(pair)));
  const bought = shop.purchases(pairs, 2, 6);
  const first = many(4, 7);
  const second = [...threads.lost.splice(0).map((streak) => threads.late(streak)), ...many(0, 1)];
  const reversals = [...shop.refunds(bought, 30), ...moderationsOf(dice, prefix, [...first, ...second].flat())];
  const boughtLater = shop.purchases(pairs, 0, 2);
  const third = many(1, 3);
  const refundsLater = shop.refunds([...bought, ...boughtLater], 20);
  return {
    seed,
    prefix,
    startMs,
    endMs: stage.endMs,
    sources: {
      [sources.open]: { attestExternal: true },
      [sources.capped]: { attestExternal: true, dailyCoinCap: dice.int(10, 400) },
      [sources.quiet]: { attestExternal: false },
    },
    rates: ratesOf(seed, startMs),
    prices: stage.prices,
    steps: [
      { kind: 'purchases', purchases: bought },
      requests(first, true),
      requests(second, true),
      { kind: 'reversals', reversals: dice.shuffled(reversals) },
      { kind: 'purchases', purchases: boughtLater },
      // Streaks that are open then meet the refunds of coins that they hold.
      requests(third, false),
      { kind: 'reversals', reversals: dice.shuffled(refundsLater) },
      ...(seed % REVERSES_EVERYTHING === 0 ? [{ kind: 'reverse everything' } as const] : []),
    ],
  };
}

/** Three rates, one after another. Every sixth evening is in the same market: they share rates and nothing else. */
function ratesOf(seed: number, startMs: number): PlannedRate[] {
  const market = seed % MARKETS;
  const dice = diceOf(market);
  const startsMs = [startMs, startMs + dice.int(500, 1500), startMs + dice.int(1600, 3500)];
  return dice
    .shuffled(FRACTIONS)
    .slice(0, startsMs.length)
    .map(([numerator, denominator], index) => {
      return { market: `eve-market-${market}`, numerator, denominator, fromMs: startsMs[index] ?? startMs };
    });
}

function stageOf(dice: Dice, prefix: string, rates: readonly PlannedRate[]): Stage {
  const market = rates[0]?.market ?? '*';
  const changesMs = rates.map(({ fromMs }) => fromMs);
  const [one = 0, two = 0, three = 0] = changesMs;
  const startMs = one;
  const [drum, whistle] = [`${prefix}drum`, `${prefix}whistle`];
  const price = (giftTypeId: string, of: string, coins: number, fromMs: number, onSale = true): PlannedPrice => ({
    giftTypeId,
    market: of,
    coins,
    streakable: true,
    onSale,
    fromMs,
  });
  return {
    dice,
    prefix,
    market,
    startMs,
    endMs: startMs + EVENING_MS,
    changesMs,
    prices: [
      price(drum, '*', 3, one),
      price(drum, '*', 4, two),
      price(drum, market, 6, three),
      price(whistle, '*', 2, one),
      price(whistle, '*', 2, three, false),
    ],
    cheap: ['rose', 'team-bracelet', 'finger-heart', 'coffee', 'perfume', drum],
    dear: ['money-gun', 'lion', 'universe'],
    streakable: ['rose', 'team-bracelet', 'finger-heart', 'coffee', drum, whistle],
    notStreakable: 'money-gun',
    seasonal: whistle,
    offSaleFromMs: three,
    sources: {
      open: `/${prefix}live`,
      capped: `/${prefix}capped`,
      quiet: `/${prefix}quiet`,
      stranger: `/${prefix}stranger`,
    },
    cappedCreatorId: `${prefix}creator-0`,
  };
}

const pairsOf = (dice: Dice, prefix: string): Pair[] =>
  Array.from({ length: CREATORS }, (_, creator) =>
    Array.from({ length: dice.int(1, 4) }, (_, viewer) => ({
      viewerId: `${prefix}viewer-${creator}-${viewer}`,
      creatorId: `${prefix}creator-${creator}`,
    })),
  ).flat();

/** The threads of each creator woven into one order. */
const byCreator = (dice: Dice, threads: readonly (readonly Request[])[]): Request[][] =>
  [...Map.groupBy(threads, (thread) => thread[0]?.data.creatorId).values()].map((own) => dice.interleaved(own));

/** Sells coins and takes them back. */
class Shop {
  private sold = 0;

  constructor(
    private readonly dice: Dice,
    private readonly prefix: string,
  ) {}

  purchases(pairs: readonly Pair[], least: number, most: number): Purchase[] {
    const { dice, prefix } = this;
    return pairs.flatMap(({ viewerId }) =>
      Array.from({ length: dice.int(least, most) }, () => {
        this.sold += 1;
        const [source, coins] = [dice.pick(SHOPS), dice.pick(LOT_SIZES)];
        return { source, purchaseId: `${prefix}purchase-${this.sold}`, viewerId, coins };
      }),
    );
  }

  /** Some are asked for twice. */
  refunds(purchases: readonly Purchase[], percent: number): Reversal[] {
    const { dice } = this;
    const refund = ({ viewerId, source, purchaseId }: Purchase): Reversal => {
      return { kind: 'refund', viewerId, source, purchaseId, reason: dice.pick(['refund', 'chargeback'] as const) };
    };
    return purchases.flatMap((purchase) => {
      if (!dice.percent(percent)) return [];
      return dice.percent(15) ? [refund(purchase), refund(purchase)] : [refund(purchase)];
    });
  }
}

/** Who sells coins, on every evening. */
export const SHOPS = ['/eve-shop', '/eve-store'] as const;

/** Takes gifts back, whole and in parts, some more than stands; a refused request has none. */
function moderationsOf(dice: Dice, prefix: string, requests: readonly Request[]): Reversal[] {
  return requests
    .filter(() => dice.percent(13))
    .flatMap(({ source, id, data }, n) =>
      Array.from({ length: dice.int(1, 3) }, (_, part): Reversal => {
        const price = FIRST_PRICES.find(({ giftTypeId }) => giftTypeId === data.giftTypeId)?.coins ?? 4;
        const most = Math.min(price * data.quantity, 10_000_000);
        return {
          kind: 'moderation',
          viewerId: data.senderId,
          reversalId: `${prefix}reversal-${n}-${part}`,
          giftOf: { source, id },
          ...(dice.percent(30) ? {} : { coins: dice.int(1, most) }),
          restore: data.funding.kind === 'wallet' && dice.percent(50),
        };
      }),
    );
}
