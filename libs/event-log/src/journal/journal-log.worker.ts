import { deadLetterTopicOf, definitionOf, type Event, type Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import type { EventLog, Follower, NewRecord, TransformFlow, TransformStep } from '../event-log.js';
import { project } from '../project.store.js';
import { append, appendAll } from './append.store.js';
import { ensureJournalTopics } from './heads.store.js';
import { JournalFollowing } from './journal-follower.worker.js';
import { JournalLease } from './lease.worker.js';
import { journalEpoch, readEnds, readHeads, readJournal, readOffsetsAt, readRange } from './read.store.js';

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

    // Nobody but its services writes a journal, and they need no numbers.
    isRelayed: () => false,

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

    ends: (topics) => readEnds(db.manager, topics),

    offsetsAt: (topics, timeMs) => readOffsetsAt(db.manager, topics, timeMs),

    read: (topics, from, to) => readRange((...of) => readJournal(db.manager, ...of), topics, from, to),

    trouble,

    close: () => lease.close(),
  };
  return log;
}

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
