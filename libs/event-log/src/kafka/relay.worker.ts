import { setTimeout as sleep } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { FlowHalted, type RawRecord, Unhandleable } from '../event-log.js';
import { JOURNAL_CHANNEL } from '../journal/append.store.js';
import { JournalHole, journalEpoch, readHeads } from '../journal/read.store.js';
import type { KafkaLog } from './kafka-log.worker.js';
import { BYTES_IN_A_LOT, type Lot, RECORDS_IN_A_LOT } from './lots.js';
import {
  listen,
  type Position,
  readAhead,
  readCheckpoints,
  readOne,
  release,
  saveCheckpoints,
  tryToLead,
} from './relay.store.js';
import { type JournalRow, messageOf, sequenceOf } from './sequenced.js';

export interface RelayOptions {
  readonly db: DataSource;
  readonly log: KafkaLog;
  /** What this database's services write; dead-letter topics of project flows, too. */
  readonly topics: readonly string[];
  /** The relay found that going on would lose or invent events, and has stopped. */
  readonly onAlarm: (part: string, error: Error) => void;
}

export interface Relay {
  alarm(): Error | undefined;
  stop(): Promise<void>;
}

// An append wakes the relay; this is for the one that it may have missed. A look costs half a millisecond of processor
// time, half of it the database's, also where there is never anything to carry.
const LOOK_AGAIN_MS = 250;
const STAND_BY_MS = 1000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;
// A relay that was stopped half-way may have repeated as much as it carries at once.
const TAIL_RECORDS = BigInt(2 * RECORDS_IN_A_LOT);
const AHEAD = { records: RECORDS_IN_A_LOT, bytes: BYTES_IN_A_LOT };

/**
 * Carries the journal to Kafka: partition p to p, in order, at least once; consumers drop repetitions by the sequence
 * that every record gets. One relay is active per topic, the others stand by.
 * @throws when the journal and Kafka differ in their number of partitions
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { db, log, topics } = options;
  const heads = await readHeads(db.manager, topics);
  for (const topic of topics) {
    const there = await log.partitionsOf(topic);
    const here = heads.filter((head) => head.topic === topic).length;
    if (here !== there)
      throw new Error(`${topic} has ${here} partitions in the journal and ${there} in Kafka; they must be the same`);
  }
  return new RunningRelay(options);
}

class RunningRelay implements Relay {
  private halted: Error | undefined;
  private stopping = false;
  private woken = false;
  private wake: () => void = () => undefined;
  private readonly ended: Promise<void>;

  constructor(private readonly options: RelayOptions) {
    this.ended = options.topics.length === 0 ? Promise.resolve() : this.run();
  }

  alarm(): Error | undefined {
    return this.halted;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.rouse();
    await this.ended;
  }

  /** Starts anew after whatever goes wrong, except what a person must look at. */
  private async run(): Promise<void> {
    for (let wait = FIRST_WAIT_MS; !this.stopping; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        await this.lead(() => {
          wait = FIRST_WAIT_MS;
        });
      } catch (error) {
        // A record that Kafka will never take is as final: skipping it would be a gap.
        if (error instanceof FlowHalted || error instanceof Unhandleable) {
          this.halted = error;
          this.options.onAlarm(`relay of ${this.options.topics.join(', ')}`, error);
          return;
        }
        this.options.log.say('warn', 'the relay starts anew', { err: error });
        await sleep(this.stopping ? 0 : wait);
      }
    }
  }

  /** One connection for everything: with it the right to carry is lost, and so is the way to say what was carried. */
  private async lead(onProgress: () => void): Promise<void> {
    const { db, log, topics } = this.options;
    const sql = db.createQueryRunner();
    try {
      const connection = await sql.connect();
      while (!(await tryToLead(sql, log.id, topics))) {
        await this.pause(STAND_BY_MS);
        if (this.stopping) return;
      }
      const rouse = (): void => this.rouse();
      connection.on('notification', rouse);
      try {
        await listen(sql, JOURNAL_CHANNEL);
        const epoch = await journalEpoch(sql.manager);
        const positions = await readCheckpoints(sql, log.id, topics);
        await verifyTails(sql, log, positions, epoch);
        await this.carry(sql, positions, epoch, onProgress);
      } finally {
        connection.off('notification', rouse);
      }
    } finally {
      // A connection that is gone has let go by itself.
      await release(sql).catch(() => undefined);
    }
  }

  private async carry(sql: QueryRunner, positions: Position[], epoch: string, onProgress: () => void): Promise<void> {
    let ahead = readAhead(sql, positions, AHEAD);
    while (!this.stopping) {
      const rows = await ahead;
      if (rows.length === 0) {
        await this.pause(LOOK_AGAIN_MS);
        if (!this.stopping) ahead = readAhead(sql, positions, AHEAD);
        continue;
      }
      const { lots, moved } = lotsOf(rows, positions, epoch);
      // The next rows come from the database while these are on their way.
      ahead = readAhead(sql, positions, AHEAD);
      ahead.catch(() => undefined);
      await this.options.log.send(lots);
      await saveCheckpoints(sql, this.options.log.id, moved);
      onProgress();
    }
  }

  private rouse(): void {
    this.woken = true;
    this.wake();
  }

  /** Waits until an append, or so long. */
  private async pause(waitMs: number): Promise<void> {
    if (!this.woken && !this.stopping) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        timer = setTimeout(resolve, waitMs);
      });
      clearTimeout(timer);
    }
    this.woken = false;
  }
}

