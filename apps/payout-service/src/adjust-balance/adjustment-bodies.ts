import { Id, Reason } from '@carat/events';
import { z } from 'zod';
import type { Proposal } from '../proposals/proposal.js';
import { ProposalFields, proposalFields } from '../proposals/proposal-bodies.js';
import type { AdjustmentContent } from './adjustment.js';

/** The body of a proposal. */
export const AdjustmentBody = z.object({
  creatorId: Id,
  millidiamonds: z
    .int()
    .refine((amount) => amount !== 0)
    .meta({ description: 'what the creator gets, or, below 0, what is taken; not 0' }),
  reason: Reason.meta({ description: 'what the creator is told' }),
  evidence: Reason.optional().meta({ description: 'what the creator is not told' }),
});
export type AdjustmentBody = z.infer<typeof AdjustmentBody>;

/** Which adjustments are asked for. */
export const AdjustmentsFilter = z.object({ creatorId: Id.optional(), state: ProposalFields.shape.state.optional() });
export type AdjustmentsFilter = z.infer<typeof AdjustmentsFilter>;

/** An adjustment as it is answered; what else there is of the proposal is not for the creator. */
export const ListedAdjustment = z.object({
  adjustmentId: Id,
  ...AdjustmentBody.shape,
  ...ProposalFields.omit({ state: true }).partial().shape,
  state: ProposalFields.shape.state,
});
export type ListedAdjustment = Readonly<z.infer<typeof ListedAdjustment>>;

export const ListedAdjustments = z.object({ items: z.array(ListedAdjustment), nextCursor: z.string().nullable() });
export type ListedAdjustments = Readonly<z.infer<typeof ListedAdjustments>>;

/** The answer to a proposal, and to a decision on it. */
export const DecidedAdjustment = z.object({
  adjustmentId: Id,
  ...ProposalFields.pick({ contentHash: true, state: true }).shape,
});
export type DecidedAdjustment = Readonly<z.infer<typeof DecidedAdjustment>>;

/** The adjustment as its answer to people. */
export const listedAdjustment = (adjustment: Proposal<AdjustmentContent>): ListedAdjustment => ({
  adjustmentId: adjustment.proposalId,
  ...adjustment.content,
  ...proposalFields(adjustment),
});

/** The adjustment as its answer to the creator: what happened and why, and not who or by what evidence. */
export function adjustmentForCreator(adjustment: Proposal<AdjustmentContent>): ListedAdjustment {
  const { adjustmentId, creatorId, millidiamonds, reason, state, decidedAt } = listedAdjustment(adjustment);
  return { adjustmentId, creatorId, millidiamonds, reason, state, ...(decidedAt === undefined ? {} : { decidedAt }) };
}
