import { creditIdOf, Id, LogPosition, Time } from '@carat/events';
import { z } from 'zod';

/** Which upstream event is asked about. */
export const ReceiptQuery = z.object({ source: Id, id: Id });
export type ReceiptQuery = Readonly<z.infer<typeof ReceiptQuery>>;

const Decimal = z.string().regex(/^\d+$/);

/** What gift-service says of a request, as far as a receipt needs it. */
export const Decided = z.object({
  status: z.enum(['accepted', 'refused', 'held']),
  reason: z.string().optional(),
  giftId: Id.optional(),
  creatorId: Id.optional(),
  decidedAt: Time,
  position: LogPosition.optional(),
  recordedAt: Time.optional(),
});
export type Decided = Readonly<z.infer<typeof Decided>>;

/** What conversion-service says of a gift's credit. */
export const Credit = z.object({
  creditId: Id,
  millidiamonds: Decimal,
  rateId: Id,
  creditedAt: Time,
  position: LogPosition,
});
export type Credit = Readonly<z.infer<typeof Credit>>;

/** What payout-service says of a credit's transfer. */
export const Transfer = z.object({ id: Decimal, code: z.string(), bookedAt: Time });
export type Transfer = Readonly<z.infer<typeof Transfer>>;

/** A service's word on one thing: what it says, that there is none (yet), or that it could not be asked. */
export type Word<T> = T | 'none' | 'unknown';

const at = Time.optional();
const position = LogPosition.optional();
const Hop = z.discriminatedUnion('service', [
  z.object({
    service: z.literal('gift-service'),
    status: z.enum(['accepted', 'refused', 'held']),
    reason: z.string().optional(),
    giftId: Id.optional(),
    at,
    position,
  }),
  z.object({
    service: z.literal('conversion-service'),
    status: z.enum(['converted', 'pending', 'unknown']),
    creditId: Id.optional(),
    millidiamonds: Decimal.optional(),
    rateId: Id.optional(),
    at,
    position,
  }),
  z.object({
    service: z.literal('payout-service'),
    status: z.enum(['booked', 'pending', 'unknown']),
    transferId: Decimal.optional(),
    code: z.string().optional(),
    at,
    position,
  }),
]);
type Hop = Readonly<z.infer<typeof Hop>>;

/** What became of one upstream event: how far it is known to have come, and every hop on the way. */
export const Receipt = z.object({
  source: Id,
  id: Id,
  status: z.enum(['accepted', 'refused', 'held', 'converted', 'booked']),
  hops: z.array(Hop),
});
export type Receipt = Readonly<z.infer<typeof Receipt>>;

/** The receipt, from what each service says. A refused or a held request has gone no further than its first hop. */
export function receiptOf(
  { source, id }: ReceiptQuery,
  decided: Decided,
  credit: Word<Credit>,
  transfer: Word<Transfer>,
): Receipt {
  const { status, reason, giftId, decidedAt } = decided;
  const first: Hop = {
    service: 'gift-service',
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(giftId === undefined ? {} : { giftId }),
    at: decidedAt,
    ...placed(decided.position),
  };
  if (status !== 'accepted' || giftId === undefined) return { source, id, status, hops: [first] };
  const hops = [first, conversionHop(giftId, credit, transfer), payoutHop(credit, transfer)];
  const far = hops.findLast((hop) => hop.status !== 'pending' && hop.status !== 'unknown') ?? first;
  return { source, id, status: far.status as Receipt['status'], hops };
}

const placed = (position: LogPosition | undefined) => (position === undefined ? {} : { position });

function conversionHop(giftId: string, credit: Word<Credit>, transfer: Word<Transfer>): Hop {
  const service = 'conversion-service';
  if (typeof credit !== 'string') {
    const { creditId, millidiamonds, rateId, creditedAt, position } = credit;
    return { service, status: 'converted', creditId, millidiamonds, rateId, at: creditedAt, position };
  }
  // What is booked was converted, whether or not its credit was found.
  if (typeof transfer !== 'string') return { service, status: 'converted', creditId: creditIdOf(giftId) };
  return { service, status: credit === 'none' ? 'pending' : 'unknown' };
}

/** A transfer stands in the ledger and not in the log: its position is that of the credit that was booked. */
function payoutHop(credit: Word<Credit>, transfer: Word<Transfer>): Hop {
  const service = 'payout-service';
  if (typeof transfer === 'string') return { service, status: transfer === 'none' ? 'pending' : 'unknown' };
  const { id: transferId, code, bookedAt } = transfer;
  const position = typeof credit === 'string' ? undefined : credit.position;
  return { service, status: 'booked', transferId, code, at: bookedAt, ...placed(position) };
}