/** Rows as what is sent, one lot per partition, and where that leads. Moves the positions. */
function lotsOf(
  rows: readonly JournalRow[],
  positions: readonly Position[],
  epoch: string,
): { lots: Lot[]; moved: Position[] } {
  const byPlace = Map.groupBy(rows, ({ topic, partition }) => `${topic}/${partition}`);
  const lots: Lot[] = [];
  const moved: Position[] = [];
  for (const position of positions) {
    const own = byPlace.get(`${position.topic}/${position.partition}`);
    if (own === undefined) continue;
    for (const { offset } of own) {
      if (offset !== position.next) throw new JournalHole(position.topic, position.partition, position.next, offset);
      position.next += 1n;
    }
    lots.push({ topic: position.topic, messages: own.map((row) => messageOf(row, epoch)) });
    moved.push({ ...position });
  }
  return { lots, moved };
}

/**
 * The last records in Kafka must be rows of this journal, byte for byte, and reach as far as was once confirmed. Else a
 * failover lost the tail, or somebody else writes here: nobody may add to it before a person has looked.
 * @throws FlowHalted
 */
async function verifyTails(
  sql: QueryRunner,
  log: KafkaLog,
  positions: readonly Position[],
  epoch: string,
): Promise<void> {
  const topics = [...new Set(positions.map(({ topic }) => topic))];
  const ends = (await log.ends(topics)) as Record<string, readonly bigint[]>;
  const from = Object.fromEntries(
    Object.entries(ends).map(([topic, nexts]) => [
      topic,
      nexts.map((next) => (next > TAIL_RECORDS ? next - TAIL_RECORDS : 0n)),
    ]),
  );
  const tails = new Map<string, RawRecord[]>();
  for await (const { topic, partition, records } of log.read(topics, from, ends)) {
    const tail = tails.get(`${topic}/${partition}`) ?? [];
    tails.set(`${topic}/${partition}`, tail);
    tail.push(...records);
  }
  for (const position of positions)
    await verifyTail(sql, position, tails.get(`${position.topic}/${position.partition}`) ?? [], epoch);
}

async function verifyTail(
  sql: QueryRunner,
  { topic, partition, next }: Position,
  tail: readonly RawRecord[],
  epoch: string,
): Promise<void> {
  const place = `${topic}/${partition}`;
  let farthest = -1n;
  for (const record of tail) {
    const sequence = sequenceOf(topic, record);
    if (sequence === undefined) throw new FlowHalted(`${place} holds a record at ${record.offset} that no relay wrote`);
    if (sequence.journal !== epoch)
      throw new FlowHalted(`${place} was written from the journal ${sequence.journal}, this one is ${epoch}`);
    if (sequence.offset > farthest) farthest = sequence.offset;
  }
  if (farthest < next - 1n)
    throw new FlowHalted(
      `${place} ends at sequence ${farthest} in Kafka, but ${next - 1n} was once confirmed: its tail is lost`,
    );
  const last = tail.at(-1);
  const lastSequence = last === undefined ? undefined : sequenceOf(topic, last);
  if (last === undefined || lastSequence === undefined) return;
  const row = await readOne(sql, topic, partition, lastSequence.offset);
  const value = row === undefined ? undefined : (messageOf(row, epoch).value as Buffer | null);
  const same = value === undefined ? false : value === null ? last.value === null : last.value?.equals(value) === true;
  if (!same)
    throw new FlowHalted(`${place} holds at ${last.offset} something else than the journal at ${lastSequence.offset}`);
}
