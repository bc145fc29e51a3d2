import type { Event } from '@carat/events';
import type { GiftReversed, GiftSent, TestRate } from './gift-log.js';
import { worth } from './naive-what-if.js';

// Differences by other arithmetic: every rate is looked for in a list, every gift in all events, over and over.

type Diamonds = Event<'diamond.events.v1'>;

function rateOf(rates: readonly TestRate[], market: string, timeMs: number): TestRate {
  const begun = rates.filter(({ fromMs }) => fromMs <= timeMs).sort((a, b) => a.fromMs - b.fromMs);
  const found = begun.findLast((rate) => rate.market === market) ?? begun.findLast((rate) => rate.market === '*');
  if (found === undefined) throw new Error('the oracle has no rate');
  return found;
}

const onceEach = <E extends { readonly id: string }>(events: readonly E[]): E[] =>
  events.filter(({ id }, at) => events.findIndex((other) => other.id === id) === at);

/** What is due to each creator for some gifts, less what stands in the log, in millidiamonds. */
export function naiveDifferences(
  rates: readonly TestRate[],
  gifts: readonly (GiftSent | GiftReversed)[],
  diamonds: readonly Diamonds[],
  isMeant: (giftId: string) => boolean = () => true,
): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  const add = (creatorId: string, amount: bigint) => sums.set(creatorId, (sums.get(creatorId) ?? 0n) + amount);
  for (const { type, time, data } of onceEach(gifts)) {
    if (!isMeant(data.giftId)) continue;
    if (type === 'carat.gift.sent.v1')
      add(data.creatorId, worth(data.coins, rateOf(rates, data.market, Date.parse(time))));
    else {
      const rate = rateOf(rates, data.market, Date.parse(data.giftSentAt));
      add(data.creatorId, worth(data.coinsAfter, rate) - worth(data.coinsBefore, rate));
    }
  }
  for (const { type, data } of onceEach(diamonds)) {
    if (data.giftId === undefined || !isMeant(data.giftId)) continue;
    add(
      data.creatorId,
      type === 'carat.diamonds.reversed.v1' ? BigInt(data.millidiamonds) : -BigInt(data.millidiamonds),
    );
  }
  return sums;
}
