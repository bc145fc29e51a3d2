import { Currency, Id, LogRecords } from '@carat/events';
import { z } from 'zod';
import { Decimal } from '../balances/balance.js';
import { Day } from '../settlement-files/settlement-line.js';

/** Every record of one redemption, in order. */
export const RedemptionRecords = LogRecords.extend({ redemptionId: Id, creatorId: Id });
export type RedemptionRecords = Readonly<z.infer<typeof RedemptionRecords>>;

/** The provider's lines of one payout, whose id is that of its redemption; amounts in minor units, in decimal. */
export const SettledLines = z.object({
  items: z.array(
    z.object({
      provider: Id,
      line: Id,
      kind: z.enum(['payout', 'return']),
      currency: Currency,
      amountMinor: Decimal,
      feeMinor: Decimal,
      valueDate: Day,
      providerReference: Id,
    }),
  ),
});
export type SettledLines = Readonly<z.infer<typeof SettledLines>>;
