import { Currency, Id, RateOnEvent, Reason, redemptionStates, Time } from '@carat/events';
import { z } from 'zod';
import { approvalsInForce, BY_TIERS, contentHashOf } from '../approve-redemptions/approval.js';
import { PayoutMethod } from '../payout-methods/payout-method.js';
import { Money } from '../quote-redemption/quote-bodies.js';
import { codesIn, holdReasons } from '../screen-redemptions/hold-reasons.js';
import type { Redemption } from './redemption.js';
import { UNDECIDED } from './redemption-machine.js';
import { type ApprovalTiers, approversNeeded } from './redemption-rules.js';

/** The body of a request: which quote is taken up, and where the money goes. */
export const WantedRedemption = z.object({ creatorId: Id, quoteId: Id, payoutMethodId: Id });
export type WantedRedemption = z.infer<typeof WantedRedemption>;

/** The body of a cancellation; there need not be one. */
export const Cancellation = z.object({ reason: Reason.optional() }).nullish();
export type Cancellation = z.infer<typeof Cancellation>;

const State = z.enum(redemptionStates).exclude(['none']);

/** A redemption as it is answered. */
export const ListedRedemption = z.object({
  redemptionId: Id,
  creatorId: Id,
  state: State,
  millidiamonds: z.int().min(1),
  payout: Money,
  rate: RateOnEvent,
  payoutMethodId: Id,
  payoutMethod: PayoutMethod.pick({ kind: true, label: true })
    .optional()
    .meta({ description: 'the account as it is now' }),
  quoteId: Id.optional(),
  contentHash: Id.meta({ description: 'what an approval names: all of the above, the account included' }),
  approvals: z.object({ given: z.int(), needed: z.int() }),
  late: z.boolean().meta({ description: 'paid after it had been called failed' }),
  createdAt: Time,
  decideBefore: Time.optional().meta({ description: 'without a decision it expires then' }),
  reason: z.string().optional(),
  heldFor: z
    .array(z.object({ code: z.string().optional(), tellsCreator: z.string() }))
    .optional()
    .meta({ description: 'while it is looked into: why, in words for the creator; the codes are for staff' }),
  providerReference: Id.optional(),
});
export type ListedRedemption = Readonly<z.infer<typeof ListedRedemption>>;

/** What a redemption is looked at with: where its money goes as that is now, when, and whether by staff. */
export interface Glance {
  readonly method: Pick<PayoutMethod, 'kind' | 'label'> | undefined;
  readonly atMs: number;
  readonly approvalTtlMs: number;
  readonly tiers: ApprovalTiers;
  readonly isByStaff: boolean;
}

/** The redemption as its answer. */
export function listedRedemption(
  redemption: Exclude<Redemption, { status: 'none' }>,
  glance: Glance,
): ListedRedemption {
  const { asked, askedAt, status, reason, providerReference } = redemption;
  const { redemptionId, creatorId, millidiamonds, payout, rate, payoutMethodId, quoteId, decideBefore } = asked;
  return {
    redemptionId,
    creatorId,
    state: status,
    millidiamonds,
    payout,
    rate,
    payoutMethodId,
    ...(glance.method === undefined ? {} : { payoutMethod: glance.method }),
    ...(quoteId === undefined ? {} : { quoteId }),
    ...approvedAs(redemption, glance),
    late: status === 'paid' && redemption.isLate,
    createdAt: askedAt,
    ...(decideBefore === undefined ? {} : { decideBefore }),
    ...(status === 'in_review' ? { heldFor: heldFor(reason, glance) } : {}),
    // The reasons of a review are codes, which are told in other words.
    ...(reason === undefined || status === 'in_review' ? {} : { reason }),
    ...(providerReference === undefined ? {} : { providerReference }),
  };
}

/** As long as it is undecided, the content is what it is now; later it is what was approved. */
function approvedAs(
  { asked, status, approvals }: Exclude<Redemption, { status: 'none' }>,
  { method, atMs, approvalTtlMs, tiers }: Glance,
): Pick<ListedRedemption, 'contentHash' | 'approvals'> {
  const isUndecided = (UNDECIDED as readonly string[]).includes(status);
  const contentHash = isUndecided ? contentHashOf(asked, method) : (approvals.at(-1)?.contentHash ?? asked.contentHash);
  const counting = isUndecided ? approvalsInForce(approvals, contentHash, atMs, approvalTtlMs) : approvals;
  const people = counting.filter(({ by }) => by !== BY_TIERS);
  return { contentHash, approvals: { given: people.length, needed: approversNeeded(asked.millidiamonds, tiers) } };
}

const heldFor = (reason: string | undefined, { isByStaff }: Glance) =>
  codesIn(reason).map((code) => ({ ...(isByStaff ? { code } : {}), tellsCreator: holdReasons[code].tellsCreator }));

/** Which redemptions are asked for; times are half-open. */
export const RedemptionsFilter = z.object({
  state: State.optional(),
  creatorId: Id.optional(),
  currency: Currency.optional(),
  createdFrom: Time.optional(),
  createdTo: Time.optional().meta({ description: 'up to this time, which is not included' }),
});
export type RedemptionsFilter = z.infer<typeof RedemptionsFilter>;

export const ListedRedemptions = z.object({ items: z.array(ListedRedemption), nextCursor: z.string().nullable() });
export type ListedRedemptions = Readonly<z.infer<typeof ListedRedemptions>>;
