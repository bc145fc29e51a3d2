import type { LogReader, Offsets } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { ManyEvents } from '@carat/events/decode-many';
import { EMPTY_BAG } from '../booked/fingerprint.js';
import { carriedTopics, type LaneResult, type LaneTask } from '../lanes/lane-task.js';
import { SequencePass } from '../lanes/sequence.js';
import { endsOf } from '../log-source/ends-of.js';
import { Findings } from '../verify/findings.js';
import { carriedOf, sequenceOf } from './carried.js';
import { JournalCheck } from './journal-check.flow.js';
import type { JournalRows } from './journal-rows.store.js';

interface ToCompare {
  readonly log: LogReader;
  /** The bags of what the journal's rows hold, by place. */
  readonly rows: ReadonlyMap<string, string>;
  readonly openRows: () => Promise<JournalRows>;
  readonly tasks: readonly LaneTask[];
  readonly lanes: readonly LaneResult[];
  readonly to: Offsets;
  readonly findings: Findings;
}

interface Place {
  readonly topic: Topic;
  readonly task: LaneTask;
}

/**
 * What a relay has carried is what its journal holds. Both sides are summed up in bags, so that nothing is kept of them
 * and Postgres reads its table once, as it lies; where two bags differ, the partition is read once more, and what is at
 * fault is named.
 */
export async function compareCarried(comparison: ToCompare): Promise<void> {
  const { rows, tasks, lanes, findings } = comparison;
  const differing: Place[] = [];
  for (const task of tasks) {
    if (task.log.kind !== 'relayed' || task.log.from === undefined) continue;
    const carried = lanes.find(({ partition }) => partition === task.partition)?.carried;
    for (const topic of carriedTopics) {
      const { bag, count } = carried?.get(topic) ?? { bag: undefined, count: 0 };
      findings.checked('journal', count);
      if (task.journaledUpTo[topic] !== undefined && bag !== (rows.get(`${topic}/${task.partition}`) ?? EMPTY_BAG))
        differing.push({ topic, task });
    }
  }
  if (differing.length === 0) return;
  const journal = await comparison.openRows();
  try {
    for (const place of differing) await nameIn(place, journal, comparison);
  } finally {
    await journal.close();
  }
}

/** Looks up what stands in one partition, each once: where it was proven, repeats were looked up. */
async function nameIn({ topic, task }: Place, rows: JournalRows, { log, to, findings }: ToCompare): Promise<void> {
  const { partition, log: kind, journaledUpTo } = task;
  const journal = kind.kind === 'relayed' ? kind.from : undefined;
  const [sequence, events] = [new SequencePass({ topic, partition }, journal, new Findings()), new ManyEvents()];
  const check = new JournalCheck(rows, findings);
  for await (const { records } of log.read([topic], {}, endsOf(new Set([partition]), [topic], to))) {
    for (const record of records) {
      const decoded = events.decode(topic, record.value);
      if ('undecodable' in decoded) continue;
      const { event } = decoded;
      const at = sequenceOf(event);
      if (sequence.isRepeat(event, at, { topic, partition, offset: record.offset })) continue;
      const carried = carriedOf(event, at, record, journal);
      if (carried !== undefined && carried.sequence < (journaledUpTo[topic] ?? 0n))
        check.add(topic, partition, carried);
    }
    await check.compare();
  }
  await check.compare(true);
}
