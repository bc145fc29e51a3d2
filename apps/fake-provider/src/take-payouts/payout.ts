import { Currency, Id, Time } from '@carat/events';
import { z } from 'zod';

const AmountMinor = z.int().min(1).meta({ description: 'minor units of the currency, up to 2^53 − 1' });

/** What is asked for. `payoutId` is the caller's, and its Idempotency-Key. */
export const PayoutRequest = z.object({
  payoutId: Id,
  currency: Currency,
  amountMinor: AmountMinor,
  destination: z.object({ payoutMethodId: Id, kind: Id, label: Id }),
});
export type PayoutRequest = Readonly<z.infer<typeof PayoutRequest>>;

const payoutStatuses = ['pending', 'held', 'paid', 'failed', 'returned'] as const;
export type PayoutStatus = (typeof payoutStatuses)[number];

/** A payout as the provider tells of it. */
export const Payout = z.object({
  payoutId: Id,
  providerReference: z.string(),
  status: z.enum(payoutStatuses).meta({ description: 'held: by compliance; it goes on to paid' }),
  currency: Currency,
  amountMinor: AmountMinor,
  feeMinor: z.int().min(0).meta({ description: 'charged so far; 0 while nothing was paid' }),
  reason: z.string().optional(),
  updatedAt: Time.meta({ description: 'by the provider’s clock' }),
});
export type Payout = Readonly<z.infer<typeof Payout>>;

/** A payout as it is kept. Amounts are decimal texts of minor units. */
export interface KeptPayout {
  readonly payoutId: string;
  readonly providerReference: string;
  readonly status: PayoutStatus;
  readonly currency: string;
  readonly amountMinor: string;
  /** What is charged once it is paid. */
  readonly feeMinor: string;
  readonly reason: string | null;
  readonly updatedMs: number;
}

const isCharged = (status: PayoutStatus): boolean => status === 'paid' || status === 'returned';

export const shownPayout = ({ amountMinor, feeMinor, reason, updatedMs, ...kept }: KeptPayout): Payout => ({
  ...kept,
  amountMinor: Number(amountMinor),
  feeMinor: isCharged(kept.status) ? Number(feeMinor) : 0,
  ...(reason === null ? {} : { reason }),
  updatedAt: new Date(updatedMs).toISOString(),
});
