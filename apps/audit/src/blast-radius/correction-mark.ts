import type { Stretch } from './known-bad.js';

/**
 * What a correction makes good: every gift of which a record stands in one of the stretches, and gifts by their ids. An
 * event has no field for it, so it is in the reason, which people read and approve: `[correction of
 * gift.events.v1/3@10-20 diamond.events.v1/3@5-9]`, or `[correction of gft_…]`.
 */
export interface Scope {
  readonly stretches: readonly Stretch[];
  readonly giftIds: readonly string[];
}

const STRETCH = String.raw`(?:gift|diamond)\.events\.v1/\d{1,4}@\d{1,18}-\d{1,18}`;
const ITEM = `(?:${STRETCH}|gft_[0-9a-f-]{36})`;
const MARK = new RegExp(String.raw`\[correction of (${ITEM}(?: ${ITEM})*)\]`, 'g');

/** The mark as it stands in a reason. */
export const markOf = ({ stretches, giftIds }: Scope): string =>
  `[correction of ${[...stretches.map(textOf), ...giftIds].join(' ')}]`;

const textOf = ({ topic, partition, from, to }: Stretch): string => `${topic}/${partition}@${from}-${to}`;

/** What a reason says is made good; undefined where it says nothing of the kind. */
export function scopeIn(reason: string): Scope | undefined {
  const items = [...reason.matchAll(MARK)].flatMap(([, of = '']) => of.split(' '));
  if (items.length === 0) return undefined;
  const giftIds = items.filter((item) => item.startsWith('gft_'));
  const stretches = items.filter((item) => !item.startsWith('gft_')).map(stretchOf);
  return { stretches, giftIds };
}

function stretchOf(text: string): Stretch {
  const [topic, partition, from, to] = text.split(/[/@-]/) as [Stretch['topic'], string, string, string];
  return { topic, partition: Number(partition), from: BigInt(from), to: BigInt(to) };
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
