import { addTerms, balanceOf, changesBy, movedBy, nothing, type Terms, terms } from '@carat/payout-service/terms';
import { type LedgerEvent, type Transfer, transfersOf } from '@carat/payout-service/transfers-of';

/** All terms of a balance, with what is available and what is owed. */
export type Figures = ReturnType<typeof balanceOf>;

const NO_FIGURES = balanceOf(nothing);
const figures = [...terms, 'available', 'recoverable'] as const;

// Sixteen bytes where the text has thirty-six.
const bytesOf = (uuid: string): string => Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1');

/**
 * What creators have by the events that were taken: the ledger's own map of an event to a transfer, and its own sums of
 * terms. An event counts once, by its id, as in the ledger.
 */
export class FoldedBalances {
  private readonly byCreator: Map<string, Terms>;
  /** By partition: a V8 set ends at 2^24 members, and what is repeated is repeated where it stood. */
  private readonly seen = new Map<string, Set<string>>();
  private repeated = 0;

  constructor(from: ReadonlyMap<string, Terms> = new Map()) {
    this.byCreator = new Map(from);
  }

  /** `place` names the partition. */
  take(event: LedgerEvent, place: string): void {
    const id = bytesOf(event.id);
    const seen = this.seen.get(place) ?? new Set();
    if (seen.has(id)) this.repeated += 1;
    else {
      this.seen.set(place, seen.add(id));
      for (const transfer of transfersOf(event)) this.add(transfer);
    }
  }

  /** Zeros for a creator of whom nothing was taken. */
  of(creatorId: string): Figures {
    return balanceOf(this.byCreator.get(creatorId) ?? nothing);
  }

  /** The sum over all creators, figure by figure: what one is owed is not set off against what another owes. */
  total(): Figures {
    const total: Record<(typeof figures)[number], bigint> = { ...NO_FIGURES };
    for (const of of this.byCreator.values()) {
      const balance = balanceOf(of);
      for (const figure of figures) total[figure] += balance[figure];
    }
    return total;
  }

  get creators(): number {
    return this.byCreator.size;
  }

  get repeats(): number {
    return this.repeated;
  }

  private add(transfer: Transfer): void {
    const before = this.byCreator.get(transfer.creatorId) ?? nothing;
    this.byCreator.set(transfer.creatorId, addTerms(before, changesBy([movedBy(transfer)])));
  }
}
