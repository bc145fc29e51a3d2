import { hash } from 'node:crypto';
import type { Topic } from '@carat/events';
import type { ParkingFlow, Poison, Recorded } from './event-log.js';

/** The record behind which the others of its key wait. */
export interface Parked {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

const LONGEST_READABLE_KEY = 200;

/**
 * The key that a record waits behind, as it is kept: readable where Postgres takes it as text and in an index, hashed
 * where it would not. Else a record of upstream's could never be set aside.
 */
export function parkKeyOf<F extends Topic>(flow: ParkingFlow<F>, event: Recorded<F>): string | undefined {
  const key = flow.parkBy?.(event);
  if (key === undefined) return undefined;
  const isReadable = key.length <= LONGEST_READABLE_KEY && key.isWellFormed() && !/\p{Cc}/u.test(key);
  return isReadable ? key : `sha256:${hash('sha256', Buffer.from(key, 'utf16le'), 'hex')}`;
}

/** The keys of some records, each once. */
export const parkKeysOf = <F extends Topic>(flow: ParkingFlow<F>, events: readonly Recorded<F>[]): string[] => [
  ...new Set(events.flatMap((event) => parkKeyOf(flow, event) ?? [])),
];

/** What is to be handled, and what waits behind a dead letter of its key, in the words of its own dead letter. */
export function holdBack<F extends Topic>(
  flow: ParkingFlow<F>,
  events: readonly Recorded<F>[],
  parked: ReadonlyMap<string, Parked>,
): { readonly free: readonly Recorded<F>[]; readonly waiting: readonly Poison[] } {
  if (parked.size === 0) return { free: events, waiting: [] };
  const free: Recorded<F>[] = [];
  const waiting: Poison[] = [];
  for (const event of events) {
    const key = parkKeyOf(flow, event);
    const first = key === undefined ? undefined : parked.get(key);
    if (first === undefined) {
      free.push(event);
      continue;
    }
    const { topic, partition, offset } = first;
    const detail = `waits for the parked key ${key}: ${topic}/${partition}/${offset} is a dead letter`;
    waiting.push({ position: event.position, code: 'waits_for_parked_key', detail });
  }
  return { free, waiting };
}

/** A step handled records together with the one before them that they must wait for. */
export class HandledTooEarly extends Error {
  constructor() {
    super('the step handled records of a key after a record of that key which it named as poison');
  }
}

/**
 * The records that a step named as poison.
 * @throws HandledTooEarly when one of them has successors of its key in the part: nothing of that call may be kept, and
 * the halves of the part are handled apart, until the poison is the last of its key.
 */
export function poisonAmong<F extends Topic>(
  flow: ParkingFlow<F>,
  handled: readonly Recorded<F>[],
  poison: readonly Poison[],
): readonly Recorded<F>[] {
  if (poison.length === 0) return [];
  const offsets = new Set(poison.map(({ position }) => position.offset));
  const keys = new Set<string>();
  return handled.filter((event) => {
    const key = parkKeyOf(flow, event);
    if (key !== undefined && keys.has(key)) throw new HandledTooEarly();
    const isPoison = offsets.has(event.position.offset);
    if (isPoison && key !== undefined) keys.add(key);
    return isPoison;
  });
}

/** The keys that dead records park. One whose key cannot be told, because `parkBy` threw at it, parks nothing. */
export function keysParkedBy<F extends Topic>(
  flow: ParkingFlow<F>,
  dead: readonly Recorded<F>[],
): ReadonlyMap<string, Parked> {
  const parked = new Map<string, Parked>();
  for (const event of dead) {
    let key: string | undefined;
    try {
      key = parkKeyOf(flow, event);
    } catch {
      continue;
    }
    if (key !== undefined && !parked.has(key)) parked.set(key, event.position);
  }
  return parked;
}
