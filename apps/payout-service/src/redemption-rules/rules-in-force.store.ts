import type { Tx } from '@carat/event-log';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { FIRST_TIERS, type RulesInForce, type RulesVersion, rulesInForce } from './redemption-rules.js';

// Whoever goes by the rules shares this lock until its transaction ends, and whoever changes them has it alone. So no
// version begins while a decision is under way that has not seen it: a read alone would miss one that has taken its
// clock and not committed. No row and no table is locked, so a backup, which reads all, stands in nobody's way.
const LOCK = `hashtextextended('carat.payout/redemption-rules', 0)`;

const LAST_BEGUN = `
  SELECT p.proposal_id AS "rulesId", p.content
  FROM payout.redemption_rules r JOIN payout.proposal p ON p.proposal_id = r.rules_id
  WHERE r.effective_from <= $1 ORDER BY r.effective_from DESC LIMIT 1`;

/** The rules that are in force without a version. */
export const environmentRules = (environment: PayoutEnvironment): RulesInForce => ({
  rulesId: 'environment',
  minimum: BigInt(environment.REDEMPTION_MINIMUM),
  dailyMaximum: BigInt(environment.REDEMPTION_DAILY_MAXIMUM),
  weeklyMaximum: BigInt(environment.REDEMPTION_WEEKLY_MAXIMUM),
  decisionDeadlineMs: environment.DECISION_DEADLINE,
  methodCoolingMs: environment.METHOD_COOLING,
  quoteTtlMs: environment.QUOTE_TTL,
  ...FIRST_TIERS,
});

/**
 * The rules in force at a time that the database's clock has reached, kept until the transaction ends. Where the books
 * of a creator are locked, that comes first: their clock is the time of what is decided.
 */
export async function rulesAt(tx: Tx, environment: PayoutEnvironment, at: Date): Promise<RulesInForce> {
  await tx.query(`SELECT pg_advisory_xact_lock_shared(${LOCK})`);
  const versions = (await tx.query(LAST_BEGUN, [at])) as RulesVersion[];
  return rulesInForce(versions, environmentRules(environment), at.getTime());
}

/** The rules in force now, kept until the transaction ends. */
export const rulesNow = async (tx: Tx, environment: PayoutEnvironment): Promise<RulesInForce> =>
  rulesAt(tx, environment, await databaseClock(tx));

/** Waits until nobody goes by the rules any more, and keeps them to itself until the transaction ends. */
export async function lockRules(tx: Tx): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}
