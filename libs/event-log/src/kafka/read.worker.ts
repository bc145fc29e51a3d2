import type { Topic } from '@carat/events';
import type { RawBatch } from '../event-log.js';
import { nextAbreast, type Reading } from './abreast.js';
import type { Clients } from './client.worker.js';
import { type Fetched, Fetches } from './fetches.worker.js';
import { extentOf } from './reach.worker.js';

/** Offsets by any topic's name: dead-letter topics are read, too. */
export type NamedOffsets = Readonly<Partial<Record<string, readonly bigint[]>>>;

interface Stretch extends Reading {
  readonly topic: string;
  /** How many offsets the last fetch has passed. */
  passed: bigint;
}

/** The stretches to read. Checks that the log still has their beginnings. */
async function stretchesOf(
  clients: Clients,
  topics: readonly string[],
  from: NamedOffsets,
  to: NamedOffsets,
): Promise<Stretch[]> {
  const stretches: Stretch[] = [];
  for (const [topic, extent] of await extentOf(clients, topics)) {
    for (const [partition, { first, next }] of extent.entries()) {
      const position = from[topic]?.[partition] ?? 0n;
      const end = to[topic]?.[partition] ?? 0n;
      if (position >= end) continue;
      if (position < first) throw new Error(`${topic}/${partition} begins at ${first}, past ${position}`);
      if (end > next) throw new Error(`${topic}/${partition} ends at ${next}, before ${end}`);
      stretches.push({ topic, partition, from: position, position, end, passed: 1n });
    }
  }
  return stretches;
}

// Of one request: each wakes a broker.
const STRETCHES_AT_A_TIME = 4;

/** Which stretches are read next, if each fetch comes as far as the one before. */
function nextOf(lanes: readonly (readonly Stretch[])[]): readonly Stretch[] {
  const chosen: Stretch[] = [];
  for (let next = nextAbreast(lanes); next !== undefined && !chosen.includes(next); next = nextAbreast(lanes)) {
    chosen.push(next);
    next.position += next.passed;
    if (chosen.length === STRETCHES_AT_A_TIME) break;
  }
  for (const stretch of chosen) stretch.position -= stretch.passed;
  return chosen;
}

/**
 * Reads stretches of topics, in order per partition, all of them abreast. The next fetch is under way while the one
 * before is looked at, and nothing else waits in memory.
 */
export async function* readTopics(
  clients: Clients,
  topics: readonly string[],
  from: NamedOffsets,
  to: NamedOffsets,
): AsyncGenerator<RawBatch> {
  const stretches = await stretchesOf(clients, topics, from, to);
  const fetches = new Fetches(clients, [...new Set(stretches.map(({ topic }) => clients.nameOf(topic)))]);
  const lanes = [...Map.groupBy(stretches, ({ partition }) => partition).values()];
  const begin = (): Coming | undefined => {
    const chosen = nextOf(lanes);
    if (chosen.length === 0) return undefined;
    const fetched = fetches.next(
      chosen.map(({ topic, partition, position }) => ({ topic: clients.nameOf(topic), partition, from: position })),
    );
    // Whoever looks at no more records never hears of it.
    fetched.catch(() => undefined);
    return { chosen, fetched };
  };
  try {
    for (let coming = begin(); coming !== undefined; ) {
      const { chosen, fetched } = coming;
      const batches = (await fetched).map((each, index) => batchOf(chosen[index] as Stretch, each));
      coming = begin();
      yield* batches;
    }
  } finally {
    await fetches.close();
  }
}

interface Coming {
  readonly chosen: readonly Stretch[];
  readonly fetched: Promise<readonly Fetched[]>;
}

/** A stretch's next batch; the stretch is then read up to its end. */
function batchOf(stretch: Stretch, { records, nextOffset }: Fetched): RawBatch {
  const { topic, partition, position, end } = stretch;
  stretch.position = nextOffset;
  if (nextOffset > end) stretch.position = end;
  stretch.passed = stretch.position - position;
  return {
    topic: topic as Topic,
    partition,
    records: nextOffset > end ? records.filter(({ offset }) => offset < end) : records,
    nextOffset: stretch.position,
    heartbeat: async () => undefined,
  };
}
