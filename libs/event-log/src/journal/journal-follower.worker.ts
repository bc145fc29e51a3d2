import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { FlowHalted, type Follower, type Running } from '../event-log.js';
import type { JournalLease } from './lease.worker.js';
import { readHeads, readJournal } from './read.store.js';

const RECORDS_IN_A_FETCH = 1000;
// A wake-up can be lost with its connection, so readers look by themselves as well.
const LOOK_EVERY_MS = 250;
const LEASE_EVERY_MS = 500;
const PARTITIONS_AT_ONCE = 4;
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 5000;

export interface FollowerContext {
  readonly db: DataSource;
  readonly lease: JournalLease;
  readonly onAlarm: (group: string, alarm: Error) => void;
  readonly onTrouble: (group: string, error: unknown) => void;
}

interface Place {
  readonly topic: Topic;
  readonly partition: number;
}

class Stopping extends Error {}

const nameOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;

/** Follows topics of the journal for one group, as long as this process holds the group's lease. */
export class JournalFollowing implements Running {
  /** Where the next fetch of a partition begins. Absent: it must be claimed first. */
  private readonly positions = new Map<string, bigint>();
  private readonly running: Promise<void>;
  private stopping = false;
  private halted: Error | undefined;
  private failures = 0;

  constructor(
    private readonly context: FollowerContext,
    readonly group: string,
    private readonly topics: readonly Topic[],
    private readonly follower: Follower,
  ) {
    this.running = this.run();
  }

  alarm(): Error | undefined {
    return this.halted;
  }

  async stop(): Promise<void> {
    const { lease } = this.context;
    this.stopping = true;
    lease.wake();
    await this.running;
    await lease.release(this.group);
  }

  private async run(): Promise<void> {
    const { lease } = this.context;
    while (!this.stopping && this.halted === undefined) {
      const seen = lease.wakeUps;
      try {
        if (!(await lease.holds(this.group))) {
          this.positions.clear();
          await lease.news(seen, LEASE_EVERY_MS);
        } else if ((await this.fetchAll()) === 0) await lease.news(seen, LOOK_EVERY_MS);
        else this.failures = 0;
      } catch (error) {
        await this.onFailure(error);
      }
    }
  }

  /** Fetches once from every partition with news, a few at a time, and claims what is not claimed. */
  private async fetchAll(): Promise<number> {
    const heads = await readHeads(this.context.db.manager, this.topics);
    const due = heads
      .map(({ topic, partition, next }) => ({ topic: topic as Topic, partition, next }))
      .filter((head) => head.next > (this.positions.get(nameOf(head)) ?? -1n));
    const queue = due.values();
    const fetchers = Array.from({ length: Math.min(PARTITIONS_AT_ONCE, due.length) }, async () => {
      for (const place of queue) if (!this.stopping) await this.fetchOne(place);
    });
    const failed = (await Promise.allSettled(fetchers)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return due.length;
  }

  private async fetchOne(place: Place): Promise<void> {
    const { topic, partition } = place;
    const from = this.positions.get(nameOf(place)) ?? (await this.follower.claimed(topic, partition));
    // Not known again until the batch is done: whatever interrupts it, the partition is claimed anew.
    this.positions.delete(nameOf(place));
    const records = await readJournal(this.context.db.manager, topic, partition, from, RECORDS_IN_A_FETCH);
    const nextOffset = from + BigInt(records.length);
    const heartbeat = (): Promise<void> => (this.stopping ? Promise.reject(new Stopping()) : Promise.resolve());
    if (records.length > 0) await this.follower.batch({ topic, partition, records, nextOffset, heartbeat });
    this.positions.set(nameOf(place), nextOffset);
  }

  private async onFailure(error: unknown): Promise<void> {
    if (error instanceof Stopping) return;
    if (error instanceof FlowHalted) {
      this.halted = error;
      this.context.onAlarm(this.group, error);
      return;
    }
    this.positions.clear();
    this.failures += 1;
    this.context.onTrouble(this.group, error);
    await sleep(Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS));
  }
}
