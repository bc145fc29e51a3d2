import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, type Tx } from '@carat/event-log';
import { creditIdOf, type GiftId, uuidOf } from '@carat/events';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { LEDGER_GROUP, POSITIONS_GROUP } from '../diamond-ledger/ledger-group.js';
import { type Balance, type BookedTransfer, type OffsetRow, type OwnedTransfer, positionOf } from './balance.js';

interface BalanceRow extends Omit<Balance, 'creatorId' | 'unit' | 'position'> {
  readonly offsets: readonly OffsetRow[];
  readonly included: boolean;
}

// One statement sees one snapshot: the ledger moves its offset in the transaction that moves the balance, so the
// position tells exactly what the figures hold. Doors book before the log has the event: while it has not, how far the
// log was read says nothing of what they booked.
const READ_BALANCE = `
  SELECT coalesce(b.earned, 0) AS earned, coalesce(b.awarded, 0) AS awarded, coalesce(b.adjusted, 0) AS adjusted,
         coalesce(b.reversed, 0) AS reversed, coalesce(b.available, 0) AS available, coalesce(b.held, 0) AS held,
         coalesce(b.redeemed, 0) AS redeemed, coalesce(b.recoverable, 0) AS recoverable,
         (SELECT coalesce(json_agg(json_build_array(topic, part, next_offset::text) ORDER BY topic, part), '[]')
          FROM journal.consumer_offset
          WHERE log_id = $3 AND (grp = $2 OR grp = $5 AND NOT EXISTS (
            SELECT 1 FROM payout.transfer WHERE creator_id = $1 AND log_offset IS NULL))) AS offsets,
         EXISTS (SELECT 1 FROM payout.transfer t WHERE t.event_id = $4::uuid AND t.creator_id = $1) AS included
  FROM (VALUES ($1::text)) AS asked (creator_id) LEFT JOIN payout.balance b USING (creator_id)`;

const IS_BOOKED = 'SELECT 1 FROM payout.transfer WHERE event_id = $1 AND creator_id = $2';

interface TransferRow extends Omit<BookedTransfer, 'eventId' | 'giftId' | 'bookedAt'> {
  readonly event_id: string;
  readonly gift_id: string | null;
  readonly booked_at: Date;
}

const TRANSFERS = `
  SELECT id, code, debit, credit, millidiamonds, event_id, gift_id, booked_at FROM payout.transfer`;
const NEWEST_FIRST = `${TRANSFERS}
  WHERE creator_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`;
const OWNED_TRANSFER = `
  SELECT id, code, debit, credit, millidiamonds, event_id, gift_id, booked_at, creator_id, redemption_id
  FROM payout.transfer WHERE event_id = $1`;
const BEFORE_THE_FIRST_PAGE = '9223372036854775807';

const POLL_MS = 20;

const creditEventOf = (giftId: GiftId): string => uuidOf(creditIdOf(giftId));

/** Reads of the diamond ledger: no figure is worked out here, the ledger's rows are the answer. */
@Injectable()
export class Balances {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /** A creator's balance, zeros for one without transfers. With a gift: also whether its credit is included. */
  async read(creatorId: string, after?: GiftId, tx: Tx = this.db.manager): Promise<Balance> {
    const [row] = (await tx.query(READ_BALANCE, [
      creatorId,
      LEDGER_GROUP,
      this.log.id,
      after === undefined ? null : creditEventOf(after),
      POSITIONS_GROUP,
    ])) as [BalanceRow];
    const { offsets, included, ...figures } = row;
    return {
      creatorId,
      unit: 'millidiamond',
      ...figures,
      position: positionOf(creatorId, offsets),
      ...(after === undefined ? {} : { included }),
    };
  }

  /** Resolves when the credit of a gift to the creator is booked, or when the time is up. */
  async untilCredited(creatorId: string, giftId: GiftId, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const booked = (await this.db.query(IS_BOOKED, [creditEventOf(giftId), creatorId])) as unknown[];
      if (booked.length > 0 || performance.now() + POLL_MS > deadlineMs) return;
      await sleep(POLL_MS);
    }
  }

  /** Up to `limit` transfers of a creator, newest first, older than the one of id `before`. */
  async transfers(creatorId: string, limit: number, before = BEFORE_THE_FIRST_PAGE): Promise<BookedTransfer[]> {
    const rows = (await this.db.query(NEWEST_FIRST, [creatorId, before, limit])) as TransferRow[];
    return rows.map(transferIn);
  }

  /** The transfer that an event was booked as, or undefined when it moved nothing, or nothing yet. */
  async transfer(eventId: string): Promise<OwnedTransfer | undefined> {
    const [row] = (await this.db.query(OWNED_TRANSFER, [eventId])) as (TransferRow & {
      readonly creator_id: string;
      readonly redemption_id: string | null;
    })[];
    if (row === undefined) return undefined;
    const { creator_id: creatorId, redemption_id: redemptionId, ...transfer } = row;
    return { ...transferIn(transfer), creatorId, ...(redemptionId === null ? {} : { redemptionId }) };
  }
}

const transferIn = ({
  event_id: eventId,
  gift_id: giftId,
  booked_at: bookedAt,
  ...transfer
}: TransferRow): BookedTransfer => ({
  ...transfer,
  eventId,
  ...(giftId === null ? {} : { giftId }),
  bookedAt: bookedAt.toISOString(),
});
