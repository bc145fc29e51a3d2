import type { Topic } from '@carat/events';
import { FlowHalted, type RawBatch } from '../event-log.js';
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
      if (position < first)
        throw new FlowHalted(`${topic}/${partition} begins at ${first}, past ${position}: what was before is gone`);
      if (end > next) throw new FlowHalted(`${topic}/${partition} ends at ${next}, before ${end}`);
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
 * before is looked at, and nothing else waits in memory: records are made of what was fetched when it is their turn.
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
      const parts = (await fetched).map((each, index) => partOf(chosen[index] as Stretch, each));
      coming = begin();
      for (const part of parts) yield await batchOf(part);
    }
  } finally {
    await fetches.close();
  }
}

interface Coming {
  readonly chosen: readonly Stretch[];
  readonly fetched: Promise<readonly Fetched[]>;
}

/** What was fetched of a stretch, and up to where that is read. */
interface Part {
  readonly stretch: Stretch;
  readonly fetched: Fetched;
  readonly nextOffset: bigint;
}

/** A stretch's next part; the stretch is then read up to its end. */
function partOf(stretch: Stretch, fetched: Fetched): Part {
  const { position, end } = stretch;
  stretch.position = fetched.nextOffset;
  if (stretch.position > end) stretch.position = end;
  stretch.passed = stretch.position - position;
  return { stretch, fetched, nextOffset: stretch.position };
}

async function batchOf({ stretch, fetched, nextOffset }: Part): Promise<RawBatch> {
  const { topic, partition, end } = stretch;
  const records = await fetched.records();
  return {
    topic: topic as Topic,
    partition,
    records: fetched.nextOffset > end ? records.filter(({ offset }) => offset < end) : records,
    nextOffset,
    heartbeat: async () => undefined,
  };
}
