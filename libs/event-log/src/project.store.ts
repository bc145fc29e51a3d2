import { deadLetterTopicOf, type Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { advance, type Claim } from './consumer-offset.store.js';
import { type DeadLetterContext, deadLetter } from './dead-letter.js';
import type { EventLog, Poison, ProjectFlow, ProjectStep, RawRecord, Running } from './event-log.js';
import type { Fault } from './fault.js';
import { advanceOver, followerOf, type HandleHeld } from './follower.worker.js';
import type { Part } from './halve.js';
import { appendAll } from './journal/append.store.js';
import { heldBack, park } from './parked-key.store.js';
import { keysParkedBy, poisonAmong } from './parking.js';
import { type DeadRecord, readPart } from './read-part.js';

/**
 * Events in, rows out: the step's rows, its journal entries, the dead letters and the group's offset commit in one
 * transaction (law 11). Written once; every adapter delivers to it.
 */
export const project = <F extends Topic>(
  log: EventLog,
  db: DataSource,
  flow: ProjectFlow<F>,
  step: ProjectStep<F>,
): Promise<Running> =>
  log.follow(flow.group, flow.from, followerOf(db, log, flow.group, projecting(db, flow, step, log)));

const projecting =
  <F extends Topic>(
    db: DataSource,
    flow: ProjectFlow<F>,
    step: ProjectStep<F>,
    log: Pick<EventLog, 'isRelayed'>,
  ): HandleHeld =>
  (part, held, fault) =>
    db.transaction(async (tx) => {
      const read = readPart<F>(part, held, log.isRelayed(part.topic));
      const moved = await advance(tx, held, advanceOver(part, read.seen));
      const { free, waiting } = await heldBack(tx, held, flow, fault === undefined ? read.events : []);
      const poison = free.length > 0 ? ((await step(free, tx)) ?? []) : [];
      const dead =
        fault === undefined ? [...read.dead, ...deadOf(part, [...waiting, ...poison])] : everyRecord(part, fault);
      const parking = fault === undefined ? poisonAmong(flow, free, poison) : read.events;
      await park(tx, held, keysParkedBy(flow, parking));
      // The group's dead-letter heads are locked by nobody else, so locking them after the step's append is safe.
      await appendAll(tx, [{ topic: deadLetterTopicOf(flow.group), records: lettersOf(held, part, dead) }]);
      return moved;
    });

export const everyRecord = (part: Part, fault: Fault): DeadRecord[] =>
  part.records.map((record) => ({ record, fault }));

/** The records that were named, with what was said of them. */
export function deadOf(part: Part, poison: readonly Poison[]): DeadRecord[] {
  const byOffset = new Map<bigint, RawRecord>(part.records.map((record) => [record.offset, record]));
  return poison.map(({ position, code, detail }) => {
    const record = byOffset.get(position.offset);
    if (record === undefined) throw new Error(`the step named offset ${position.offset}, which is not in its batch`);
    return { record, fault: { code, detail } };
  });
}

/** Dead letters in the order of their offsets. */
export function lettersOf(held: Claim, part: Part, dead: readonly DeadRecord[]): ReturnType<typeof deadLetter>[] {
  const context: DeadLetterContext = {
    group: held.group,
    topic: part.topic,
    partition: part.partition,
    // Those before came to no end: the process died. Halves of one try count as that try.
    attempts: held.tries + 1,
    failedAt: new Date(),
  };
  return [...dead]
    .sort((a, b) => (a.record.offset < b.record.offset ? -1 : 1))
    .map(({ record, fault }) => deadLetter(record, fault, context));
}
