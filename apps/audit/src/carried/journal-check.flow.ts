import { MOST_STRETCHES } from '@carat/event-log/readers';
import type { Topic } from '@carat/events';
import type { Digest } from '../seals/digest.js';
import type { Findings } from '../verify/findings.js';
import { type Carried, journaledDigest } from './carried.js';
import type { JournalRows } from './journal-rows.store.js';

// Of all partitions together: the journal's pages hold records of many.
const RECORDS_AT_A_TIME = 14_000;
// Questions that are on their way while records are read on.
const MOST_ASKED = 2;

/** Records of one partition that came one after another. */
interface Run {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: bigint;
  readonly digests: Digest[];
}

/** Holds what a relay carried against the journal, row by row, some thousand at a time. */
export class JournalCheck {
  private runs: Run[] = [];
  private readonly last = new Map<string, Run>();
  private count = 0;
  private readonly asked: Promise<void>[] = [];

  constructor(
    private readonly rows: JournalRows,
    private readonly findings: Findings,
  ) {}

  add(topic: Topic, partition: number, carried: Carried): void {
    const { sequence } = carried;
    const place = `${topic}/${partition}`;
    let run = this.last.get(place);
    if (run === undefined || run.from + BigInt(run.digests.length) !== sequence) {
      run = { topic, partition, from: sequence, digests: [] };
      this.last.set(place, run);
      this.runs.push(run);
    }
    run.digests.push(journaledDigest(carried));
    this.count += 1;
  }

  /** Compares what has come together so far; with `all` also what is not enough for a question yet. */
  async compare(all = false): Promise<void> {
    if (all || this.count >= RECORDS_AT_A_TIME) this.ask();
    while (this.asked.length > (all ? 0 : MOST_ASKED)) await this.asked.shift();
  }

  private ask(): void {
    const { runs } = this;
    [this.runs, this.count] = [[], 0];
    this.last.clear();
    for (let first = 0; first < runs.length; first += MOST_STRETCHES) {
      const answer = this.compareRuns(runs.slice(first, first + MOST_STRETCHES));
      // Whoever waits for it next is told.
      answer.catch(() => undefined);
      this.asked.push(answer);
    }
  }

  private async compareRuns(runs: readonly Run[]): Promise<void> {
    const stretches = runs.map(({ topic, partition, from, digests }) => ({
      topic,
      partition,
      from,
      to: from + BigInt(digests.length),
    }));
    const rows = await this.rows.digests(stretches);
    for (const [index, run] of runs.entries()) this.compareRun(run, rows[index] ?? []);
  }

  private compareRun({ topic, partition, from, digests }: Run, rows: readonly (Digest | undefined)[]): void {
    this.findings.checked('journal', digests.length);
    const found = (code: string, index: number, detail: (offset: bigint) => string): void => {
      const offset = from + BigInt(index);
      const position = { topic, partition, offset };
      if (index >= 0) this.findings.add('journal', code, `${topic}/${partition}/${offset}`, detail(offset), position);
    };
    found(
      'journal_row_missing',
      digests.findIndex((_, index) => rows[index] === undefined),
      (offset) =>
        `${digests.filter((_, index) => rows[index] === undefined).length} rows from ${offset} on are not in it`,
    );
    found(
      'record_differs_from_journal',
      digests.findIndex((digest, index) => rows[index] !== undefined && rows[index] !== digest),
      (offset) => `it is not the row ${offset} of the journal`,
    );
  }
}
