import type { LogReader, Offsets, RawBatch } from '@carat/event-log';
import { JournalHole } from '@carat/event-log/readers';
import type { Topic } from '@carat/events';
import type { ManyEvents } from '@carat/events/decode-many';
import { JournalCheck } from '../carried/journal-check.flow.js';
import type { JournalRows } from '../carried/journal-rows.store.js';
import { Lots, type LotsAsTold } from '../passes/lots.js';
import { Findings, type FoundByAnother } from '../verify/findings.js';
import { Lane } from './lane.js';
import type { LaneResult, LaneTask } from './lane-task.js';
import { endsOf, readOwnBooks, topicsIn } from './own-books.flow.js';

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

/** What a thread proves its partitions with, one task after another. */
export interface LanesReader {
  readonly log: LogReader;
  /** Where the journal is that Kafka's topics are relayed from; undefined when there is nothing to compare with. */
  readonly journal: JournalRows | undefined;
  /** What was learned of decoding in one task serves the next. */
  readonly events: ManyEvents;
}

/** Proves partitions from their records, in whatever order the log gives them. */
export async function proveLanes(
  { log, journal, events }: LanesReader,
  { lanes: tasks, to }: LanesTask,
  onRecords: (records: number) => void,
): Promise<LanesResult> {
  const findings = new Findings();
  const shared = { lots: new Lots(), events };
  const kind = tasks[0]?.log;
  const check =
    journal !== undefined && kind?.kind === 'relayed' && kind.from !== undefined
      ? new JournalCheck(kind.from, journal, findings)
      : undefined;
  const own = await readOwnBooks(log, tasks, to, { findings, events });
  const lanes = new Map(
    [...own].map(([partition, { task, ...books }]) => [
      partition,
      new Lane(task, shared, books, (record) => check?.add(record)),
    ]),
  );
  for await (const batch of throughHoles(log, endsOf(lanes, to))) {
    lanes.get(batch.partition)?.take(batch);
    await check?.compare();
    onRecords(batch.records.length);
  }
  await check?.compare(true);
  const results = [...lanes].map(([partition, lane]) =>
    lane.end(new Map(topicsIn(to).map((topic) => [topic, to[topic]?.[partition] ?? 0n]))),
  );
  return { lanes: results, found: findings.plain(), lots: shared.lots.told() };
}

/** Every record that is there. A hole is the lane's to find, and no reason to stop looking. */
async function* throughHoles(log: LogReader, to: Offsets): AsyncGenerator<RawBatch> {
  const topics = topicsIn(to);
  const next = new Map(topics.map((topic) => [topic, (to[topic] ?? []).map(() => 0n)]));
  const reached = (topic: Topic, partition: number, offset: bigint): void => {
    const offsets = next.get(topic);
    if (offsets !== undefined) offsets[partition] = offset;
  };
  for (;;) {
    const from = Object.fromEntries([...next].map(([topic, offsets]) => [topic, [...offsets]]));
    try {
      for await (const batch of log.read(topics, from, to)) {
        reached(batch.topic, batch.partition, batch.nextOffset);
        yield batch;
      }
      return;
    } catch (error) {
      if (!(error instanceof JournalHole)) throw error;
      reached(error.topic as Topic, error.partition, error.found);
    }
  }
}
