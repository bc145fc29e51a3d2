import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { FlowHalted, type Follower, type Running } from '../event-log.js';
import { judge } from '../fault.js';
import type { JournalLease } from './lease.worker.js';
import { readHeads, readJournal } from './read.store.js';

const RECORDS_IN_A_FETCH = 1000;
// A wake-up can be lost with its connection, so readers look by themselves as well.
const LOOK_EVERY_MS = 250;
const LEASE_EVERY_MS = 500;
const AT_ONCE = 4;
const LONGEST_WAIT_MS = 5000;

export interface FollowerContext {
  readonly db: DataSource;
  readonly lease: JournalLease;
  readonly onAlarm: (group: string, alarm: Error) => void;
}

interface Place {
  readonly topic: Topic;
  readonly partition: number;
}

/** Follows topics of the journal for one group, as long as this process holds the group's lease. */
export function followJournal(
  { db, lease, onAlarm }: FollowerContext,
  group: string,
  topics: readonly Topic[],
  follower: Follower,
): Running {
  const positions = new Map<string, bigint>();
  let stopping = false;
  let alarm: Error | undefined;
  let failures = 0;

  const fetchOne = async ({ topic, partition }: Place): Promise<void> => {
    const place = `${topic}/${partition}`;
    const from = positions.get(place) ?? (await follower.claimed(topic, partition));
    // Not known again until the batch is done: whatever interrupts it, the partition is claimed anew.
    positions.delete(place);
    const records = await readJournal(db.manager, topic, partition, from, RECORDS_IN_A_FETCH);
    const nextOffset = from + BigInt(records.length);
    const heartbeat = (): Promise<void> => (stopping ? Promise.reject(new Stopping()) : Promise.resolve());
    if (records.length > 0) await follower.batch({ topic, partition, records, nextOffset, heartbeat });
    positions.set(place, nextOffset);
  };

  /** Fetches once from every partition with news, a few at a time. Answers how many there were. */
  const round = async (): Promise<number> => {
    const heads = await readHeads(db.manager, topics);
    const news = heads
      .filter(({ topic, partition, next }) => next > (positions.get(`${topic}/${partition}`) ?? 0n))
      .map(({ topic, partition }) => ({ topic: topic as Topic, partition }));
    const queue = news.values();
    const fetchers = Array.from({ length: Math.min(AT_ONCE, news.length) }, async () => {
      for (const place of queue) if (!stopping) await fetchOne(place);
    });
    const failed = (await Promise.allSettled(fetchers)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return news.length;
  };

  const pauseAfter = async (error: unknown): Promise<void> => {
    if (error instanceof FlowHalted) {
      alarm = error;
      onAlarm(group, error);
      return;
    }
    if (error instanceof Stopping) return;
    positions.clear();
    failures += 1;
    if (judge(error) !== 'give_up') await sleep(Math.min(50 * 2 ** failures, LONGEST_WAIT_MS));
  };

  const run = async (): Promise<void> => {
    while (!stopping && alarm === undefined) {
      const seen = lease.wakeUps;
      try {
        if (!(await lease.holds(group))) {
          positions.clear();
          await lease.news(seen, LEASE_EVERY_MS);
        } else if ((await round()) === 0) await lease.news(seen, LOOK_EVERY_MS);
        else failures = 0;
      } catch (error) {
        await pauseAfter(error);
      }
    }
  };

  const running = run();
  return {
    group,
    alarm: () => alarm,
    async stop() {
      stopping = true;
      lease.wake();
      await running;
      await lease.release(group);
    },
  };
}

class Stopping extends Error {}
