import type { DataSource, EntityManager } from 'typeorm';
import { enterPayout } from '../src/pay-creator/payouts.store.js';
import type { RedemptionCommand } from '../src/redeem-diamonds/redemption.js';
import { decideOn } from '../src/redeem-diamonds/redemption.store.js';
import type { RedemptionStatus } from '../src/redeem-diamonds/redemption-machine.js';
import type { RequestCommand } from '../src/redeem-diamonds/redemption-rules.js';
import { credit } from './redeeming.js';
import { none, quote, request, usual, wayInto } from './redemptions.js';

/** What becomes of a payout by our books. */
export interface Plan {
  readonly status: RedemptionStatus;
  readonly currency: string;
  readonly amountMinor: number;
  /** What the provider's record names as its fee. */
  readonly feeMinor?: number | undefined;
  /** It came back before we had heard that it was paid. */
  readonly isReturnedUnheard?: boolean | undefined;
  /** All of it happened a month ago. */
  readonly isOverdue?: boolean | undefined;
}

export interface Planned extends Plan {
  readonly creatorId: string;
  readonly payoutId: string;
  readonly providerReference: string;
}

type Kind = RedemptionCommand['kind'];
const AT_ONCE = 4;
const unheard: readonly Kind[] = [...wayInto.in_transit, 'returned'];
let creators = 0;

/** Redemptions that went this way, each of a creator of its own, by the very door: events and postings are real. */
export async function payoutsOf(db: DataSource, plans: readonly Plan[]): Promise<Planned[]> {
  const planned: Planned[] = [];
  const left = [...plans.entries()];
  const hands = Array.from({ length: AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [nth, plan] = next;
      planned[nth] = await payoutOf(db, plan);
    }
  });
  await Promise.all(hands);
  return planned;
}

async function payoutOf(db: DataSource, plan: Plan): Promise<Planned> {
  const creatorId = `planned-${++creators}`;
  const { currency, amountMinor } = plan;
  const payout = { ...plan, creatorId, providerReference: `po_${creators}`, payoutId: '' };
  const taken = quote({
    ...{ creatorId, quoteId: `qt_${creatorId}`, payout: { currency, amountMinor } },
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  });
  await credit(db, creatorId, taken.millidiamonds);
  return db.transaction(async (tx) => {
    const way = plan.isReturnedUnheard ? unheard : wayInto[plan.status];
    const payoutId = await goOn(tx, payout, way, request({ creatorId, quote: taken }));
    await hear(tx, { ...payout, payoutId });
    return { ...payout, payoutId };
  });
}

/** The payout after more of what can happen to it, the last of which is heard of the provider. */
export async function moveOn(db: DataSource, payout: Planned, status: 'paid' | 'returned'): Promise<Planned> {
  const moved = { ...payout, status };
  await db.transaction(async (tx) => {
    await goOn(tx, moved, [status]);
    await hear(tx, moved);
  });
  return moved;
}

/** Gives the usual commands of these kinds, one after the other. Answers the id of the redemption. */
async function goOn(
  tx: EntityManager,
  payout: Planned,
  kinds: readonly Kind[],
  first?: RequestCommand,
): Promise<string> {
  const { creatorId, providerReference, currency, amountMinor } = payout;
  let payoutId = payout.payoutId;
  for (const kind of kinds) {
    const [, as] = usual(kind, none);
    const about = { creatorId, ...(payoutId === '' ? {} : { redemptionId: payoutId }), logId: 'this-log' };
    const { redemption } = await decideOn(tx, { ...about, as, by: `${as}:nina` }, (_, before) => {
      const [command] = usual(kind, before);
      if (command.kind === 'request') return first ?? command;
      return 'providerReference' in command ? { ...command, providerReference } : command;
    });
    payoutId = redemption.asked.redemptionId;
    const destination = { payoutMethodId: 'pm_ok', kind: 'fake', label: 'is paid' };
    if (kind === 'submit') await enterPayout(tx, creatorId, { payoutId, currency, amountMinor, destination });
  }
  return payoutId;
}

async function hear(tx: EntityManager, payout: Planned): Promise<void> {
  const { payoutId, providerReference, status, currency, amountMinor, feeMinor, isOverdue } = payout;
  const heard = { payoutId, providerReference, status, currency, amountMinor, feeMinor };
  const agoDays = isOverdue ? 30 : 0;
  await tx.query(
    `UPDATE payout.payout SET heard = $2, heard_at = clock_timestamp() - make_interval(days => $3), call_at = NULL
     WHERE redemption_id = $1`,
    [payoutId, heard, agoDays],
  );
  await tx.query(
    `UPDATE payout.money_transfer SET booked_at = booked_at - make_interval(days => $2) WHERE payout_id = $1`,
    [payoutId, agoDays],
  );
}

/** A line of a settlement file, by the names of its columns. */
export interface FileLine {
  readonly line: string;
  readonly provider_reference: string;
  readonly payout_id: string;
  readonly kind: 'payout' | 'return';
  readonly currency: string;
  readonly amount_minor: number;
  readonly fee_minor: number;
  readonly value_date: string;
}

export const DAY = '2026-11-20';
let lines = 0;

/** The line of a movement as the provider should write it, or with something that is wrong with it. */
export const lineOf = (payout: Planned, kind: FileLine['kind'], wrong: Partial<FileLine> = {}): FileLine => ({
  line: `L-${++lines}`,
  provider_reference: payout.providerReference,
  payout_id: payout.payoutId,
  kind,
  currency: payout.currency,
  amount_minor: payout.amountMinor,
  fee_minor: kind === 'payout' ? (payout.feeMinor ?? 0) : 0,
  value_date: DAY,
  ...wrong,
});

/** Every line that the provider should write of a payout. */
export function linesOf(payout: Planned): FileLine[] {
  if (payout.status === 'paid') return [lineOf(payout, 'payout')];
  return payout.status === 'returned' ? [lineOf(payout, 'payout'), lineOf(payout, 'return')] : [];
}

/** The lines as a file. */
export const fileOf = (of: readonly FileLine[]): string =>
  [
    'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date',
    ...of.map((line) =>
      [
        line.line,
        line.provider_reference,
        line.payout_id,
        line.kind,
        line.currency,
        line.amount_minor,
        line.fee_minor,
        line.value_date,
      ].join(','),
    ),
  ].join('\r\n');
