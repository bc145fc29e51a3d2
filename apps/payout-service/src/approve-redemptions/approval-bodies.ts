import { Id, Reason, Time } from '@carat/events';
import { z } from 'zod';
import { Money } from '../quote-redemption/quote-bodies.js';

/** The body of an approval: its hash names what is approved. */
export const ApprovalBody = z.object({ contentHash: Id, reason: Reason.optional() });
export type ApprovalBody = z.infer<typeof ApprovalBody>;

/** The body of a rejection. */
export const RejectionBody = z.object({ contentHash: Id, reason: Reason });
export type RejectionBody = z.infer<typeof RejectionBody>;

/** The body of a release from review; there need not be one. */
export const ReleaseBody = z.object({}).nullish();

const LARGEST_BATCH = 200;

/** One decision of a batch, on whatever waits for one. */
export const BatchItem = z.object({
  id: Id.meta({ description: 'of a redemption, a settlement, or another proposal' }),
  decision: z.enum(['approve', 'reject', 'release']),
  contentHash: Id.optional().meta({ description: 'for approve and reject' }),
  reason: Reason.optional().meta({ description: 'for reject' }),
});
export type BatchItem = z.infer<typeof BatchItem>;

export const Batch = z.object({ items: z.array(BatchItem).min(1).max(LARGEST_BATCH) });
export type Batch = z.infer<typeof Batch>;

/** What each decision of a batch came to: the status that it alone would have got. */
export const BatchAnswer = z.object({
  items: z.array(z.object({ id: Id, status: z.int(), state: z.string().optional(), code: z.string().optional() })),
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;
export type BatchItemAnswer = BatchAnswer['items'][number];

/** Something that waits for a person. */
export const Waiting = z.object({
  id: Id,
  kind: z.enum(['redemption', 'review', 'unknown_outcome', 'settlement', 'adjustment', 'redemption_rules']),
  creatorId: Id.optional(),
  redemptionId: Id.optional(),
  millidiamonds: z.int().optional().meta({ description: 'of an adjustment of either sign' }),
  payout: Money.optional(),
  contentHash: Id.optional().meta({ description: 'what an approval of it names' }),
  proposedBy: Id.optional(),
  since: Time,
  yours: z.boolean().meta({ description: 'you have asked for it, proposed it or let it out of a review' }),
});
export type Waiting = Readonly<z.infer<typeof Waiting>>;

export const WaitingList = z.object({ items: z.array(Waiting), nextCursor: z.string().nullable() });
export type WaitingList = Readonly<z.infer<typeof WaitingList>>;
