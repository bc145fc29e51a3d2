import { contentHash, derivedUuid, Id, Reason, Time } from '@carat/events';
import { z } from 'zod';

/** The body of a proposal: how a payout of unknown outcome came out, and what shows it. */
export const SettlementBody = z.object({
  outcome: z.enum(['paid', 'failed']),
  evidence: Reason.meta({ description: 'what shows it: the bank’s statement, the provider’s letter, a ticket' }),
});
export type SettlementBody = Readonly<z.infer<typeof SettlementBody>>;

/** The body of an approval; there need not be one, for the id names the content as well. */
export const SettlementApprovalBody = z.object({ contentHash: Id.optional() }).nullish();
export type SettlementApprovalBody = z.infer<typeof SettlementApprovalBody>;

/** A proposal as it is answered. */
export const ListedSettlement = z.object({
  settlementId: Id,
  redemptionId: Id,
  ...SettlementBody.shape,
  contentHash: Id.meta({ description: 'what an approval names' }),
  state: z.enum(['proposed', 'approved']),
  proposedBy: Id,
  proposedAt: Time,
  decidedBy: Id.optional(),
  decidedAt: Time.optional(),
});
export type ListedSettlement = Readonly<z.infer<typeof ListedSettlement>>;

export const ListedSettlements = z.object({ items: z.array(ListedSettlement), nextCursor: z.null() });
export type ListedSettlements = Readonly<z.infer<typeof ListedSettlements>>;

/** What an approval is bound to, SHA-256 in hex. */
export const settlementHash = (redemptionId: string, { outcome, evidence }: SettlementBody): string =>
  contentHash('settlement', { redemptionId, outcome, evidence });

/** The content is part of what the id is made of: who names the one has named the other. */
export const settlementIdOf = (atMs: number, hash: string, proposedBy: string): string =>
  `stl_${derivedUuid(atMs, 'settlement', hash, proposedBy)}`;
