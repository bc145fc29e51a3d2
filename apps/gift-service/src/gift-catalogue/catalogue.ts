import { type Coins, coins } from '@carat/amounts';
import { caused, type EventOf } from '@carat/events';
import { GIFT_SOURCE } from '../gift-source.js';

/** A gift type as it is sold in a market from a moment on: the data of the event that said so. */
export type GiftType = EventOf<'carat.gift-type.changed.v1'>['data'];

interface Offer {
  readonly type: GiftType;
  readonly price: Coins;
  readonly fromMs: number;
}

/** Every gift type there ever was, by id, the latest change first. It answers for any time, so a replay can use it. */
export type Catalogue = ReadonlyMap<string, readonly Offer[]>;

/** Changes of gift types, in any order, as a catalogue. */
export function catalogueOf(types: readonly GiftType[]): Catalogue {
  const catalogue = new Map<string, Offer[]>();
  for (const type of types) {
    const offer = { type, price: coins(type.coins), fromMs: Date.parse(type.effectiveFrom) };
    catalogue.set(type.giftTypeId, [...(catalogue.get(type.giftTypeId) ?? []), offer]);
  }
  for (const offers of catalogue.values()) offers.sort((a, b) => b.fromMs - a.fromMs);
  return catalogue;
}

/**
 * What one gift of a type costs in a market at a time, or why it cannot be had. An entry for the market itself beats
 * the one for `*`, also when it only says that the type is not on sale there.
 */
export function priceAt(
  catalogue: Catalogue,
  giftTypeId: string,
  market: string,
  timeMs: number,
): Coins | 'unknown_gift_type' | 'gift_type_not_on_sale' {
  if (!catalogue.has(giftTypeId)) return 'unknown_gift_type';
  const offer = offerAt(catalogue, giftTypeId, market, timeMs);
  return offer?.type.onSale === true ? offer.price : 'gift_type_not_on_sale';
}

/** True when a gift type may be sent in a streak in a market at a time. */
export const isStreakableAt = (catalogue: Catalogue, giftTypeId: string, market: string, timeMs: number): boolean =>
  offerAt(catalogue, giftTypeId, market, timeMs)?.type.streakable === true;

function offerAt(catalogue: Catalogue, giftTypeId: string, market: string, timeMs: number): Offer | undefined {
  const offers = catalogue.get(giftTypeId) ?? [];
  const inForce = (of: string): Offer | undefined =>
    offers.find(({ type, fromMs }) => type.market === of && fromMs <= timeMs);
  return inForce(market) ?? inForce('*');
}

/** Every entry, ordered by gift type, market and time: the order in which the catalogue is listed. */
export const entriesOf = (catalogue: Catalogue): readonly GiftType[] =>
  [...catalogue.values()]
    .flatMap((offers) => offers.map(({ type }) => type))
    .sort((a, b) => compareTexts(orderOf(a), orderOf(b)));

/** Where an entry stands in the listing. */
export const orderOf = ({ giftTypeId, market, effectiveFrom }: GiftType): readonly string[] => [
  giftTypeId,
  market,
  effectiveFrom,
];

/** Compares two lists of texts by their code units, text by text. */
export function compareTexts(a: readonly string[], b: readonly string[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** What the file of gift types holds per entry; the rest is the same for all that an installation starts with. */
type SeededGiftType = Pick<GiftType, 'giftTypeId' | 'name' | 'coins' | 'tier' | 'animation' | 'streakable'>;

const FROM_THE_BEGINNING = new Date(0).toISOString();

/** The events by which an installation gets its first gift types: on sale everywhere, from 1970 on. */
export const seedEvents = (types: readonly SeededGiftType[]) =>
  types.map(({ giftTypeId, name, coins, tier, animation, streakable }) =>
    caused(
      { source: GIFT_SOURCE, id: `seed:${giftTypeId}`, time: FROM_THE_BEGINNING },
      {
        type: 'carat.gift-type.changed.v1',
        source: GIFT_SOURCE,
        subject: giftTypeId,
        data: {
          giftTypeId,
          name,
          coins,
          tier,
          animation,
          streakable,
          onSale: true,
          market: '*',
          effectiveFrom: FROM_THE_BEGINNING,
          changedBy: 'system:seed',
        } satisfies GiftType,
      },
    ),
  );
