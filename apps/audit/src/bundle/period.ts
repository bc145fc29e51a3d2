import type { Offsets } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { Seal } from '../seals/seal.js';

/** The seals of a log from a number on, in their order. */
export type SealSource = (fromNumber: number) => AsyncIterable<Seal>;

/** One end of a period: the number of a seal, or a time in milliseconds. */
export type Mark = { readonly seal: number } | { readonly timeMs: number };

/** What was sealed after the opening seal, up to the closing one. Without an opening seal it is from the begin on. */
export interface Period {
  readonly opening: Seal | undefined;
  readonly closing: Seal;
}

/** There is no such period in the seals; `isMistake`: and never can be. */
export class NoSuchPeriod extends Error {
  constructor(
    message: string,
    readonly isMistake: boolean,
  ) {
    super(message);
  }
}

const NUMBER = /^\d{1,15}$/;

/** `12` is a seal, `2026-11-20` and `2026-11-20T19:00:00Z` are times; undefined for anything else. */
export function markOf(text: string): Mark | undefined {
  if (NUMBER.test(text)) return { seal: Number(text) };
  if (!/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text)) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : { timeMs };
}

const sealedAtMs = ({ content }: Seal): number => Date.parse(content.sealedAt);

/** True for a seal that an opening mark may begin with: its number, or any up to its time. */
const isUpTo = (seal: Seal, mark: Mark): boolean =>
  'seal' in mark ? seal.content.number === mark.seal : sealedAtMs(seal) <= mark.timeMs;

/** True for a seal that reaches a closing mark. */
const reaches = (seal: Seal, mark: Mark): boolean =>
  'seal' in mark ? seal.content.number === mark.seal : sealedAtMs(seal) >= mark.timeMs;

/**
 * The seals of a period: it opens with the last seal up to `from` and closes with the first that reaches `to`, so that
 * a period between two times is covered by whole seals. Without `from` it is from the begin of the log on, without
 * `to` up to the last seal.
 * @throws NoSuchPeriod
 */
export async function periodOf(seals: SealSource, from: Mark | undefined, to: Mark | undefined): Promise<Period> {
  if (from !== undefined && to !== undefined && isAfter(from, to))
    throw new NoSuchPeriod('--from expects what is before --to', true);
  let opening: Seal | undefined;
  let closing: Seal | undefined;
  let last: Seal | undefined;
  for await (const seal of seals(1)) {
    last = seal;
    if (from !== undefined && isUpTo(seal, from)) opening = seal;
    if (to === undefined) closing = seal;
    else if (reaches(seal, to)) {
      closing = seal;
      break;
    }
  }
  if (last === undefined) throw new NoSuchPeriod('nothing is sealed yet', false);
  const end = `the last seal is ${last.content.number}, of ${last.content.sealedAt}`;
  if (from !== undefined && 'seal' in from && from.seal > 0 && opening === undefined)
    throw new NoSuchPeriod(`there is no seal ${from.seal}: ${end}`, false);
  if (closing === undefined) throw new NoSuchPeriod(`no seal reaches up to --to: ${end}`, false);
  return { opening, closing };
}

const isAfter = (from: Mark, to: Mark): boolean =>
  'seal' in from && 'seal' in to ? from.seal > to.seal : 'timeMs' in from && 'timeMs' in to && from.timeMs > to.timeMs;

/** Where a seal ends, in every partition that it knows; the begin of the log without one. */
export function offsetsOf(seal: Seal | undefined): Offsets {
  const offsets: Partial<Record<Topic, bigint[]>> = {};
  for (const { topic, partition, nextOffset } of seal?.content.partitions ?? []) {
    const ofTopic = offsets[topic] ?? [];
    offsets[topic] = ofTopic;
    while (ofTopic.length <= partition) ofTopic.push(0n);
    ofTopic[partition] = BigInt(nextOffset);
  }
  return offsets;
}

/** The topics that a seal knows. */
export const topicsOf = (seal: Seal): Topic[] => [...new Set(seal.content.partitions.map(({ topic }) => topic))];
