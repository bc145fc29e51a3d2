import { addTerms, changesBy, movedBy, type Terms, terms } from '../diamond-ledger/terms.js';
import { type LedgerEvent, type Transfer, transfersOf } from '../diamond-ledger/transfers-of.js';

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
  readonly log_offset: string | null;
}

/** An event, and where it stands in the log; without a position where it was read in a journal alone. */
export type PlacedEvent = LedgerEvent & {
  readonly position?: { readonly topic: string; readonly partition: number; readonly offset: bigint };
};

/** What the ledger keeps of places. */
export interface KeptPlaces {
  /** Offsets of two logs say nothing beside each other: then a place is not expected of any transfer. */
  readonly isOfOneLog: boolean;
  /** By `topic/partition`, the first offset that is kept; what was booked before it stands before every offset. */
  readonly keptFrom: Readonly<Record<string, string>>;
}

/** One row: `KeptPlaces` of a ledger, by the group that books and the id of the log. */
export const KEPT_PLACES = `
  SELECT NOT EXISTS (SELECT 1 FROM journal.consumer_offset WHERE grp = $1 AND log_id <> $2 AND next_offset > 0)
           AS "isOfOneLog",
         (SELECT coalesce(json_object_agg(topic || '/' || part, next_offset::text), '{}')
          FROM payout.positions_kept_from WHERE log_id = $2) AS "keptFrom"`;

const BEFORE_EVERY_OFFSET = -1n;

/** Where a ledger that keeps places from an offset on has to say that an event stands. */
export const placeFrom = (keptFrom: bigint, offset: bigint): bigint =>
  offset < keptFrom ? BEFORE_EVERY_OFFSET : offset;

function placeOf({ position }: PlacedEvent, { isOfOneLog, keptFrom }: KeptPlaces): string | null {
  if (position === undefined || !isOfOneLog) return null;
  const { topic, partition, offset } = position;
  return String(placeFrom(BigInt(keptFrom[`${topic}/${partition}`] ?? 0), offset));
}

/** What events add to a row of `payout.balance`, by its columns; of `ledger_seq` where it stands afterwards. */
export type BalanceRow = Readonly<Record<'creator_id' | (typeof terms)[number] | 'ledger_seq', string>>;

/** The rows that events become, in their order. An event that comes again makes its row again. */
export const transferRowsOf = (events: readonly PlacedEvent[], kept: KeptPlaces): TransferRow[] =>
  events.flatMap((event) => transfersOf(event).map((transfer) => rowOf(transfer, placeOf(event, kept))));

const rowOf = (transfer: Transfer, logOffset: string | null): TransferRow => ({
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
  log_offset: logOffset,
});

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
