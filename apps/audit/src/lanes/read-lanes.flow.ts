import type { LogReader, Offsets, RawBatch } from '@carat/event-log';
import { JournalHole } from '@carat/event-log/readers';
import type { Topic } from '@carat/events';
import type { JournalRows } from '../booked/journal-rows.store.js';
import { Lots, type LotsAsTold } from '../passes/lots.js';
import { Findings, type FoundByAnother } from '../verify/findings.js';
import { JournalCheck } from './journal-check.flow.js';
import { Lane, type LaneResult, type LaneTask, laneTopics } from './lane.js';

// So many records of a partition are read at a time, of all topics together: a gift's credit comes soon after the gift,
// and little has to wait; and a page of the journal, which holds records of many partitions, is still at hand when the
// next partition needs it.
const RECORDS_IN_A_STRETCH = 2_000n;

const only = (partition: number, offset: bigint): bigint[] => [...Array<bigint>(partition).fill(0n), offset];

/** What one reader is to prove. Plain data, to be sent to another thread. */
export interface LanesTask {
  readonly lanes: readonly LaneTask[];
  /** Where the log ends for this proof. */
  readonly to: Offsets;
}

export interface LanesResult {
  readonly lanes: readonly LaneResult[];
  readonly found: FoundByAnother;
  readonly lots: LotsAsTold;
}

/**
 * Proves partitions from their records: all at once where the log gives its records as they come (Kafka), and stretch
 * by stretch where it gives one partition after another (the journal, a file).
 */
export async function proveLanes(
  log: LogReader,
  journal: JournalRows | undefined,
  { lanes: tasks, to }: LanesTask,
  onRecords: (records: number) => void,
): Promise<LanesResult> {
  const findings = new Findings();
  const lots = new Lots();
  const kind = tasks[0]?.log;
  const check =
    journal !== undefined && kind?.kind === 'relayed' && kind.from !== undefined
      ? new JournalCheck(kind.from, journal, findings)
      : undefined;
  const lanes = new Map(tasks.map((task) => [task.partition, new Lane(task, lots, (record) => check?.add(record))]));
  const take = async (batches: AsyncIterable<RawBatch>): Promise<void> => {
    for await (const batch of batches) {
      lanes.get(batch.partition)?.take(batch);
      await check?.compare();
      onRecords(batch.records.length);
    }
  };
  if (kind?.kind === 'relayed') await take(log.read(topicsIn(to), {}, endsOf(lanes, to)));
  else await take(inStretches(log, [...lanes.keys()], to));
  await check?.compare(true);
  const results = [...lanes].map(([partition, lane]) =>
    lane.end(new Map(topicsIn(to).map((topic) => [topic, to[topic]?.[partition] ?? 0n]))),
  );
  return { lanes: results, found: findings.plain(), lots: lots.told() };
}

const topicsIn = (to: Offsets): Topic[] => laneTopics.filter((topic) => (to[topic]?.length ?? 0) > 0);

/** Where the partitions of lanes end; those of others end where they begin. */
const endsOf = (lanes: ReadonlyMap<number, Lane>, to: Offsets): Offsets =>
  Object.fromEntries(
    topicsIn(to).map((topic) => [topic, (to[topic] ?? []).map((end, partition) => (lanes.has(partition) ? end : 0n))]),
  );

/** Partition after partition, a stretch of each: what was written together is read together. */
async function* inStretches(log: LogReader, partitions: readonly number[], to: Offsets): AsyncGenerator<RawBatch> {
  const ends = topicsIn(to).map((topic) => [topic, to[topic] ?? []] as const);
  const records = partitions.reduce(
    (sum, partition) => ends.reduce((all, [, of]) => all + (of[partition] ?? 0n), sum),
    0n,
  );
  const stretches = records / (RECORDS_IN_A_STRETCH * BigInt(partitions.length)) + 1n;
  for (let n = 0n; n < stretches; n++)
    // Of every topic the same part, so that what belongs together is read together however many others there are.
    for (const partition of partitions)
      for (const [topic, of] of ends) {
        const end = of[partition] ?? 0n;
        yield* withHoles(log, topic, partition, (end * n) / stretches, (end * (n + 1n)) / stretches);
      }
}

/** Every record that is there. A hole is the lane's to find, and no reason to stop looking. */
async function* withHoles(
  log: LogReader,
  topic: Topic,
  partition: number,
  from: bigint,
  to: bigint,
): AsyncGenerator<RawBatch> {
  for (let at = from; at < to; ) {
    try {
      for await (const batch of log.read([topic], { [topic]: only(partition, at) }, { [topic]: only(partition, to) })) {
        at = batch.nextOffset;
        yield batch;
      }
      return;
    } catch (error) {
      if (!(error instanceof JournalHole)) throw error;
      if (error.expected > at) yield* withHoles(log, topic, partition, at, error.expected);
      at = error.found;
    }
  }
}
