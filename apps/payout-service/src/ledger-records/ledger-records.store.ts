import { type EventLog, findRecord, findRecords, recordOnAnswer } from '@carat/event-log';
import { type LogRecords, type Topic, timeOfId } from '@carat/events';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { TransferCode } from '../diamond-ledger/transfers-of.js';
import type { RedemptionRecords, SettledLines } from './ledger-records.js';

const FIND_REDEMPTION = `
  SELECT creator_id AS "creatorId", requested_at AS "requestedAt", (state ->> 'version')::int AS events
  FROM payout.redemption WHERE redemption_id = $1`;

const FIND_LINES = `
  SELECT provider, line, kind, currency, amount_minor AS "amountMinor", fee_minor AS "feeMinor",
         value_date::text AS "valueDate", provider_reference AS "providerReference"
  FROM payout.settlement_line WHERE payout_id = $1 ORDER BY value_date, provider, line LIMIT 100`;

const FIND_TRANSFER = 'SELECT creator_id AS "creatorId", code FROM payout.transfer WHERE event_id = $1';

// A gift, and so its credit, may be given a little ahead of the log's clock (GIFT_SKEW).
const AHEAD_MS = 3_600_000;

const topicOf = (code: TransferCode): Topic => {
  switch (code) {
    case 'credit':
    case 'reverse':
    case 'correct':
      return 'diamond.events.v1';
    case 'award':
    case 'award_revoked':
      return 'award.events.v1';
    case 'adjust':
    case 'hold':
    case 'release':
    case 'pay':
    case 'late_pay':
    case 'unpay':
      return 'redemption.events.v1';
    default:
      return code satisfies never;
  }
};

/** Where the log speaks of what the ledger holds, found by the keys and times in the ledger's rows. */
@Injectable()
export class LedgerRecords {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /** Every record of a redemption; undefined where there is no such redemption. */
  async ofRedemption(redemptionId: string): Promise<RedemptionRecords | undefined> {
    const [row] = (await this.db.query(FIND_REDEMPTION, [redemptionId])) as {
      creatorId: string;
      requestedAt: Date;
      events: number;
    }[];
    if (row === undefined) return undefined;
    const { creatorId, requestedAt, events } = row;
    const found = await findRecords(
      this.log,
      { topic: 'redemption.events.v1', key: creatorId, sinceMs: requestedAt.getTime(), naming: redemptionId },
      ({ data }) => 'redemptionId' in data && data.redemptionId === redemptionId,
      { count: events },
    );
    return { redemptionId, creatorId, items: found.map(recordOnAnswer) };
  }

  /** What settlement files say of a payout, at most a hundred lines. */
  async settledLines(payoutId: string): Promise<SettledLines> {
    return { items: await this.db.query(FIND_LINES, [payoutId]) };
  }

  /** The record of the event that was booked; undefined where none was. */
  async ofTransfer(eventId: string): Promise<LogRecords | undefined> {
    const [row] = (await this.db.query(FIND_TRANSFER, [eventId])) as { creatorId: string; code: TransferCode }[];
    if (row === undefined) return undefined;
    const { creatorId, code } = row;
    const where = { topic: topicOf(code), key: creatorId, sinceMs: timeOfId(eventId) - AHEAD_MS, naming: eventId };
    const found = await findRecord(this.log, where, ({ id }) => id === eventId);
    return { items: found === undefined ? [] : [recordOnAnswer(found)] };
  }
}
