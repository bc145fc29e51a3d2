import type { LedgerEvent } from '../src/diamond-ledger/transfers-of.js';

/** The terms of one creator's balance, in millidiamonds. */
export interface NaiveBalance {
  earned: bigint;
  awarded: bigint;
  adjusted: bigint;
  reversed: bigint;
  held: bigint;
  redeemed: bigint;
  available: bigint;
  recoverable: bigint;
}

const zeros = (): NaiveBalance => ({
  earned: 0n,
  awarded: 0n,
  adjusted: 0n,
  reversed: 0n,
  held: 0n,
  redeemed: 0n,
  available: 0n,
  recoverable: 0n,
});

const PAYOUT_ON_ITS_WAY = ['submitted', 'in_transit', 'unknown'];
const NOT_SENT_YET = ['requested', 'in_review', 'pending_approval', 'approved'];

/**
 * The books once more, the slow way and straight from the rules of money: no transfers, no accounts, one event after
 * the other. It shares nothing with the ledger that it is compared with.
 */
export function naiveBalances(events: readonly LedgerEvent[]): Map<string, NaiveBalance> {
  const balances = new Map<string, NaiveBalance>();
  const seen = new Set<string>();
  for (const event of events) {
    if (seen.has(event.id)) continue;
    seen.add(event.id);
    const balance = balances.get(event.data.creatorId) ?? zeros();
    if (apply(balance, event)) balances.set(event.data.creatorId, balance);
  }
  for (const balance of balances.values()) {
    const { earned, awarded, adjusted, reversed, redeemed, held } = balance;
    const net = earned + awarded + adjusted - reversed - redeemed - held;
    balance.available = net > 0n ? net : 0n;
    balance.recoverable = net < 0n ? -net : 0n;
  }
  return balances;
}

/** False when the event moves nothing at all. */
function apply(balance: NaiveBalance, event: LedgerEvent): boolean {
  const m = BigInt(event.data.millidiamonds);
  const move = (changes: Partial<NaiveBalance>): true => {
    for (const [term, change] of Object.entries(changes)) balance[term as keyof NaiveBalance] += change;
    return true;
  };
  const from = 'from' in event.data ? event.data.from : '';
  switch (event.type) {
    case 'carat.diamonds.credited.v1':
      return move({ earned: m });
    case 'carat.diamonds.reversed.v1':
      return move({ reversed: m });
    case 'carat.diamonds.corrected.v1':
    case 'carat.balance.adjusted.v1':
      return move({ adjusted: m });
    case 'carat.diamonds.awarded.v1':
      return move({ awarded: m });
    case 'carat.award.revoked.v1':
      return move({ awarded: -m });
    case 'carat.redemption.requested.v1':
      return from === 'none' && move({ held: m });
    case 'carat.redemption.rejected.v1':
    case 'carat.redemption.cancelled.v1':
    case 'carat.redemption.expired.v1':
      return NOT_SENT_YET.includes(from) && move({ held: -m });
    case 'carat.redemption.failed.v1':
    case 'carat.redemption.returned.v1':
      if (from === 'paid') return move({ redeemed: -m });
      return PAYOUT_ON_ITS_WAY.includes(from) && move({ held: -m });
    case 'carat.redemption.paid.v1':
      if (from === 'failed') return move({ redeemed: m });
      return PAYOUT_ON_ITS_WAY.includes(from) && move({ held: -m, redeemed: m });
    default:
      return false;
  }
}
