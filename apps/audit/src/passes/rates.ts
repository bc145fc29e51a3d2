import {
  emptyRateBook,
  evolve,
  proposalHash,
  type RateBook,
  RateBookBroken,
  type RateEvent,
} from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import type { Findings } from '../verify/findings.js';

/** Who seeds the first rates. Nobody else approves what they proposed, or from before their approval. */
const SEEDER = 'system:seed';

/**
 * The rate book, as the log gives it: no rate without two people, none of another content than was approved, none that
 * begins before it was approved, no two that begin together, and one in force from 1970 on.
 */
export class RatesPass {
  private book: RateBook = emptyRateBook;

  constructor(private readonly findings: Findings) {}

  add(event: RateEvent, position: Position): void {
    this.findings.checked('rate-book');
    const { rateId } = event.data;
    const find = (code: string, detail: string): void => this.findings.add('rate-book', code, rateId, detail, position);
    const proposed = this.book.rates.get(rateId)?.proposed;
    try {
      this.book = evolve(this.book, event);
    } catch (error) {
      if (!(error instanceof RateBookBroken)) throw error;
      find('rate_book_broken', error.message);
      return;
    }
    if (event.type === 'carat.rate.proposed.v1') {
      const due = proposalHash(event.data);
      if (due !== event.data.contentHash) find('proposal_changed', `its content has the hash ${due}`);
    }
    if (event.type !== 'carat.rate.approved.v1' || proposed === undefined) return;
    const { approvedBy } = event.data;
    if (approvedBy === SEEDER && proposed.proposedBy === SEEDER) return;
    if (approvedBy === proposed.proposedBy) find('self_approval', `${approvedBy} approved what ${approvedBy} proposed`);
    if (Date.parse(proposed.effectiveFrom) < Date.parse(event.time))
      find('rate_in_the_past', `in force from ${proposed.effectiveFrom}, approved ${event.time}`);
  }

  /** The whole book: no rate will come that this log does not hold yet. */
  end(): RateBook {
    for (const [line, rates] of this.book.lines) {
      const name = line.replaceAll('\n', ' ').trim();
      for (const [index, rate] of rates.entries())
        if (rates[index + 1]?.fromMs === rate.fromMs) {
          const at = new Date(rate.fromMs).toISOString();
          this.findings.add(
            'rate-book',
            'rates_overlap',
            name,
            `${rate.id} and ${rates[index + 1]?.id} begin at ${at}`,
          );
        }
      const [first] = rates;
      if (first !== undefined && first.fromMs > 0 && line.split('\n')[1] === '*')
        this.findings.add('rate-book', 'rate_gap', name, `no rate before ${new Date(first.fromMs).toISOString()}`);
    }
    return { ...this.book, completeUntilMs: Infinity };
  }
}
