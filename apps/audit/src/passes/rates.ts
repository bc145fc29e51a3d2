import {
  type BookedRate as BookedRateOfBook,
  emptyRateBook,
  evolve,
  proposalHash,
  type RateBook,
  RateBookBroken,
  type RateEvent,
} from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import { type BookedCashRate, type BookedRate, fractionOf, inMicroseconds } from '../booked/booked.js';
import { firstDifference } from '../booked/first-difference.js';
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

type Fractions = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Holds the rates beside transfers against those of the events that were booked. Whether these are of the book is asked
 * where gifts are priced.
 * @param said by id, all fractions that booked events say
 */
export function comparePrices(rows: readonly BookedRate[], said: Fractions, findings: Findings): void {
  findings.checked('rate-book', rows.length);
  for (const { rateId, fraction } of rows)
    if (said.get(rateId)?.has(fraction) !== true) {
      const due = [...(said.get(rateId) ?? ['nothing'])].join(' or ');
      findings.add('rate-book', 'booked_rate_differs', rateId, `${fraction}, booked events say ${due}`);
    }
  const known = new Set(rows.map(({ rateId }) => rateId));
  for (const rateId of [...said.keys()].filter((each) => !known.has(each)))
    findings.add('rate-book', 'booked_rate_missing', rateId, 'gifts were priced by it, and its row is gone');
}

/**
 * Holds the rates to cash against the book: each is what was proposed, and approved when it was.
 * @param areAllRead whether their service has read the book to its end
 */
export function compareCashRates(
  cashRates: readonly BookedCashRate[],
  book: RateBook,
  areAllRead: boolean,
  findings: Findings,
): void {
  findings.checked('rate-book', cashRates.length);
  const differ = (rateId: string, detail: string) => findings.add('rate-book', 'booked_rate_differs', rateId, detail);
  const rows = new Map(cashRates.map((row) => [row.rateId, row]));
  for (const rate of book.rates.values()) {
    const due = cashRateOf(rate);
    if (due === undefined) continue;
    const row = rows.get(due.rateId);
    rows.delete(due.rateId);
    if (row === undefined) {
      if (areAllRead) findings.add('rate-book', 'booked_rate_missing', due.rateId, 'no row has this rate to cash');
      continue;
    }
    // An approval may be in the book, and not have come to the row yet.
    const isWaiting = !areAllRead && row.approvedAt === undefined;
    const difference = firstDifference(isWaiting ? { ...due, approvedAt: undefined } : due, row);
    if (difference !== undefined) differ(due.rateId, difference);
  }
  for (const rateId of rows.keys()) differ(rateId, 'the book has no such rate to cash');
}

/** The row that a rate to cash has to have; undefined of another. */
function cashRateOf({ proposed, decision }: BookedRateOfBook): BookedCashRate | undefined {
  const { rateId, kind, market, currency, effectiveFrom, contentHash } = proposed;
  if (kind !== 'diamond-to-cash' || currency === undefined) return undefined;
  return {
    rateId,
    fraction: fractionOf(proposed),
    market,
    currency,
    effectiveFrom: inMicroseconds(effectiveFrom),
    contentHash,
    approvedAt: decision?.state === 'approved' ? inMicroseconds(decision.at) : undefined,
  };
}
