import { deadLetterTopicOf, definitionOf, type Event, type Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import type { EventLog, Follower, NewRecord, Offsets, RawBatch, TransformFlow, TransformStep } from '../event-log.js';
import { project } from '../project.store.js';
import { append, appendAll } from './append.store.js';
import { JournalFollowing } from './journal-follower.worker.js';
import { JournalLease } from './lease.worker.js';
import { ensureJournalTopics, type Head, journalEpoch, readHeads, readHeadsAt, readJournal } from './read.store.js';

export interface JournalLogOptions {
  readonly db: DataSource;
  /** For the one connection beside the pool that listens and holds the leases. */
  readonly databaseUrl: string;
  /** A flow stopped by itself: a person must look. */
  readonly onAlarm: (group: string, alarm: Error) => void;
  /** A flow could not do its work and tries again. */
  readonly onTrouble?: ((group: string, error: unknown) => void) | undefined;
}

/** The embedded log: the journal itself is followed. Its `transform` is exactly-once, in one transaction. */
export async function openJournalLog({ db, databaseUrl, onAlarm, onTrouble }: JournalLogOptions): Promise<EventLog> {
  const lease = new JournalLease(databaseUrl);
  const trouble = onTrouble ?? ((): void => undefined);
  const context = { db, lease, onAlarm, onTrouble: trouble };

  const log: EventLog = {
    id: await journalEpoch(db.manager),

    async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
      await db.transaction((tx) => appendAll(tx, [{ topic, records }]));
    },

    async follow(group: string, topics: readonly Topic[], follower: Follower) {
      await ensureDeadLetterTopic(db, group, topics);
      return new JournalFollowing(context, group, topics, follower);
    },

    transform: <F extends Topic, T extends Topic>(flow: TransformFlow<F, T>, step: TransformStep<F, T>) =>
      project(log, db, { ...flow, from: [flow.from] }, async (events, tx) => {
        await append(tx, flow.to, (await step(events)) as readonly Event[]);
      }),

    async ends(topics: readonly Topic[]): Promise<Offsets> {
      return byTopic(topics, await readHeads(db.manager, topics));
    },

    async offsetsAt(topics: readonly Topic[], timeMs: number): Promise<Offsets> {
      return byTopic(topics, await readHeadsAt(db.manager, topics, timeMs));
    },

    read: (topics, from, to) => readRange(db, topics, from, to),

    trouble,

    close: () => lease.close(),
  };
  return log;
}

const byTopic = (topics: readonly Topic[], heads: readonly Head[]): Offsets =>
  Object.fromEntries(
    topics.map((topic) => [topic, heads.filter((head) => head.topic === topic).map(({ next }) => next)]),
  );

/** A dead letter keeps its partition, so its topic has as many as the largest of those it is read from. */
async function ensureDeadLetterTopic(db: DataSource, group: string, topics: readonly Topic[]): Promise<void> {
  const heads = await readHeads(db.manager, topics);
  const partitions = Math.max(
    ...topics.map(
      (topic) => heads.filter((head) => head.topic === topic).length || (definitionOf(topic).partitions ?? 0),
    ),
  );
  await ensureJournalTopics(db, [{ topic: deadLetterTopicOf(group), partitions }]);
}

async function* readRange(
  db: DataSource,
  topics: readonly Topic[],
  from: Offsets,
  to: Offsets,
): AsyncIterable<RawBatch> {
  for (const topic of topics) {
    for (const [partition, end] of (to[topic] ?? []).entries()) {
      for (let at = from[topic]?.[partition] ?? 0n; at < end; ) {
        const limit = end - at < 1000n ? Number(end - at) : 1000;
        const records = await readJournal(db.manager, topic, partition, at, limit);
        if (records.length === 0) throw new Error(`${topic}/${partition} ends at ${at}, before ${end}`);
        at += BigInt(records.length);
        yield { topic, partition, records, nextOffset: at, heartbeat: async () => undefined };
      }
    }
  }
}
