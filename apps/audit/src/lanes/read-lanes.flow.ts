import type { LogReader, Offsets, RawBatch } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { ManyEvents } from '@carat/events/decode-many';
import { JournalCheck } from '../carried/journal-check.flow.js';
import type { JournalRows } from '../carried/journal-rows.store.js';
import { readThrough } from '../holes/through-holes.flow.js';
import { endsOf } from '../log-source/ends-of.js';
import { Lots, type LotsAsTold } from '../passes/lots.js';
import { Findings, type FoundByAnother } from '../verify/findings.js';
import { Lane } from './lane.js';
import { type LaneResult, type LaneTask, laneTopics } from './lane-task.js';

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

const REDEMPTIONS = 'redemption.events.v1';

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
      ? new JournalCheck(journal, findings)
      : undefined;
  const lanes = new Map(
    tasks.map((task) => {
      const { partition } = task;
      return [partition, new Lane(task, shared, (topic, carried) => check?.add(topic, partition, carried))] as const;
    }),
  );
  const take = async (ends: Offsets, taken: (batch: RawBatch) => void): Promise<void> => {
    for await (const batch of readThrough(log, Object.keys(ends) as Topic[], {}, ends)) {
      lanes.get(batch.partition)?.take(batch);
      await check?.compare();
      onRecords(batch.records.length);
      taken(batch);
    }
  };
  await take(endsOf(lanes, [REDEMPTIONS], to), () => undefined);
  for (const lane of lanes.values()) lane.redemptionsTaken();
  const others = endsOf(
    lanes,
    laneTopics.filter((topic) => topic !== REDEMPTIONS),
    to,
  );
  const results: LaneResult[] = [];
  const end = (partition: number): void => {
    const lane = lanes.get(partition);
    if (lane === undefined) return;
    results.push(lane.end(new Map(laneTopics.map((topic) => [topic, to[topic]?.[partition] ?? 0n]))));
    lanes.delete(partition);
  };
  // Where the log gives one partition after another, what was known of one is gone when the next begins.
  const unread = new Unread(others);
  await take(others, (batch) => {
    if (unread.isLast(batch)) end(batch.partition);
  });
  for (const partition of [...lanes.keys()]) end(partition);
  await check?.compare(true);
  return { lanes: results, found: findings.plain(), lots: shared.lots.told() };
}

/** The topics of each partition that were not read to their ends yet. */
class Unread {
  private readonly topics = new Map<number, Set<string>>();

  constructor(private readonly ends: Offsets) {
    for (const [topic, ofTopic] of Object.entries(ends))
      for (const [partition, end] of ofTopic.entries())
        if (end > 0n) this.topics.set(partition, (this.topics.get(partition) ?? new Set()).add(topic));
  }

  /** True for the batch that ends the last topic of its partition. */
  isLast({ topic, partition, nextOffset }: RawBatch): boolean {
    if (nextOffset < (this.ends[topic]?.[partition] ?? 0n)) return false;
    const left = this.topics.get(partition);
    left?.delete(topic);
    return left?.size === 0;
  }
}
