import { Id, LogPosition, RateOnEvent, Time } from '@carat/events';
import { z } from 'zod';

const Decimal = z.string().regex(/^-?\d+$/);

/** The record that says a step. */
const Evidence = z.object({
  eventId: Id,
  type: z.string(),
  position: LogPosition,
  recordedAt: Time.meta({ description: 'when the log took it, by its own clock' }),
  recordHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .meta({ description: 'SHA-256 over its key, headers and value, each behind its length: what its seal is made of' }),
});
export type Evidence = Readonly<z.infer<typeof Evidence>>;

/** How an amount follows from another, exactly: `formula` is to be worked out with a pencil. */
const Arithmetic = z.object({
  formula: z.string(),
  rate: RateOnEvent,
  amount: Decimal,
  unit: z.string().meta({ description: 'of the amount and its residue: millidiamond, or a minor unit like USD' }),
  residue: z
    .object({ numerator: Decimal, denominator: Decimal })
    .meta({ description: 'what rounding cut off, exactly' }),
  recomputed: z
    .enum(['equal', 'differs', 'no_rate', 'unknown'])
    .meta({ description: 'whether the function of the service gives the same today; no_rate: it finds no rate' }),
  against: z
    .enum(['rate_book', 'rate'])
    .meta({ description: 'rate_book: also that this was the rate in force; rate: with this rate alone' }),
});
export type Arithmetic = Readonly<z.infer<typeof Arithmetic>>;

/** What the ledger moves for an event; millidiamonds in decimal. */
const Moved = z.object({
  code: z.string(),
  debit: z.string(),
  credit: z.string(),
  millidiamonds: Decimal,
  booked: z
    .object({ id: Decimal, bookedAt: Time })
    .nullable()
    .optional()
    .meta({ description: 'the row of the ledger; null: there is none; absent: the ledger was not asked' }),
});
export type Moved = Readonly<z.infer<typeof Moved>>;

const stepNames = [
  'coins_purchased',
  'gift_sent',
  'rate_proposed',
  'rate_approved',
  'diamonds_credited',
  'gift_reversed',
  'diamonds_reversed',
  'diamonds_corrected',
  'diamonds_awarded',
  'award_revoked',
  'balance_adjusted',
  'redemption_requested',
  'redemption_moved',
  'settlement_line',
] as const;
type StepName = (typeof stepNames)[number];

/** One step of the way. The sentence is for everyone who may see the step; `detail` and `by` are for staff. */
const Step = z.object({
  step: z.enum(stepNames),
  id: Id.meta({ description: 'what the step is about: a purchase, gift, rate, credit, redemption, line' }),
  sentence: z.string(),
  detail: z.string().optional(),
  by: z.array(Id).optional().meta({ description: 'who did it; where two people were needed, both' }),
  at: Time.optional(),
  arithmetic: Arithmetic.optional(),
  moved: Moved.optional(),
  evidence: Evidence.optional().meta({ description: 'absent: no record of the log says it, or none was found' }),
});
export type Step = Readonly<z.infer<typeof Step>>;

/** What is not known, and of which step. */
const NotKnown = z.object({ step: z.enum(stepNames), sentence: z.string() });
export type NotKnown = Readonly<z.infer<typeof NotKnown>>;

/** How one thing came about, step by step. Every amount is a decimal string. */
export const Explanation = z.object({
  id: Id,
  kind: z.enum(['gift', 'redemption', 'adjustment', 'award', 'correction']),
  /** What was explained: the gift of a credit, the redemption of one of its events. */
  about: Id,
  creatorId: Id,
  sentence: z.string(),
  steps: z.array(Step),
  notKnown: z.array(NotKnown),
});
export type Explanation = Readonly<z.infer<typeof Explanation>>;

// The viewer's purchases, the people who decide, and what the provider settles are not the creator's.
const FOR_STAFF: readonly StepName[] = ['coins_purchased', 'rate_proposed', 'settlement_line'];
// A digest of what one may not read would confirm a guess of it. These records hold nothing but the creator's own.
const WHOLLY_THE_CREATORS: readonly StepName[] = ['diamonds_credited', 'diamonds_reversed'];

/** What of an explanation its creator is told. */
export function forCreator({ steps, notKnown, ...explanation }: Explanation): Explanation {
  const isTold = ({ step }: { readonly step: StepName }): boolean => !FOR_STAFF.includes(step);
  return { ...explanation, steps: steps.filter(isTold).map(told), notKnown: notKnown.filter(isTold) };
}

function told({ detail: _, by: __, evidence, ...step }: Step): Step {
  if (evidence === undefined) return step;
  const { recordHash, ...place } = evidence;
  return {
    ...step,
    evidence: recordHash !== undefined && WHOLLY_THE_CREATORS.includes(step.step) ? { ...place, recordHash } : place,
  };
}
