import type { Tx } from '@carat/event-log';
import { timeOfId } from '@carat/events';
import { type Break, breakIdOf } from './break.js';

/** Who looks into a break that nobody has taken. */
const FIRST_OWNER = 'finance';

const OPEN = `
  INSERT INTO payout.break (break_id, outcome, redemption_id, evidence, owner, opened_at)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (break_id) DO NOTHING`;

/** Opens a break; one that was opened before stays as it is. */
export async function openBreak(tx: Tx, found: Break, at: Date): Promise<void> {
  const { outcome, redemptionId, evidence } = found;
  const fromMs = redemptionId === undefined ? at.getTime() : timeOfId(redemptionId);
  await tx.query(OPEN, [breakIdOf(fromMs, found), outcome, redemptionId ?? null, evidence, FIRST_OWNER, at]);
}
