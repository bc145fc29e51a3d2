import { millidiamonds } from '@carat/amounts';
import type { RateBook } from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import type { Event, EventOf, Topic } from '@carat/events';
import { payoutOf } from '@carat/payout-service/payout';
import { evolve, type Redemption, RedemptionBroken } from '@carat/payout-service/redemption';
import { type RedemptionEvent, SENT, UNDECIDED } from '@carat/payout-service/redemption-machine';
import { changesBy, movedBy } from '@carat/payout-service/terms';
import { transfersOf } from '@carat/payout-service/transfers-of';
import type { Findings } from '../verify/findings.js';
import type { Covered, CoverPoint } from './cover.js';

type BooksEvent = Event<'redemption.events.v1'>;

/** What a creator's own events come to. */
interface Own {
  /** The number of the last of them. */
  seq: number;
  /** What redemptions and adjustments have left of the creator's net, alone. */
  net: bigint;
}

interface Request {
  readonly millidiamonds: bigint;
  readonly own: bigint;
  readonly position: Position;
}

/** A redemption that was asked for, as its events have made it. */
export type Asked = Exclude<Redemption, { status: 'none' }>;

const COVERING: readonly Topic[] = ['diamond.events.v1', 'award.events.v1'];
const HELD: readonly string[] = [...UNDECIDED, ...SENT];

/**
 * Every redemption of some creators goes a legal way, nobody approves their own, the money is what the rate makes of
 * the diamonds, and each request was covered by what the balance then included. Events of one creator come in the order
 * of the log.
 */
export class RedemptionsPass {
  private readonly redemptions = new Map<string, Redemption>();
  private readonly owns = new Map<string, Own>();
  private readonly requests = new Map<string, Request>();
  /** Where the log has to be summed up to know whether a request was covered. */
  readonly points: CoverPoint[] = [];

  constructor(
    private readonly rates: RateBook,
    private readonly findings: Findings,
  ) {}

  add(event: BooksEvent, position: Position): void {
    this.findings.checked('redemptions');
    this.number(event, position);
    if (event.type === 'carat.balance.adjusted.v1') this.adjusted(event, position);
    else this.moved(event, position);
  }

  /** What the events say of each redemption. */
  *states(): Generator<Asked> {
    for (const redemption of this.redemptions.values()) if (redemption.status !== 'none') yield redemption;
  }

  /** The number of the last event of each creator's own. */
  ledgerSeqs(): ReadonlyMap<string, number> {
    return new Map([...this.owns].map(([creatorId, { seq }]) => [creatorId, seq]));
  }

  /** Holds every request against what the log had given the creator by then. */
  cover(covered: readonly Covered[]): void {
    const gained = new Map<string, bigint>();
    for (const { subject, gained: more } of covered) gained.set(subject, (gained.get(subject) ?? 0n) + more);
    for (const [id, { millidiamonds: amount, own, position }] of this.requests) {
      const available = own + (gained.get(id) ?? 0n);
      if (available >= amount) continue;
      const detail = `${amount} millidiamonds were requested and ${available} available`;
      this.findings.add('redemptions', 'redemption_exceeds_available', id, detail, position);
    }
  }

  private number({ id, data }: BooksEvent, position: Position): void {
    const own = this.owns.get(data.creatorId) ?? { seq: 0, net: 0n };
    this.owns.set(data.creatorId, own);
    if (data.ledgerSeq !== own.seq + 1)
      this.findings.add(
        'redemptions',
        'ledger_sequence_broken',
        id,
        `/data/ledgerSeq is ${data.ledgerSeq}, after ${own.seq} of ${data.creatorId}`,
        position,
      );
    own.seq = data.ledgerSeq;
  }

  private adjusted(event: EventOf<'carat.balance.adjusted.v1'>, position: Position): void {
    const { adjustmentId, proposedBy, approvedBy, creatorId } = event.data;
    if (proposedBy === approvedBy) this.selfApproved(adjustmentId, approvedBy, position);
    this.gain(creatorId, event);
  }

