import type { Rounding } from '@carat/amounts';
import type { DraftRate } from '../src/what-if/draft-rate.js';
import type { GiftReversed, GiftSent, TestRate } from './gift-log.js';

// The figures of a what-if by other arithmetic: every rate is looked for in a list, every worth is a bigint over one
// denominator, and nothing here is the product's.

type Priced = Pick<TestRate, 'numerator' | 'denominator' | 'rounding'>;

function ratesFor(rates: readonly TestRate[], draft: DraftRate, market: string, timeMs: number): [Priced, Priced] {
  const latest = (of: string): TestRate | undefined => {
    let found: TestRate | undefined;
    for (const rate of rates)
      if (rate.market === of && rate.fromMs <= timeMs && (found === undefined || rate.fromMs >= found.fromMs))
        found = rate;
    return found;
  };
  const exact = market === '*' ? undefined : latest(market);
  const booked = exact ?? latest('*');
  if (booked === undefined) throw new Error('the oracle has no rate');
  const inWindow = draft.fromMs <= timeMs && timeMs < draft.toMs;
  const concerned = draft.market === market || (draft.market === '*' && exact === undefined);
  return [booked, inWindow && concerned ? draft : booked];
}

function rounded(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  const down = dividend / divisor;
  if (dividend === down * divisor || rounding === 'floor') return down;
  if (rounding === 'ceiling') return down + 1n;
  const [toDown, toUp] = [dividend - down * divisor, (down + 1n) * divisor - dividend];
  if (toDown === toUp) return down % 2n === 0n ? down : down + 1n;
  return toDown < toUp ? down : down + 1n;
}

/** Millidiamonds, as a rate rounds. */
export const worth = (coins: number, { numerator, denominator, rounding }: Priced): bigint =>
  rounded(BigInt(coins) * 1000n * BigInt(numerator), BigInt(denominator), rounding);

/** What a creator has, and what the exact worth of that is, in units of 1 / `scale` millidiamonds. */
export interface NaiveSums {
  booked: bigint;
  drafted: bigint;
  exactBooked: bigint;
  exactDrafted: bigint;
}

/** `scale` is a multiple of every denominator. A gift and a reversal count once, by their ids. */
export function naiveWhatIf(
  rates: readonly TestRate[],
  draft: DraftRate,
  events: readonly (GiftSent | GiftReversed)[],
  scale: bigint,
): Map<string, NaiveSums> {
  const known: string[] = [];
  const creators = new Map<string, NaiveSums>();
  for (const { type, time, data } of events) {
    const isSent = type === 'carat.gift.sent.v1';
    const id = isSent ? data.giftId : data.reversalId;
    if (known.includes(id)) continue;
    known.push(id);
    const [before, after, sign] = isSent ? [data.coins, 0, 1n] : [data.coinsBefore, data.coinsAfter, -1n];
    const [booked, drafted] = ratesFor(rates, draft, data.market, Date.parse(isSent ? time : data.giftSentAt));
    const sums = creators.get(data.creatorId) ?? { booked: 0n, drafted: 0n, exactBooked: 0n, exactDrafted: 0n };
    const exact = ({ numerator, denominator }: Priced): bigint =>
      sign * BigInt(before - after) * 1000n * BigInt(numerator) * (scale / BigInt(denominator));
    creators.set(data.creatorId, {
      booked: sums.booked + sign * (worth(before, booked) - worth(after, booked)),
      drafted: sums.drafted + sign * (worth(before, drafted) - worth(after, drafted)),
      exactBooked: sums.exactBooked + exact(booked),
      exactDrafted: sums.exactDrafted + exact(drafted),
    });
  }
  return creators;
}
