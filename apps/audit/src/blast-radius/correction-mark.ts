import { type KnownBad, knownBadOf, type Stretch, writtenOf } from './known-bad.js';

/**
 * What a correction makes good: every gift of which a record is in what was known bad, or gifts by their ids. An event
 * has no field for it, so it is in the reason, which people read and approve: `[correction of 2026-11-20T19:00:00.000Z
 * to 2026-11-20T20:00:00.000Z]`, of two positions likewise, or `[correction of gft_… gft_…]`.
 */
export type Scope = { readonly knownBad: KnownBad } | { readonly giftIds: readonly string[] };

const GIFT = 'gft_[0-9a-f-]{36}';
const GIFTS_MARK = new RegExp(String.raw`\[correction of (${GIFT}(?: ${GIFT})*)\]`);
const WINDOW_MARK = /\[correction of (\S{1,64}) to (\S{1,64})\]/;

/** The mark as it stands in a reason. */
export const markOf = (knownBad: KnownBad): string => {
  const { from, to } = writtenOf(knownBad);
  return `[correction of ${from} to ${to}]`;
};

/** What a reason says is made good; undefined where it says nothing of the kind. */
export function scopeIn(reason: string): Scope | undefined {
  const [, giftIds] = GIFTS_MARK.exec(reason) ?? [];
  if (giftIds !== undefined) return { giftIds: giftIds.split(' ') };
  const [, from, to] = WINDOW_MARK.exec(reason) ?? [];
  const written = from === undefined || to === undefined ? undefined : knownBadOf(from, to);
  return written !== undefined && 'knownBad' in written ? written : undefined;
}

/** True for a record in one of the stretches. */
export const isIn = (
  stretches: readonly Stretch[],
  at: { readonly topic: string; readonly partition: number; readonly offset: bigint },
): boolean =>
  stretches.some(
    ({ topic, partition, from, to }) =>
      topic === at.topic && partition === at.partition && from <= at.offset && at.offset < to,
  );
