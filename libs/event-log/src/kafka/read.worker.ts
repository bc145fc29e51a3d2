import { randomUUID } from 'node:crypto';
import type { Topic } from '@carat/events';
import type { Consumer } from 'kafkajs';
import type { RawBatch } from '../event-log.js';
import { type Reading, waitingOf } from './abreast.js';
import type { Clients } from './client.worker.js';
import { placeOf, rawRecordOf } from './fetched.js';
import { extentOf } from './reach.worker.js';

const HEARTBEAT_MS = 1000;
const FETCH_WAIT_MS = 100;

/** Offsets by any topic's name: dead-letter topics are read, too. */
export type NamedOffsets = Readonly<Partial<Record<string, readonly bigint[]>>>;

// What a fetch brings of a partition at most, unless one batch of records is larger: all of it is parsed at once.
const BYTES_OF_A_PARTITION = 128 * 1024;

interface Stretch extends Reading {
  readonly topic: string;
}

/** The stretches to read. Checks that the log still has their beginnings. */
async function stretchesOf(
  clients: Clients,
  topics: readonly string[],
  from: NamedOffsets,
  to: NamedOffsets,
): Promise<Map<string, Stretch>> {
  const stretches = new Map<string, Stretch>();
  for (const [topic, extent] of await extentOf(clients, topics)) {
    for (const [partition, { first, next }] of extent.entries()) {
      const position = from[topic]?.[partition] ?? 0n;
      const end = to[topic]?.[partition] ?? 0n;
      if (position >= end) continue;
      if (position < first) throw new Error(`${topic}/${partition} begins at ${first}, past ${position}`);
      if (end > next) throw new Error(`${topic}/${partition} ends at ${next}, before ${end}`);
      stretches.set(placeOf(clients.nameOf(topic), partition), { topic, partition, from: position, position, end });
    }
  }
  return stretches;
}

/** Batches on their way from the client to whoever iterates: one at a time, and the client waits until it is taken. */
class Handover {
  private offered: RawBatch | undefined;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;
  private taken: () => void = () => undefined;

  offer(batch: RawBatch): Promise<void> {
    this.offered = batch;
    this.wake();
    return new Promise((resolve) => {
      this.taken = resolve;
    });
  }

  fail(error: Error): void {
    this.failure = error;
    this.wake();
  }

  /** Lets the client go on. Called when the batch was handled, or when nobody will. */
  release(): void {
    this.offered = undefined;
    this.taken();
  }

  async next(): Promise<RawBatch> {
    while (this.offered === undefined) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.offered;
  }
}

/**
 * Reads stretches of topics, in order per partition. kafkajs reads only in groups, so this is a group for one reading,
 * which commits nothing and is deleted afterwards.
 */
export async function* readTopics(
  clients: Clients,
  topics: readonly string[],
  from: NamedOffsets,
  to: NamedOffsets,
): AsyncGenerator<RawBatch> {
  const stretches = await stretchesOf(clients, topics, from, to);
  if (stretches.size === 0) return;
  const groupId = clients.nameOf(`carat.reading.${randomUUID()}`);
  const consumer = clients.create().consumer({
    groupId,
    maxWaitTimeInMs: FETCH_WAIT_MS,
    maxBytesPerPartition: BYTES_OF_A_PARTITION,
    allowAutoTopicCreation: false,
  });
  const abreast = new Abreast(consumer, clients, [...stretches.values()]);
  const handover = new Handover();
  try {
    await deliver(clients, consumer, stretches, handover);
    for (let left = stretches.size; left > 0; ) {
      const batch = await handover.next();
      const stretch = stretches.get(placeOf(clients.nameOf(batch.topic), batch.partition));
      yield batch;
      if (stretch !== undefined) stretch.position = batch.nextOffset;
      if (stretch !== undefined && stretch.position >= stretch.end) left -= 1;
      abreast.steer();
      handover.release();
    }
  } finally {
    handover.release();
    await consumer.disconnect();
    await clients.asAdmin((admin) => admin.deleteGroups([groupId])).catch(() => undefined);
  }
}

/** Lets those partitions wait that are ahead of the others. */
class Abreast {
  private waiting: ReadonlySet<Stretch> = new Set();

  constructor(
    private readonly consumer: Consumer,
    private readonly clients: Clients,
    private readonly stretches: readonly Stretch[],
  ) {}

  steer(): void {
    const [before, waiting] = [this.waiting, waitingOf(this.stretches)];
    const named = (stretches: readonly Stretch[]) =>
      stretches.map(({ topic, partition }) => ({ topic: this.clients.nameOf(topic), partitions: [partition] }));
    const paused = this.stretches.filter((stretch) => waiting.has(stretch) && !before.has(stretch));
    const resumed = this.stretches.filter((stretch) => before.has(stretch) && !waiting.has(stretch));
    if (paused.length > 0) this.consumer.pause(named(paused));
    if (resumed.length > 0) this.consumer.resume(named(resumed));
    this.waiting = waiting;
  }
}

async function deliver(
  clients: Clients,
  consumer: Consumer,
  stretches: ReadonlyMap<string, Stretch>,
  handover: Handover,
): Promise<void> {
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
      for (const partition of partitions) {
        const stretch = stretches.get(placeOf(topic, partition));
        if (stretch === undefined || stretch.position >= stretch.end)
          consumer.pause([{ topic, partitions: [partition] }]);
        else consumer.seek({ topic, partition, offset: String(stretch.position) });
      }
    }
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) handover.fail(payload.error);
  });
  await consumer.connect();
  await consumer.subscribe({
    topics: [...new Set([...stretches.values()].map(({ topic }) => clients.nameOf(topic)))],
    fromBeginning: true,
  });
  // One partition at a time: the reader takes one batch at a time anyway.
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, pause }) => {
      const stretch = stretches.get(placeOf(batch.topic, batch.partition));
      if (stretch === undefined || stretch.position >= stretch.end) return;
      const records = batch.messages
        .map(rawRecordOf)
        .filter(({ offset }) => offset >= stretch.position && offset < stretch.end);
      const nextOffset = BigInt(batch.lastOffset()) + 1n < stretch.end ? BigInt(batch.lastOffset()) + 1n : stretch.end;
      const beat = async (): Promise<void> => heartbeat();
      const beating = setInterval(() => void heartbeat().catch(() => undefined), HEARTBEAT_MS);
      try {
        const { partition } = stretch;
        await handover.offer({ topic: stretch.topic as Topic, partition, records, nextOffset, heartbeat: beat });
      } finally {
        clearInterval(beating);
      }
      resolveOffset(batch.lastOffset());
      if (nextOffset >= stretch.end) pause();
    },
  });
}
