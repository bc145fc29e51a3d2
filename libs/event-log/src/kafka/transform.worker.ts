import { CONTENT_TYPE, deadLetterTopicOf, type Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { advance } from '../consumer-offset.store.js';
import type { EventLog, Headers, NewRecord, Running, TransformFlow, TransformStep } from '../event-log.js';
import { advanceOver, followerOf, type HandleHeld } from '../follower.worker.js';
import { recordOf } from '../journal/append.store.js';
import { heldBack, park } from '../parked-key.store.js';
import { keysParkedBy } from '../parking.js';
import { deadOf, everyRecord, lettersOf } from '../project.store.js';
import { readPart } from '../read-part.js';

const HEADERS: Headers = [['content-type', Buffer.from(CONTENT_TYPE)]];

/** What a transform needs of the log it runs on. */
export interface TransformLog extends EventLog {
  partitionsOf(topic: string): Promise<number>;
}

/**
 * Events in, events out, at least once: the offset moves after the outputs and dead letters are in the log, so a crash
 * between the two writes them again, with the same derived ids. Output partition = input partition: one writer each.
 */
export async function transform<F extends Topic, T extends Topic>(
  log: TransformLog,
  db: DataSource,
  flow: TransformFlow<F, T>,
  step: TransformStep<F, T>,
): Promise<Running> {
  const deadLetters = deadLetterTopicOf(flow.group);
  const partitions = await log.partitionsOf(flow.from);
  const outputs = await log.partitionsOf(flow.to);
  if (outputs !== partitions)
    throw new Error(
      `${flow.group} needs as many partitions in ${flow.to} (${outputs}) as in ${flow.from} (${partitions})`,
    );
  if ((await log.partitionsOf(deadLetters)) < partitions)
    throw new Error(`${deadLetters} needs at least the ${partitions} partitions of ${flow.from}`);
  const handle: HandleHeld = async (part, held, fault) => {
    const read = readPart<F>(part, held, log.isRelayed(flow.from));
    const { free, waiting } = await heldBack(db.manager, held, flow, fault === undefined ? read.events : []);
    const events = free.length > 0 ? await step(free) : [];
    const dead = fault === undefined ? [...read.dead, ...deadOf(part, waiting)] : everyRecord(part, fault);
    const records = events.map((event): NewRecord => {
      const { key, value } = recordOf(event);
      return { key, value, headers: HEADERS, partition: part.partition };
    });
    if (records.length > 0) await log.publish(flow.to, records);
    if (dead.length > 0) await log.publish(deadLetters, lettersOf(held, part, dead));
    const to = advanceOver(part, read.seen);
    if (fault === undefined) return advance(db.manager, held, to);
    return db.transaction(async (tx) => {
      const moved = await advance(tx, held, to);
      await park(tx, held, keysParkedBy(flow, read.events));
      return moved;
    });
  };
  return log.follow(flow.group, [flow.from], followerOf(db, log, flow.group, handle));
}
