import { contentHash, type Topic } from '@carat/events';
import { TIME_EXPECTED, timeMsOf } from '../what-if/draft-rate.js';

/** What is priced, and what it was priced as: the two topics whose records can be known bad. */
export const PRICED = ['gift.events.v1', 'diamond.events.v1'] as const;
export type PricedTopic = (typeof PRICED)[number];
export const isPriced = (topic: Topic | string): topic is PricedTopic => PRICED.some((name) => name === topic);

/** Records of one partition, `[from, to)`. */
export interface Stretch {
  readonly topic: PricedTopic;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** What is known bad: whatever was recorded in `[fromMs, toMs)` by the log's clock, or one stretch. */
export type KnownBad = { readonly fromMs: number; readonly toMs: number } | { readonly stretch: Stretch };

const POSITION = /^([a-z.]+\.v1)\/(\d{1,4})@(\d{1,18})$/;
const POSITION_EXPECTED = 'or a position like diamond.events.v1/3@1200';

/** What two options say is bad, or one sentence that says which of them is wrong. */
export function knownBadOf(from: string, to: string): { knownBad: KnownBad } | { mistake: string } {
  const [fromMs, toMs] = [timeMsOf(from), timeMsOf(to)];
  if (fromMs !== undefined && toMs !== undefined)
    return fromMs < toMs ? { knownBad: { fromMs, toMs } } : { mistake: '--from expects a time before --to' };
  const [begin, end] = [positionOf(from), positionOf(to)];
  if (fromMs === undefined && begin === undefined)
    return { mistake: `--from ${TIME_EXPECTED}, ${POSITION_EXPECTED} of gifts or diamonds` };
  if (toMs === undefined && end === undefined)
    return { mistake: `--to ${TIME_EXPECTED}, ${POSITION_EXPECTED} of gifts or diamonds` };
  if (begin === undefined || end === undefined)
    return { mistake: '--from and --to expect two times, or two positions' };
  if (begin.topic !== end.topic || begin.partition !== end.partition)
    return { mistake: '--from and --to expect positions of one partition' };
  if (begin.offset >= end.offset) return { mistake: '--from expects a position before --to' };
  const { topic, partition } = begin;
  return { knownBad: { stretch: { topic, partition, from: begin.offset, to: end.offset } } };
}

function positionOf(text: string) {
  const [, topic = '', partition, offset] = POSITION.exec(text) ?? [];
  if (!isPriced(topic)) return undefined;
  return { topic, partition: Number(partition), offset: BigInt(offset as string) };
}

/** Both ends as somebody could have written them. */
export function writtenOf(bad: KnownBad): { from: string; to: string } {
  if ('fromMs' in bad) return { from: new Date(bad.fromMs).toISOString(), to: new Date(bad.toMs).toISOString() };
  const { topic, partition, from, to } = bad.stretch;
  return { from: `${topic}/${partition}@${from}`, to: `${topic}/${partition}@${to}` };
}

/** The name of an incident: of what is known bad alone, so that everyone who asks for the same gives the same. */
export const incidentOf = (bad: KnownBad): string =>
  `blast_${contentHash('carat.known-bad', writtenOf(bad)).slice(0, 16)}`;
