import { type Coins, coins } from '@carat/amounts';
import { caused, type EventOf } from '@carat/events';
import { GIFT_SOURCE } from '../gift-source.js';

// ---- events ----

/** A gift type as it is sold in a market from a moment on: the data of the event that said so. */
export type GiftType = EventOf<'carat.gift-type.changed.v1'>['data'];

// ---- state ----

interface Offer {
  readonly type: GiftType;
  readonly price: Coins;
  readonly fromMs: number;
}

/** It answers for any time that it covers, so a replay can use it. */
export interface Catalogue {
  /** Every gift type there ever was, by id, the latest begin first. */
  readonly offers: ReadonlyMap<string, readonly Offer[]>;
  /** No change that is not in here can begin before this time, so whatever is earlier has its final price. */
  readonly completeUntilMs: number;
}

/** A catalogue of which nothing has been read: it prices nothing. */
export const unreadCatalogue: Catalogue = { offers: new Map(), completeUntilMs: -Infinity };

/** Changes of gift types, in the order of their events, as a catalogue that lacks none. */
export const catalogueOf = (types: readonly GiftType[]): Catalogue =>
  withChanges({ ...unreadCatalogue, completeUntilMs: Infinity }, types);

/**
 * The catalogue after more changes, in the order of the events of each gift type. Of two that begin together in one
 * market the later stands.
 */
export function withChanges(catalogue: Catalogue, types: readonly GiftType[]): Catalogue {
  const offers = new Map(catalogue.offers);
  for (const type of types) {
    const offer = { type, price: coins(type.coins), fromMs: Date.parse(type.effectiveFrom) };
    const isReplaced = (of: Offer): boolean => of.fromMs === offer.fromMs && of.type.market === type.market;
    const others = (offers.get(type.giftTypeId) ?? []).filter((of) => !isReplaced(of));
    offers.set(
      type.giftTypeId,
      [...others, offer].sort((a, b) => b.fromMs - a.fromMs),
    );
  }
  return { ...catalogue, offers };
}

// ---- questions ----

/**
 * What one gift of a type costs in a market at a time, or why it cannot be had. An entry for the market itself beats
 * the one for `*`, also when it only says that the type is not on sale there. Where the catalogue may still change
 * there is no price: that time is still to come.
 */
export function priceAt(
  catalogue: Catalogue,
  giftTypeId: string,
  market: string,
  timeMs: number,
): Coins | 'unknown_gift_type' | 'gift_type_not_on_sale' | 'gift_time_in_future' {
  if (!catalogue.offers.has(giftTypeId)) return 'unknown_gift_type';
  const offer = offerAt(catalogue, giftTypeId, market, timeMs);
  if (offer?.type.onSale !== true) return 'gift_type_not_on_sale';
  return timeMs < catalogue.completeUntilMs ? offer.price : 'gift_time_in_future';
}

/** True when a gift type may be sent in a streak in a market at a time. */
export const isStreakableAt = (catalogue: Catalogue, giftTypeId: string, market: string, timeMs: number): boolean =>
  offerAt(catalogue, giftTypeId, market, timeMs)?.type.streakable === true;

const offerAt = (catalogue: Catalogue, giftTypeId: string, market: string, timeMs: number): Offer | undefined =>
  inForce(catalogue.offers.get(giftTypeId) ?? [], market, timeMs);

const inForce = (offers: readonly Offer[], market: string, timeMs: number): Offer | undefined =>
  begunIn(offers, market, timeMs) ?? begunIn(offers, '*', timeMs);

const begunIn = (offers: readonly Offer[], market: string, timeMs: number): Offer | undefined =>
  offers.find(({ type, fromMs }) => type.market === market && fromMs <= timeMs);

/** The entry of the very market that holds at a time; what `*` says there is not asked. */
export const entryAt = (
  catalogue: Catalogue,
  giftTypeId: string,
  market: string,
  timeMs: number,
): GiftType | undefined => begunIn(catalogue.offers.get(giftTypeId) ?? [], market, timeMs)?.type;

/** Which entries are asked for. */
export interface EntriesFilter {
  /** As sold in this market: the entries of the market itself, and those of `*`. */
  readonly market?: string | undefined;
  /** Only those in force at this time: one per gift type and market, or one per gift type of a market asked for. */
  readonly atMs?: number | undefined;
}

/** The entries asked for, ordered by gift type, market and time: the order in which the catalogue is listed. */
export const entriesOf = (catalogue: Catalogue, filter: EntriesFilter = {}): readonly GiftType[] =>
  [...catalogue.offers.values()]
    .flatMap((offers) => asked(offers, filter).map(({ type }) => type))
    .sort((a, b) => compareTexts(orderOf(a), orderOf(b)));

function asked(offers: readonly Offer[], { market, atMs }: EntriesFilter): readonly Offer[] {
  if (atMs === undefined)
    return offers.filter(({ type }) => market === undefined || type.market === market || type.market === '*');
  if (market !== undefined) return [inForce(offers, market, atMs)].filter((offer) => offer !== undefined);
  return offers.filter((offer) => begunIn(offers, offer.type.market, atMs) === offer);
}

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

// ---- seeds ----

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
