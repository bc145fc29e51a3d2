import { contentHash } from '@carat/events';
import type { Behaviour, PlanName } from '../behaviour/behaviour.js';
import { drawsOf, outcomeOf } from '../dice.js';
import type { PayoutRequest, PayoutStatus } from './payout.js';

/** Money that moves, in minor units. Of a return, what was paid comes back; the fee does not. */
export interface PlannedMovement {
  readonly kind: 'payout' | 'return';
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
}

/** What happens to an accepted payout, `afterMs` after it was accepted. */
export interface PlannedChange {
  readonly afterMs: number;
  readonly status: Exclude<PayoutStatus, 'pending'>;
  readonly reason: string | null;
  readonly movement: PlannedMovement | null;
}

export type Signature = 'right' | 'none' | 'wrong';

/** What is told of a change. One that is sent twice has one id. */
export interface PlannedWebhook {
  readonly afterMs: number;
  readonly webhookId: string;
  readonly status: PayoutStatus;
  readonly changedAfterMs: number;
  readonly signature: Signature;
}

/** The call is not heard, and may be made again. */
interface TurnedAway {
  readonly verdict: 'turned_away';
  readonly problem: 'too_many_at_once' | 'unavailable';
}

/** The payout is not made, and never will be. */
export interface Refused {
  readonly verdict: 'refused';
}

export interface Accepted {
  readonly verdict: 'accepted';
  /** How the first call ends. Whoever calls again is told of the payout. */
  readonly answer: 'payout' | 'error' | 'nothing';
  readonly amountMinor: bigint;
  /** What paying it costs. */
  readonly feeMinor: bigint;
  readonly changes: readonly PlannedChange[];
  readonly webhooks: readonly PlannedWebhook[];
}

/** A payout's whole future, decided when it is asked for. */
export type Plan = TurnedAway | Refused | Accepted;

/** The payout methods that misbehave whatever the amount; `pm_ok`, and every other, is paid. */
const planOfMethod: ReadonlyMap<string, PlanName> = new Map([
  ['pm_timeout', 'neverAnswers'],
  ['pm_fail_late', 'failsLate'],
  ['pm_return', 'paysThenReturns'],
  ['pm_review', 'holds'],
  ['pm_silent', 'neverSettles'],
]);

/** What the last two digits of an amount mean. The first five read as the ends of HTTP statuses. */
const planOfLastDigits: ReadonlyMap<bigint, PlanName> = new Map([
  [22n, 'refuses'],
  [29n, 'isBusy'],
  [53n, 'isDown'],
  [51n, 'breaksAfterAccepting'],
  [54n, 'neverAnswers'],
  [81n, 'failsLate'],
  [82n, 'failsThenPays'],
  [83n, 'paysThenReturns'],
  [84n, 'holds'],
  [85n, 'paysAnotherAmount'],
]);

function planOfAmount({ amountMinor, destination: { payoutMethodId, kind } }: PayoutRequest): PlanName | undefined {
  const isMagic = payoutMethodId === 'pm_ok' || kind === 'fake';
  return isMagic ? planOfLastDigits.get(BigInt(amountMinor) % 100n) : undefined;
}

/** The plans that make no payout. */
const refusals: ReadonlyMap<PlanName, TurnedAway | Refused> = new Map<PlanName, TurnedAway | Refused>([
  ['refuses', { verdict: 'refused' }],
  ['isBusy', { verdict: 'turned_away', problem: 'too_many_at_once' }],
  ['isDown', { verdict: 'turned_away', problem: 'unavailable' }],
]);

const answers: ReadonlyMap<PlanName, Accepted['answer']> = new Map([
  ['breaksAfterAccepting', 'error'],
  ['neverAnswers', 'nothing'],
]);

type Moment = readonly [afterMs: number, status: PlannedChange['status']];

/** When a payout changes, of which plan; every other plan is paid once it settles. */
function momentsOf(plan: PlanName, delays: Behaviour['delays']): readonly Moment[] {
  const { settleMs, failMs, latePaymentMs, returnMs, reviewMs } = delays;
  switch (plan) {
    case 'neverSettles':
      return [];
    case 'failsLate':
      return [[failMs, 'failed']];
    case 'failsThenPays':
      return [
        [failMs, 'failed'],
        [failMs + latePaymentMs, 'paid'],
      ];
    case 'paysThenReturns':
      return [
        [settleMs, 'paid'],
        [settleMs + returnMs, 'returned'],
      ];
    case 'holds':
      return [
        [settleMs, 'held'],
        [settleMs + reviewMs, 'paid'],
      ];
    default:
      return [[settleMs, 'paid']];
  }
}

const reasons = { held: 'compliance_review', paid: null, failed: 'account_closed', returned: 'refused_by_bank' };

/** What the provider charges for paying an amount, in minor units: 25, and one for every full thousand. */
const feeMinorOf = (amountMinor: bigint): bigint => 25n + amountMinor / 1000n;

function movementAt(status: PayoutStatus, amountMinor: bigint): PlannedMovement | null {
  if (status === 'paid') return { kind: 'payout', amountMinor, feeMinor: feeMinorOf(amountMinor) };
  return status === 'returned' ? { kind: 'return', amountMinor, feeMinor: 0n } : null;
}

/** The webhooks of these changes. Draws the same number of times for each, whatever the chances are. */
function webhooksOf(
  payoutId: string,
  changes: readonly PlannedChange[],
  chances: Behaviour['webhooks'],
  draw: () => number,
): PlannedWebhook[] {
  const isReordered = draw() < chances.reordered;
  const dueAfterMs = changes.map(({ afterMs }) => afterMs + chances.delayedMs);
  if (isReordered) dueAfterMs.reverse();
  return changes.flatMap(({ status, afterMs: changedAfterMs }, nth) => {
    const signature: Signature = outcomeOf({ none: chances.unsigned, wrong: chances.wronglySigned }, draw()) ?? 'right';
    const times = draw() < chances.doubled ? 2 : 1;
    const isNeverSent = draw() < chances.never;
    const webhookId = `msg_${contentHash('webhook', [payoutId, nth]).slice(0, 32)}`;
    const webhook = { afterMs: dueAfterMs[nth] ?? 0, webhookId, status, changedAfterMs, signature };
    return isNeverSent ? [] : Array.from({ length: times }, () => webhook);
  });
}

/**
 * What becomes of a payout. The payout method decides, or else the amount, or else chance: with the seed of the
 * behaviour, the same payout always gets the same plan. A plan pays at most once.
 */
export function planOf(request: PayoutRequest, { seed, plans, delays, webhooks }: Behaviour): Plan {
  const draw = drawsOf(seed, request.payoutId);
  const drawn = outcomeOf(plans, draw());
  const plan = planOfMethod.get(request.destination.payoutMethodId) ?? planOfAmount(request) ?? drawn ?? 'pays';
  const refusal = refusals.get(plan);
  if (refusal !== undefined) return refusal;
  const asked = BigInt(request.amountMinor);
  const another = asked > 1n ? asked - 1n : asked + 1n;
  const amountMinor = plan === 'paysAnotherAmount' ? another : asked;
  const changes = momentsOf(plan, delays).map(([afterMs, status]) => ({
    afterMs,
    status,
    reason: reasons[status],
    movement: movementAt(status, amountMinor),
  }));
  return {
    verdict: 'accepted',
    answer: answers.get(plan) ?? 'payout',
    amountMinor,
    feeMinor: feeMinorOf(amountMinor),
    changes,
    webhooks: webhooksOf(request.payoutId, changes, webhooks, draw),
  };
}
