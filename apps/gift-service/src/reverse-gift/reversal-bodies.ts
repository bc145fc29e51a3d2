import { Id, Reason, Time } from '@carat/events';
import { z } from 'zod';

/** The body of a proposal. */
export const ReversalBody = z.object({
  reversalId: Id.meta({ description: 'a name of your own: with the gift the identity of the proposal' }),
  coins: z.int().min(1).optional().meta({ description: 'coins to take back; absent: all that still stand' }),
  reason: Id,
  restoreCoins: z.boolean().meta({ description: 'whether the coins become the sender’s again' }),
});
export type ReversalBody = z.infer<typeof ReversalBody>;

/** The body of an approval: which content it is that is approved. */
export const ReversalApprovalBody = z.object({ contentHash: Id });
export type ReversalApprovalBody = z.infer<typeof ReversalApprovalBody>;

export const ReversalRejectionBody = z.object({ reason: Reason });
export type ReversalRejectionBody = z.infer<typeof ReversalRejectionBody>;

/** A proposal as it is listed, and what became of it. */
const ListedReversal = z.object({
  reversalId: Id.meta({ description: 'rev_…: what approval, rejection and events name' }),
  giftId: Id,
  content: ReversalBody,
  contentHash: Id,
  state: z.enum(['proposed', 'approved', 'rejected']),
  proposedBy: Id,
  proposedAt: Time,
  decidedBy: Id.optional(),
  decidedAt: Time.optional(),
  rejectedFor: z.string().optional(),
  coinsTaken: z.int().min(1).optional(),
});
export type ListedReversal = Readonly<z.infer<typeof ListedReversal>>;
export const Reversals = z.object({ items: z.array(ListedReversal), nextCursor: z.string().nullable() });
export type Reversals = Readonly<z.infer<typeof Reversals>>;

/** The answer to a proposal, and to a decision on it. */
export const DecidedReversal = ListedReversal.pick({ reversalId: true, contentHash: true, state: true });
export type DecidedReversal = Readonly<z.infer<typeof DecidedReversal>>;
