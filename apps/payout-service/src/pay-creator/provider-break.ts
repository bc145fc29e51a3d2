import type { Break } from '../breaks/break.js';
import type { Redemption, RedemptionNote } from '../redeem-diamonds/redemption.js';
import type { ProviderAnswer } from './provider-answer.js';

/** The redemption after an answer, and whether that moved it. */
interface CameTo {
  readonly redemption: Exclude<Redemption, { status: 'none' }>;
  readonly moved: boolean;
  readonly recorded?: RedemptionNote;
}

/** What a person has to look into, of what the provider said of a payout; nothing when it adds up. */
export function breakIn(answer: ProviderAnswer, { redemption, recorded, moved }: CameTo): Break | undefined {
  const { redemptionId, payout: ours } = redemption.asked;
  const said = answer.kind === 'record' ? answer.record : { kind: answer.kind };
  const evidence = { said, ours: { state: redemption.status, ...ours } };
  const about = answer.kind === 'record' ? answer.record.status : answer.kind;
  if (recorded === 'incident') return { outcome: 'incident', redemptionId, about, evidence };
  if (recorded === 'break') {
    const isOfAmount =
      answer.kind === 'record' &&
      (answer.record.currency !== ours.currency || answer.record.amountMinor !== ours.amountMinor);
    return { outcome: isOfAmount ? 'amount_differs' : 'status_conflicts', redemptionId, about, evidence };
  }
  // Its diamonds were given back before, and may have been redeemed again since.
  if (moved && redemption.status === 'paid' && redemption.isLate)
    return { outcome: 'incident', redemptionId, about: 'paid after failed', evidence };
  return undefined;
}