  private moved(event: RedemptionEvent, position: Position): void {
    const { redemptionId, creatorId } = event.data;
    const before = this.redemptions.get(redemptionId) ?? { status: 'none' };
    if (before.status === 'none') this.asked(event, position);
    else this.same(before.asked, event, position);
    this.approved(before, event, position);
    try {
      this.redemptions.set(redemptionId, evolve(before, event));
    } catch (error) {
      if (!(error instanceof RedemptionBroken)) throw error;
      this.findings.add('redemptions', 'illegal_move', redemptionId, error.message, position);
    }
    this.gain(creatorId, event);
  }

  private asked({ id, data }: RedemptionEvent, position: Position): void {
    const { redemptionId, creatorId, millidiamonds: amount, after, payout, rate } = data;
    const own = this.owns.get(creatorId)?.net ?? 0n;
    this.requests.set(redemptionId, { millidiamonds: BigInt(amount), own, position });
    for (const topic of COVERING)
      this.points.push({ creatorId, subject: redemptionId, topic, before: BigInt(after[topic] ?? 0) });
    const booked = this.rates.rates.get(rate.id);
    const found = booked && `${booked.proposed.numerator}/${booked.proposed.denominator} ${booked.proposed.rounding}`;
    const isInBook =
      found === `${rate.numerator}/${rate.denominator} ${rate.rounding}` &&
      booked?.decision?.state === 'approved' &&
      booked.proposed.kind === 'diamond-to-cash' &&
      booked.proposed.currency === payout.currency;
    if (!isInBook)
      this.findings.add('redemptions', 'rate_not_in_book', id, `${rate.id} is ${found ?? 'not there'}`, position);
    const due = payoutOf(millidiamonds(amount), rate);
    if (due !== BigInt(payout.amountMinor))
      this.findings.add(
        'redemptions',
        'payout_differs',
        redemptionId,
        `/data/payout/amountMinor is ${payout.amountMinor}, due is ${due}`,
        position,
      );
  }

  /** What was asked for stays what it is. */
  private same(asked: EventOf<'carat.redemption.requested.v1'>['data'], { data }: RedemptionEvent, at: Position): void {
    const isSame =
      asked.creatorId === data.creatorId &&
      asked.millidiamonds === data.millidiamonds &&
      asked.payout.currency === data.payout.currency &&
      asked.payout.amountMinor === data.payout.amountMinor;
    if (isSame) return;
    const detail = `asked for were ${asked.millidiamonds} millidiamonds of ${asked.creatorId}, this is of others`;
    this.findings.add('redemptions', 'redemption_changed', data.redemptionId, detail, at);
  }

  private approved(before: Redemption, { type, data }: RedemptionEvent, position: Position): void {
    if (before.status === 'none') return;
    if (type === 'carat.redemption.approved.v1' && data.by === before.asked.by)
      this.selfApproved(data.redemptionId, data.by, position);
    if (type === 'carat.redemption.approved.v1' && before.releasedBy.includes(data.by))
      this.selfApproved(data.redemptionId, data.by, position);
    if ('proposedBy' in data && data.proposedBy === data.by) this.selfApproved(data.redemptionId, data.by, position);
  }

  private selfApproved(id: string, by: string, position: Position): void {
    this.findings.add('redemptions', 'self_approval', id, `${by} approved what ${by} had brought about`, position);
  }

  private gain(creatorId: string, event: BooksEvent): void {
    const own = this.owns.get(creatorId);
    for (const transfer of transfersOf(event)) {
      const { adjusted, held, redeemed } = changesBy([movedBy(transfer)]);
      if (own !== undefined) own.net += adjusted - held - redeemed;
    }
  }
}

/** What the redemptions of a creator hold and have redeemed, in millidiamonds. */
export interface ByState {
  readonly held: bigint;
  readonly redeemed: bigint;
}

/** Held and redeemed millidiamonds of each creator, by the states of its redemptions. */
export function byState(states: Iterable<Asked>): ReadonlyMap<string, ByState> {
  const sums = new Map<string, { held: bigint; redeemed: bigint }>();
  for (const { status, asked } of states) {
    const { creatorId } = asked;
    const amount = BigInt(asked.millidiamonds);
    const sum = sums.get(creatorId) ?? { held: 0n, redeemed: 0n };
    sums.set(creatorId, sum);
    if (HELD.includes(status)) sum.held += amount;
    if (status === 'paid') sum.redeemed += amount;
  }
  return sums;
}
