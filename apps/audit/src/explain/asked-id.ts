import { timeOfId } from '@carat/events';

const KIND_OF_PREFIX = {
  gft: 'gift',
  crd: 'credit',
  rev: 'reversal',
  rdm: 'redemption',
  adj: 'adjustment',
  awd: 'award',
} as const;

/** What can be explained, by its id. The id of a payout is that of its redemption; `event` is any event's own. */
export type AskedKind = (typeof KIND_OF_PREFIX)[keyof typeof KIND_OF_PREFIX] | 'event';

export interface AskedId {
  readonly id: string;
  readonly kind: AskedKind;
  /** The bare UUID: of a credit, a reversal and an adjustment it is the id of the event, too. */
  readonly uuid: string;
  /** The time in milliseconds that the id begins with. */
  readonly timeMs: number;
}

/** What `askedIdOf` takes, in words. */
export const EXPLAINED_IDS =
  'gft_, crd_, rev_, rdm_, adj_ or awd_ and a UUID of version 8 in lower case, or the UUID of an event alone';

const ID = /^(?:([a-z]{3})_)?([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;

/** An id as it is asked about, or undefined for a text that is none that can be explained. */
export function askedIdOf(text: string): AskedId | undefined {
  const [, prefix, uuid] = ID.exec(text) ?? [];
  if (uuid === undefined) return undefined;
  const kind = prefix === undefined ? 'event' : (KIND_OF_PREFIX as Partial<Record<string, AskedKind>>)[prefix];
  return kind && { id: text, kind, uuid, timeMs: timeOfId(uuid) };
}
