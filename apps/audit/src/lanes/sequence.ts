import type { Position } from '@carat/event-log';
import type { Event, Topic } from '@carat/events';
import type { Findings } from '../verify/findings.js';

/**
 * A partition that a relay carries from a journal: each record has its offset there, none is left out, and whatever has
 * none was put onto the topic by somebody else.
 */
export class SequencePass {
  private next = 0n;
  /** Records that the relay wrote again. */
  repeats = 0;

  constructor(
    private readonly place: { readonly topic: Topic; readonly partition: number },
    /** Which journal; undefined where nobody knows it: then it is the one that comes first. */
    private journal: string | undefined,
    private readonly findings: Findings,
  ) {}

  /** True for an event that was seen before, or that nobody may act on. @param at its offset in the journal */
  isRepeat({ id, type, journal }: Event, at: bigint | undefined, position: Position): boolean {
    this.findings.checked('offsets');
    if (at !== undefined) this.journal ??= journal;
    if (at === undefined || journal !== this.journal) {
      const from = at === undefined ? 'no journal' : `the journal ${journal}`;
      this.findings.add('journal', 'foreign_writer', id, `${type} came from ${from}, not ${this.journal}`, position);
      return true;
    }
    if (at < this.next) {
      this.repeats += 1;
      return true;
    }
    if (at > this.next) {
      const { topic, partition } = this.place;
      const detail = `${this.next} to ${at - 1n} are missing before ${at}`;
      this.findings.add('offsets', 'sequence_gap', `${topic}/${partition}`, detail, position);
    }
    this.next = at + 1n;
    return false;
  }

  /** Every record was read. @param confirmed up to where the relay was once told that the log has everything */
  end(confirmed: bigint): void {
    if (this.next >= confirmed) return;
    const { topic, partition } = this.place;
    const detail = `${this.next} to ${confirmed - 1n} were confirmed to the relay, and are not there`;
    this.findings.add('journal', 'record_lost', `${topic}/${partition}`, detail);
  }
}
