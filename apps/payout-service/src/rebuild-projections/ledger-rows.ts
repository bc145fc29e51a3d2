import { addTerms, changesBy, movedBy, type Terms, terms } from '../diamond-ledger/terms.js';
import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';

/** A row of `payout.transfer` as its event makes it, by its columns; amounts in decimal. */
export interface TransferRow {
  readonly event_id: string;
  readonly code: string;
  readonly creator_id: string;
  readonly debit: string;
  readonly credit: string;
  readonly millidiamonds: string;
  readonly gift_id: string | null;
  readonly redemption_id: string | null;
  readonly coins: string | null;
  readonly rate_id: string | null;
}

/** What events add to a row of `payout.balance`, by its columns; of `ledger_seq` where it stands afterwards. */
export type BalanceRow = Readonly<Record<'creator_id' | (typeof terms)[number] | 'ledger_seq', string>>;

/** The rows that events become, in their order. An event that comes again makes its row again. */
export const transferRowsOf = (events: readonly LedgerEvent[]): TransferRow[] =>
  events.flatMap(transfersOf).map((transfer) => ({
    event_id: transfer.eventId,
    code: transfer.code,
    creator_id: transfer.creatorId,
    debit: transfer.debit,
    credit: transfer.credit,
    millidiamonds: String(transfer.millidiamonds),
    gift_id: transfer.giftId ?? null,
    redemption_id: transfer.redemptionId ?? null,
    coins: transfer.priced === undefined ? null : String(transfer.priced.coins),
    rate_id: transfer.priced?.rate.id ?? null,
  }));

/** The number of an event among those of its creator's redemptions and adjustments; 0 of any other. */
const ledgerSeqOf = (event: LedgerEvent): number => ('ledgerSeq' in event.data ? event.data.ledgerSeq : 0);

/**
 * What events add to their creators' balances, a row for each creator. Of an event only what is among `fresh` counts,
 * and that once, so an event that was booked before, or stands here twice, adds nothing.
 */
export function balanceRowsOf(events: readonly LedgerEvent[], fresh: Iterable<string>): BalanceRow[] {
  const unbooked = new Set(fresh);
  const sums = new Map<string, { added: Terms; seq: number }>();
  for (const event of events) {
    const { creatorId } = event.data;
    const sum = sums.get(creatorId) ?? { added: changesBy([]), seq: 0 };
    const moved = transfersOf(event).filter(({ eventId }) => unbooked.delete(eventId));
    sums.set(creatorId, {
      added: addTerms(sum.added, changesBy(moved.map(movedBy))),
      seq: Math.max(sum.seq, ledgerSeqOf(event)),
    });
  }
  return [...sums].map(([creatorId, { added, seq }]) => ({
    creator_id: creatorId,
    ...(Object.fromEntries(terms.map((term) => [term, String(added[term])])) as Record<keyof Terms, string>),
    ledger_seq: String(seq),
  }));
}
