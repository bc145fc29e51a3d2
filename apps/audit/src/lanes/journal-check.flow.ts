import type { Topic } from '@carat/events';
import type { JournalRows } from '../booked/journal-rows.store.js';
import { type Digest, sha256 } from '../seals/record-chain.js';
import type { Findings } from '../verify/findings.js';
import type { Relayed } from './lane.js';

const RECORDS_AT_A_TIME = 4_000;
const COMMA = 0x2c;

interface Waiting {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: bigint;
  readonly digests: Digest[];
}

/**
 * The bytes of an event before a relay put `sequence` and `journal` behind its opening brace.
 * (The relay writes `{"sequence":"n","journal":"id",` and leaves every other byte as it is.)
 */
export function unspliced(value: Buffer, { sequence, journal }: { sequence: bigint; journal: string }): Buffer {
  const members = Buffer.byteLength(`{"sequence":"${sequence}","journal":"${journal}"`);
  const rest = value.subarray(members + (value[members] === COMMA ? 1 : 0));
  return Buffer.concat([Buffer.from('{'), rest]);
}

/** Holds what a relay carried against the journal, value by value, some thousand at a time. */
export class JournalCheck {
  private readonly waiting = new Map<string, Waiting>();
  private readonly full: Waiting[] = [];

  constructor(
    private readonly journal: string,
    private readonly rows: JournalRows,
    private readonly findings: Findings,
  ) {}

  add({ topic, partition, sequence, value }: Relayed): void {
    const place = `${topic}/${partition}`;
    let waiting = this.waiting.get(place);
    if (waiting !== undefined && waiting.from + BigInt(waiting.digests.length) !== sequence) {
      this.full.push(waiting);
      waiting = undefined;
    }
    if (waiting === undefined) {
      waiting = { topic, partition, from: sequence, digests: [] };
      this.waiting.set(place, waiting);
    }
    waiting.digests.push(sha256(unspliced(value, { sequence, journal: this.journal })));
    if (waiting.digests.length < RECORDS_AT_A_TIME) return;
    this.full.push(waiting);
    this.waiting.delete(place);
  }

  /** Compares what has come together so far; with `all` also what has not filled up yet. */
  async compare(all = false): Promise<void> {
    if (all) {
      this.full.push(...this.waiting.values());
      this.waiting.clear();
    }
    for (const waiting of this.full.splice(0)) await this.compareOne(waiting);
  }

  private async compareOne({ topic, partition, from, digests }: Waiting): Promise<void> {
    this.findings.checked('journal', digests.length);
    const rows = await this.rows.digests(topic, partition, from, from + BigInt(digests.length));
    const differs = digests.findIndex((digest, index) => digest !== rows[index]);
    if (differs === -1) return;
    const offset = from + BigInt(differs);
    // Past a row that is missing every later one stands in another place, so only the first is named.
    const [code, detail] =
      rows.length < digests.length
        ? ['journal_row_missing', `${digests.length - rows.length} rows from ${from} on are not in the journal`]
        : ['record_differs_from_journal', `the value is not that of the row ${offset} of the journal`];
    this.findings.add('journal', code, `${topic}/${partition}/${offset}`, detail, { topic, partition, offset });
  }
}
