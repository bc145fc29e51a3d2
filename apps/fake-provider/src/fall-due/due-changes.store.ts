import { Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ClockSetting, clockSet } from '../provider-clock/clock.js';
import { CLOCK_COLUMNS, type ClockRow, clockOf, nowOfRow } from '../provider-clock/clock-row.store.js';

export interface ClockReading {
  readonly nowMs: number;
  readonly isFrozen: boolean;
}

const READ = `SELECT ${CLOCK_COLUMNS},
    least((SELECT min(due_ms) FROM fake_provider.change), (SELECT min(due_ms) FROM fake_provider.webhook)) AS "dueMs"
  FROM fake_provider.provider`;

const LOCK = `SELECT ${CLOCK_COLUMNS}, done_until_ms AS "doneUntilMs" FROM fake_provider.provider FOR UPDATE`;

const SET = `UPDATE fake_provider.provider
  SET reads_ms = $1, set_at_ms = $2, is_frozen = $3, done_until_ms = greatest(done_until_ms, $1)`;

// A payout goes to the last of its changes that are due, and every movement of money among them is booked, in the order
// in which they fell due. What a call that was slow to commit left behind is dated after the moment up to which all was
// done already: no day that was over gets another line.
const DO = `
  WITH due AS (
    DELETE FROM fake_provider.change WHERE due_ms <= $1 RETURNING *, greatest(due_ms, $2) AS at_ms
  ), newest AS (
    SELECT DISTINCT ON (payout_id) payout_id, status, reason, at_ms FROM due ORDER BY payout_id, nth DESC
  ), changed AS (
    UPDATE fake_provider.payout p SET status = n.status, reason = n.reason, updated_ms = n.at_ms
    FROM newest n WHERE p.payout_id = n.payout_id
  )
  INSERT INTO fake_provider.movement (payout_id, kind, amount_minor, fee_minor, at_ms)
  SELECT payout_id, kind, amount_minor, fee_minor, at_ms FROM due WHERE kind IS NOT NULL
  ORDER BY at_ms, due_ms, payout_id, nth`;

/** The changes of payouts that fall due as the provider's clock goes on. */
@Injectable()
export class DueChanges {
  constructor(private readonly db: DataSource) {}

  /** What the clock reads, and whether anything, a change or a webhook, is due. */
  async clock(): Promise<ClockReading & { readonly isAnythingDue: boolean }> {
    const [row] = (await this.db.query(READ)) as [ClockRow & { dueMs: string | null }];
    const nowMs = nowOfRow(row);
    return { nowMs, isFrozen: row.isFrozen, isAnythingDue: row.dueMs !== null && Number(row.dueMs) <= nowMs };
  }

  /**
   * Sets the clock, if asked to, and does every change that is due by then, in one transaction and a statement for all.
   * @throws Problem `invalid_request` when the clock would go past its last moment
   */
  doAll(setting: ClockSetting = {}): Promise<ClockReading> {
    return this.db.transaction(async (tx) => {
      const [row] = (await tx.query(LOCK)) as [ClockRow & { doneUntilMs: string }];
      const clock = clockSet(clockOf(row), Number(row.wallMs), setting);
      if (clock === undefined)
        throw new Problem('invalid_request', { errors: [{ pointer: '/advanceMs', code: 'too_big' }] });
      await tx.query(DO, [clock.readsMs, row.doneUntilMs]);
      await tx.query(SET, [clock.readsMs, clock.setAtMs, clock.isFrozen]);
      return { nowMs: clock.readsMs, isFrozen: clock.isFrozen };
    });
  }
}
