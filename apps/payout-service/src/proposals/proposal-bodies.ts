import { Id, Reason, Time } from '@carat/events';
import { z } from 'zod';
import { type Proposal, proposalHash } from './proposal.js';

/** The body of an approval: which content it is that is approved. */
export const ApprovalBody = z.object({ contentHash: Id });
export type ApprovalBody = z.infer<typeof ApprovalBody>;

export const RejectionBody = z.object({ reason: Reason });
export type RejectionBody = z.infer<typeof RejectionBody>;

/** What is answered of any proposal, beside its id and its content. */
export const ProposalFields = z.object({
  contentHash: Id.meta({ description: 'what an approval names' }),
  state: z.enum(['proposed', 'approved', 'rejected']),
  proposedBy: Id,
  proposedAt: Time,
  decideBefore: Time.meta({ description: 'from then on it cannot be approved' }),
  decidedBy: Id.optional(),
  decidedAt: Time.optional(),
  rejectedFor: z.string().optional(),
});
export type ProposalFields = Readonly<z.infer<typeof ProposalFields>>;

/** What is answered of this proposal, beside its id and its content. */
export function proposalFields(proposal: Proposal): ProposalFields {
  const { state, proposedBy, proposedAt, decideBefore } = proposal;
  const fields = { contentHash: proposalHash(proposal), state, proposedBy, proposedAt, decideBefore };
  if (proposal.state === 'proposed') return fields;
  const { decidedBy, decidedAt } = proposal;
  const decided = { ...fields, decidedBy, decidedAt };
  return proposal.state === 'approved' ? decided : { ...decided, rejectedFor: proposal.rejectedFor };
}
