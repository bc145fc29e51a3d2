import { type RawBatch, Unhandleable } from './event-log.js';
import { type Fault, faultOf, judge } from './fault.js';

export const RECORDS_IN_A_PART = 1000;

/** A run of records of one partition, handled as one. `nextOffset` is where its reader goes on. */
export interface Part extends Pick<RawBatch, 'topic' | 'partition' | 'records' | 'nextOffset'> {
  /** Tries that count as made at what comes after it: it was handled with care, and the care goes on. */
  readonly keptTries?: number;
}

/** Handles a part whole; with a fault, its only record is dead-lettered instead. */
export type Handle = (part: Part, fault?: Fault) => Promise<void>;

const between = (part: Part, from: number, to: number): Part => {
  const next = part.records[to];
  return {
    ...part,
    records: part.records.slice(from, to),
    nextOffset: next === undefined ? part.nextOffset : next.offset,
  };
};

/** The first `count` records of a part, and what is left of it, if anything is. */
export const split = (part: Part, count: number): [first: Part, rest: Part | undefined] =>
  part.records.length <= count
    ? [part, undefined]
    : [between(part, 0, count), between(part, count, part.records.length)];

/** The same records in parts of at most `size`. A part without records stays: its offset still moves. */
export function chunk(part: Part, size: number): Part[] {
  if (part.records.length <= size) return [part];
  const parts: Part[] = [];
  for (let at = 0; at < part.records.length; at += size)
    parts.push(between(part, at, Math.min(at + size, part.records.length)));
  return parts;
}

/**
 * Handles a part; when it fails on something that may be a record's fault, handles its halves, in order, until the
 * record at fault stands alone. It costs one good batch 2·log₂(n) tries, and nobody else's records are touched.
 */
export async function halve(part: Part, handle: Handle): Promise<void> {
  try {
    await handle(part);
  } catch (error) {
    if (judge(error) !== 'look_closer' || part.records.length === 0) throw error;
    if (part.records.length === 1) return setAside(part, handle, error);
    const middle = Math.ceil(part.records.length / 2);
    await halve(between(part, 0, middle), handle);
    await halve(between(part, middle, part.records.length), handle);
  }
}

/**
 * Dead-letters the one record of a part. A fault that the step did not state itself must show twice: the world may have
 * failed in words that nobody knew.
 */
async function setAside(alone: Part, handle: Handle, error: unknown): Promise<void> {
  if (error instanceof Unhandleable) return handle(alone, faultOf(error));
  try {
    await handle(alone);
  } catch (again) {
    if (judge(again) !== 'look_closer') throw again;
    await handle(alone, faultOf(again));
  }
}
