import type { Tx } from '@carat/event-log';
import { eligibilityOf } from '../eligibility/eligibility.store.js';
import { lockPayoutMethod } from '../payout-methods/payout-methods.store.js';
import type { Standing } from './screening.js';

/** How things stand with a creator and a payout method, under the lock of the creator's balance. Locks the method. */
export async function standingOf(
  tx: Tx,
  creatorId: string,
  payoutMethodId: string,
  isEligibilityRequired: boolean,
): Promise<Standing> {
  const [balance] = (await tx.query('SELECT recoverable FROM payout.balance WHERE creator_id = $1', [creatorId])) as {
    recoverable: string;
  }[];
  return {
    eligibility: await eligibilityOf(tx, creatorId),
    isEligibilityRequired,
    recoverable: BigInt(balance?.recoverable ?? 0),
    method: await lockPayoutMethod(tx, payoutMethodId, creatorId),
  };
}
