import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { type Advance, type Claim, claim, countAttempt } from './consumer-offset.store.js';
import type { EventLog, Follower, RawBatch } from './event-log.js';
import { type Fault, judge } from './fault.js';
import { chunk, halve, type Part } from './halve.js';
import type { Seen } from './sequence.js';

const RECORDS_IN_A_PART = 1000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;
// After three tries that left no trace of success, the process has probably died on one of these records: they are
// handled alone. The one that stands first at the fifth try is the one.
const TRIES_TOGETHER = 3;
const TRIES_ALONE = 4;

/** Handles a part under a hold and answers the hold as it is after the commit. With a fault: dead-letters it. */
export type HandleHeld = (part: Part, held: Claim, fault?: Fault) => Promise<Claim>;

/** Tries again, with growing pauses, for as long as what failed is not the records' fault: the database is away. */
async function patiently<T>(
  attempt: () => Promise<T>,
  heartbeat: () => Promise<void>,
  onTrouble: (error: unknown) => void,
): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (judge(error) !== 'try_again') throw error;
      onTrouble(error);
      await heartbeat();
      await sleep(wait);
    }
  }
}

interface Hold {
  claim: Claim;
  /** True once something was handled under this claim, so a crash on what stands first would be a new one. */
  proven: boolean;
}

/** Where an advance over a part leads. */
export const advanceOver = (part: Part, { lastSequence, journal }: Seen): Advance => ({
  first: part.records[0]?.offset ?? part.nextOffset - 1n,
  nextOffset: part.nextOffset,
  lastSequence,
  journal,
});

/**
 * The follower of a group, for every adapter and for project and transform alike: claims partitions, cuts batches into
 * parts, retries while the world is at fault, halves while a record may be, and finds records that kill the process.
 */
export function followerOf(
  db: DataSource,
  log: Pick<EventLog, 'id' | 'trouble'>,
  group: string,
  handle: HandleHeld,
): Follower {
  const onTrouble = (error: unknown): void => log.trouble(group, error);
  const holds = new Map<string, Hold>();

  const handlePart = async (hold: Hold, part: Part, fault: Fault | undefined, batch: RawBatch): Promise<void> => {
    hold.claim = await patiently(() => handle(part, hold.claim, fault), batch.heartbeat, onTrouble);
    hold.proven = true;
  };

  /** One record at a time, each counted before it is handled. */
  const tread = async (hold: Hold, batch: RawBatch, triesOfFirst: number): Promise<void> => {
    let tries = triesOfFirst;
    for (const part of chunk(batch, 1)) {
      const deadly = { code: 'crashed_process', detail: `the process died on this record ${tries - 1} times` };
      if (tries > TRIES_ALONE) await handlePart(hold, part, deadly, batch);
      else await halve(part, (alone, fault) => handlePart(hold, alone, fault, batch));
      await batch.heartbeat();
      tries = part.nextOffset < batch.nextOffset ? await countAttempt(db.manager, hold.claim) : 0;
    }
  };

  return {
    async claimed(topic: Topic, partition: number): Promise<bigint> {
      const held = await claim(db.manager, group, log.id, topic, partition);
      holds.set(`${topic}/${partition}`, { claim: held, proven: false });
      return held.nextOffset;
    },
    async batch(batch: RawBatch): Promise<void> {
      const hold = holds.get(`${batch.topic}/${batch.partition}`);
      if (hold === undefined) throw new Error(`${batch.topic}/${batch.partition} was never claimed by ${group}`);
      if (!hold.proven && batch.records.length > 0) {
        const tries = await patiently(() => countAttempt(db.manager, hold.claim), batch.heartbeat, onTrouble);
        if (tries > TRIES_TOGETHER) return tread(hold, batch, tries);
      }
      for (const part of chunk(batch, RECORDS_IN_A_PART)) {
        await halve(part, (half, fault) => handlePart(hold, half, fault, batch));
        await batch.heartbeat();
      }
    },
  };
}
