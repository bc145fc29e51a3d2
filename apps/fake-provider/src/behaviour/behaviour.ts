import { z } from 'zod';
import { ALL } from '../dice.js';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

const chance = (of: string) =>
  z
    .int()
    .min(0)
    .max(ALL)
    .default(0)
    .meta({ description: `${of}, times in 10,000` });
const delay = (ms: number, until: string) =>
  z
    .int()
    .min(0)
    .max(400 * DAY_MS)
    .default(ms)
    .meta({ description: `milliseconds ${until}` });

const isPossible = (chances: Readonly<Record<string, number>>): boolean =>
  Object.values(chances).reduce((sum, one) => sum + one, 0) <= ALL;
const TOO_MANY = 'the chances come to more than 10,000';

const Plans = z
  .strictObject({
    refuses: chance('says no for ever, 422'),
    isBusy: chance('turns the call away, 429'),
    isDown: chance('turns the call away, 503'),
    breaksAfterAccepting: chance('accepts, and answers 500'),
    neverAnswers: chance('accepts, and gives no answer'),
    failsLate: chance('accepts, and fails after a while'),
    failsThenPays: chance('fails, and is paid later all the same'),
    paysThenReturns: chance('is paid, and comes back'),
    holds: chance('is held for compliance, and paid much later'),
    paysAnotherAmount: chance('pays one minor unit less than was asked'),
    neverSettles: chance('stays pending, and says nothing'),
  })
  .refine(isPossible, TOO_MANY);

const Delays = z.strictObject({
  settleMs: delay(2 * SECOND_MS, 'from accepting to paid or held'),
  failMs: delay(60 * SECOND_MS, 'from accepting to failed'),
  latePaymentMs: delay(HOUR_MS, 'from failed to paid'),
  returnMs: delay(DAY_MS, 'from paid to returned'),
  reviewMs: delay(DAY_MS, 'from held to paid'),
  holdOpenMs: delay(30 * SECOND_MS, 'of the wall clock for which a call without an answer is held open'),
});

const Webhooks = z
  .strictObject({
    doubled: chance('is sent twice'),
    reordered: chance('those of a payout come in the opposite order'),
    unsigned: chance('carries no signature'),
    wronglySigned: chance('carries a signature of something else'),
    never: chance('is not sent at all'),
    delayedMs: delay(0, 'from a change to its webhook'),
  })
  .refine(({ unsigned, wronglySigned }) => isPossible({ unsigned, wronglySigned }), TOO_MANY);

const SettlementFiles = z
  .strictObject({
    missingLines: chance('is left out'),
    duplicateLines: chance('stands there twice'),
    wrongAmounts: chance('says one minor unit too much'),
    wrongFees: chance('says a fee that is one minor unit too high'),
    unknownPayouts: chance('names a payout that nobody asked for'),
    lateLines: chance('stands in the file of the next day'),
  })
  .refine(isPossible, TOO_MANY);

/**
 * How the provider behaves, where neither payout method nor amount says so. What is left out is calm.
 * With one seed the same payout always meets the same fate, and the same line of a file the same break.
 */
export const Behaviour = z.strictObject({
  seed: z.int().default(1),
  plans: Plans.prefault({}),
  delays: Delays.prefault({}),
  webhooks: Webhooks.prefault({}),
  settlementFiles: SettlementFiles.prefault({}),
});
export type Behaviour = Readonly<z.infer<typeof Behaviour>>;
/** What becomes of a payout. */
export type PlanName = 'pays' | keyof Behaviour['plans'];
/** What becomes of a line of a settlement file. */
export type LineBreak = keyof Behaviour['settlementFiles'];
