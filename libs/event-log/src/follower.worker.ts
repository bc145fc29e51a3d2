import { setTimeout as sleep } from 'node:timers/promises';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { cautionAt, isSuspicious } from './caution.js';
import { type Advance, type Claim, claim, countAttempt, forgetAttempt } from './consumer-offset.store.js';
import type { EventLog, Follower, RawBatch } from './event-log.js';
import { type Fault, judge } from './fault.js';
import { chunk, halve, type Part, RECORDS_IN_A_PART, split } from './halve.js';
import type { Seen } from './sequence.js';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5000;

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

// What may kill the process is handled while nothing else of its kind is, so that the one at fault bears the blame.
let lastSuspect: Promise<unknown> = Promise.resolve();
function inTurn<T>(suspect: () => Promise<T>): Promise<T> {
  const turn = lastSuspect.then(suspect);
  lastSuspect = turn.catch(() => undefined);
  return turn;
}

interface Hold {
  claim: Claim;
  /** True once something was handled under this claim, so a death on what stands first would be a new one. */
  proven: boolean;
}

/** Where an advance over a part leads. */
export const advanceOver = (part: Part, { lastSequence, journal }: Seen): Advance => ({
  first: part.records[0]?.offset ?? part.nextOffset - 1n,
  nextOffset: part.nextOffset,
  lastSequence,
  journal,
  tries: part.keptTries ?? 0,
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

  /** Handles the first records of a batch with the care that earlier tries ask for; answers what is left of it. */
  const beginWithCare = async (hold: Hold, batch: RawBatch): Promise<Part | undefined> => {
    const count = (): Promise<number> =>
      patiently(() => countAttempt(db.manager, hold.claim), batch.heartbeat, onTrouble);
    const tries = await count();
    const care = cautionAt(tries);
    const [careful, rest] = split(batch, care.isDeadly ? 1 : care.window);
    const deadly = { code: 'crashed_process', detail: 'the process died on this record again and again' };
    for (const [index, part] of chunk(careful, care.size).entries()) {
      if (index > 0) await count();
      const suspect = part.nextOffset === careful.nextOffset ? part : { ...part, keptTries: care.keptTries };
      try {
        if (care.isDeadly) await handlePart(hold, suspect, deadly, batch);
        else await halve(suspect, (half, fault) => handlePart(hold, half, fault, batch));
      } catch (error) {
        // Whatever it was, the process lives.
        await forgetAttempt(db.manager, hold.claim).catch(() => undefined);
        throw error;
      }
      await batch.heartbeat();
    }
    return rest;
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
      let rest: Part | undefined = batch;
      if (!hold.proven && batch.records.length > 0) {
        const begin = (): Promise<Part | undefined> => beginWithCare(hold, batch);
        rest = await (isSuspicious(hold.claim.tries) ? inTurn(begin) : begin());
      }
      for (const part of rest === undefined ? [] : chunk(rest, RECORDS_IN_A_PART)) {
        await halve(part, (half, fault) => handlePart(hold, half, fault, batch));
        await batch.heartbeat();
      }
    },
  };
}
