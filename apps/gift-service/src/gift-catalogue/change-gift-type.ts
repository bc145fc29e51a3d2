import { caused, contentHash, type EventOf } from '@carat/events';
import { GIFT_SOURCE } from '../gift-source.js';
import { type Catalogue, entryAt, type GiftType } from './catalogue.js';

/** What a gift type is to be in a market. Without `effectiveFrom` (RFC 3339) it begins as soon as it may. */
export type AskedGiftType = Omit<GiftType, 'effectiveFrom' | 'changedBy'> & {
  readonly effectiveFrom?: string | undefined;
};

/** Who asks, and which change of the whole catalogue theirs would be: the two are the cause of its event. */
export interface ChangeRequest {
  readonly principal: string;
  readonly version: number;
  readonly traceparent?: string | undefined;
}

/** The time of the decision, taken under the catalogue's lock, and how long a change is known before it begins. */
export interface ChangeTiming {
  readonly clockMs: number;
  readonly leadMs: number;
}

/** The entry that stands, and the event that says so, none when it stood before; or why it is refused. */
export type ChangeVerdict =
  | { readonly stands: GiftType; readonly event?: EventOf<'carat.gift-type.changed.v1'> }
  | { readonly refused: 'price_starts_too_soon' };

/**
 * Decides on a change, given the entries of its gift type. It begins at least the lead after the clock, so no price
 * that was given ever changes; until then another change of the same moment takes its place. What is so already is no
 * change: an entry of that moment with the same content, or, where no moment is named, one that holds when the change
 * could begin.
 */
export function changeGiftType(
  catalogue: Catalogue,
  asked: AskedGiftType,
  { principal, version, traceparent }: ChangeRequest,
  { clockMs, leadMs }: ChangeTiming,
): ChangeVerdict {
  const { effectiveFrom, ...content } = asked;
  const earliestMs = clockMs + leadMs;
  const fromMs = effectiveFrom === undefined ? earliestMs : Date.parse(effectiveFrom);
  const type = { ...content, effectiveFrom: new Date(fromMs).toISOString(), changedBy: principal };
  const before = entryAt(catalogue, asked.giftTypeId, asked.market, fromMs);
  const isOfThatMoment = before?.effectiveFrom === type.effectiveFrom;
  if (before !== undefined && (isOfThatMoment || effectiveFrom === undefined) && isSameContent(before, type))
    return { stands: before };
  if (fromMs < earliestMs) return { refused: 'price_starts_too_soon' };
  const cause = {
    source: principal,
    id: `gift-catalogue/${version}`,
    time: new Date(clockMs).toISOString(),
    traceparent,
  };
  const own = { type: 'carat.gift-type.changed.v1', source: GIFT_SOURCE, subject: asked.giftTypeId } as const;
  return { stands: type, event: caused(cause, { ...own, data: type }) };
}

const isSameContent = (a: GiftType, b: GiftType): boolean => hashOf(a) === hashOf(b);

const hashOf = ({ effectiveFrom, changedBy, ...content }: GiftType): string =>
  contentHash('carat.gift-type.changed.v1', content);
