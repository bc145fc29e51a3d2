import { coins as coinsOf, type Fraction, minus, subtractFractions, toEvent } from '@carat/amounts';
import { Unhandleable } from '@carat/event-log';
import { caused, creditIdOf, type Event, type EventOf, isGiftId, type RateOnEvent, uuidOf } from '@carat/events';
import { CONVERSION_SOURCE } from '../conversion-source.js';
import { type Rate, type RateBook, rateInForce } from '../rate-book/rate-book.js';
import { type Worth, worth } from './worth.js';

export type GiftEvent = Event<'gift.events.v1'>;
type DiamondEvent = Event<'diamond.events.v1'>;

/** When the gift that an event is about was given, in milliseconds: its rate follows from this. None: it needs none. */
export function givenAtMs(gift: GiftEvent): number | undefined {
  switch (gift.type) {
    case 'carat.gift.sent.v1':
      return Date.parse(gift.time);
    case 'carat.gift.reversed.v1':
      return Date.parse(gift.data.giftSentAt);
    case 'carat.gift.refused.v1':
    case 'carat.streak.closed.v1':
      return undefined;
    default:
      return gift satisfies never;
  }
}

/** The gift whose diamonds an event credits or takes back. None: it moves no diamonds. */
export function convertedGiftId(gift: GiftEvent): string | undefined {
  switch (gift.type) {
    case 'carat.gift.sent.v1':
    case 'carat.gift.reversed.v1':
      return gift.data.giftId;
    case 'carat.gift.refused.v1':
    case 'carat.streak.closed.v1':
      return undefined;
    default:
      return gift satisfies never;
  }
}

/**
 * What a gift is worth to its creator at the rate in force when it was given. Conversion, audit and what-if run this
 * very function.
 * @throws Unhandleable `future_dated`, `no_rate_in_force`, `malformed_gift_id`, `malformed_reversal_id`,
 * `reversal_adds_coins`; AmountTooLarge
 */
export function creditDiamonds(gift: GiftEvent, rates: RateBook): DiamondEvent[] {
  switch (gift.type) {
    case 'carat.gift.sent.v1':
      return [credit(gift, rates)];
    case 'carat.gift.reversed.v1':
      return [reversal(gift, rates)];
    case 'carat.gift.refused.v1':
    case 'carat.streak.closed.v1':
      return [];
    default:
      return gift satisfies never;
  }
}

function credit(gift: EventOf<'carat.gift.sent.v1'>, rates: RateBook): DiamondEvent {
  const { giftId, creatorId, coins, market, context } = gift.data;
  if (!isGiftId(giftId)) throw new Unhandleable('malformed_gift_id', `${giftId} is not a gift's id`);
  const rate = rateInForce(rates, 'gift-to-diamond', market, Date.parse(gift.time));
  const creditId = creditIdOf(giftId);
  const { millidiamonds, rate: onEvent, residue } = pricedAt(coins, rate);
  return caused(gift, {
    type: 'carat.diamonds.credited.v1',
    // One credit per gift: the id comes from the gift, so a gift that arrives under a second event id changes nothing.
    id: uuidOf(creditId),
    source: CONVERSION_SOURCE,
    subject: creatorId,
    // Member by member: this is done for every gift there is.
    data: { creditId, creatorId, giftId, coins, millidiamonds, rate: onEvent, residue, context },
  });
}

function reversal(gift: EventOf<'carat.gift.reversed.v1'>, rates: RateBook): DiamondEvent {
  const { reversalId, giftId, creatorId, coinsBefore, coinsAfter, giftSentAt, market, reason } = gift.data;
  if (!REVERSAL_ID.test(reversalId))
    throw new Unhandleable('malformed_reversal_id', `${reversalId} is not a reversal's id`);
  if (coinsAfter > coinsBefore)
    throw new Unhandleable('reversal_adds_coins', `${reversalId} goes from ${coinsBefore} to ${coinsAfter} coins`);
  const rate = rateInForce(rates, 'gift-to-diamond', market, Date.parse(giftSentAt));
  const before = worth(coinsOf(coinsBefore), rate);
  const after = worth(coinsOf(coinsAfter), rate);
  return caused(gift, {
    type: 'carat.diamonds.reversed.v1',
    id: uuidOf(reversalId),
    source: CONVERSION_SOURCE,
    subject: creatorId,
    data: {
      reversalId,
      creatorId,
      giftId,
      coins: coinsBefore - coinsAfter,
      ...priced(difference(before, after), rate),
      reason,
    },
  });
}

const REVERSAL_ID = /^rev_[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Not the worth of the difference: so a gift that is reversed piece by piece adds up to its credit exactly. */
const difference = (before: Worth, after: Worth): Worth => ({
  millidiamonds: minus(before.millidiamonds, after.millidiamonds),
  residue: subtractFractions(before.residue, after.residue),
});

/** What an event says of diamonds that are worth coins: the whole proof, so that nothing is looked up again (law 3). */
interface Priced {
  readonly millidiamonds: number;
  readonly rate: RateOnEvent;
  readonly residue: { readonly numerator: number; readonly denominator: number };
}

const priced = ({ millidiamonds, residue }: Worth, { id, numerator, denominator, rounding }: Rate): Priced => ({
  millidiamonds: toEvent(millidiamonds),
  rate: { id, numerator, denominator, rounding },
  residue: fractionOnEvent(residue),
});

// Of each rate, what the first thousand sums of coins come to: gifts have few prices, and an exact fraction is dear.
const priceLists = new WeakMap<Rate, Map<number, Priced>>();
const LONGEST_LIST = 1_000;

/** What coins are worth at a rate, as an event says it. @throws AmountTooLarge */
function pricedAt(coins: number, rate: Rate): Priced {
  let list = priceLists.get(rate);
  if (list === undefined) {
    list = new Map();
    priceLists.set(rate, list);
  }
  const known = list.get(coins);
  if (known !== undefined) return known;
  const found = priced(worth(coinsOf(coins), rate), rate);
  if (list.size < LONGEST_LIST) list.set(coins, found);
  return found;
}

// A residue is smaller than one, and its denominator divides the rate's: both fit a JSON integer because the rate did.
const fractionOnEvent = ({ numerator, denominator }: Fraction): { numerator: number; denominator: number } => ({
  numerator: Number(numerator),
  denominator: Number(denominator),
});
