import { type Millidiamonds, millidiamonds } from '@carat/amounts';
import type { Recorded } from '@carat/event-log';
import type { EventOf } from '@carat/events';
import { evolve, type Redemption } from '@carat/payout-service/redemption';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import type { CreatorDifference, Step } from './blast-radius.js';
import type { RecordedAt } from './misbooking.js';

type Requested = EventOf<'carat.redemption.requested.v1'> & Recorded<'redemption.events.v1'>;

/** A redemption that was asked for after its creator's diamonds had gone wrong. */
export interface TouchedRedemption {
  readonly redemptionId: string;
  readonly creatorId: string;
  readonly requestedAt: string;
  readonly state: Redemption['status'];
  readonly millidiamonds: Millidiamonds;
  readonly payout: Requested['data']['payout'];
  /** How much of it what was due would not have covered; 0: all of it was covered. */
  readonly shortfall: Millidiamonds;
}

interface AskedFor {
  readonly requested: Requested;
  /** What redemptions and adjustments had left by then; with diamonds and awards, what was available. */
  readonly booksGain: bigint;
  /** What diamonds and awards gained since the request before, up to `after`. */
  gained: bigint;
}

class CreatorBooks {
  readonly steps: readonly Step[];
  readonly corrections: ReadonlySet<string>;
  readonly asked: AskedFor[] = [];
  readonly states = new Map<string, Redemption>();
  /** Per topic and partition, the first request at which its next event was included. */
  readonly next = new Map<string, number>();
  readonly seen = new Set<string>();
  booksGain = 0n;

  constructor({ steps, correctionIds }: CreatorDifference) {
    this.steps = steps;
    this.corrections = new Set(correctionIds);
  }
}

/**
 * Whether redemptions of some creators would have been covered, had their diamonds been booked right. The event of a
 * request says which diamonds and awards the balance then held (`after`), and the books' events come in order: so what
 * was available is added up from exactly those, without the corrections, and with every step that was due.
 *
 * First all of `redemption.events.v1`, then diamonds and awards, each in the order of the log.
 */
export class Coverage {
  private readonly books: ReadonlyMap<string, CreatorBooks>;

  constructor(differences: readonly CreatorDifference[]) {
    this.books = new Map(differences.map((of) => [of.creatorId, new CreatorBooks(of)]));
  }

  /** @throws RedemptionBroken when the events of a redemption contradict each other */
  takeBooks(event: Recorded<'redemption.events.v1'>): void {
    const of = this.books.get(event.data.creatorId);
    if (of === undefined) return;
    if (event.type === 'carat.balance.adjusted.v1') {
      if (!of.corrections.has(event.data.adjustmentId)) of.booksGain += gainOf(event);
      return;
    }
    const { redemptionId } = event.data;
    of.states.set(redemptionId, evolve(of.states.get(redemptionId) ?? { status: 'none' }, event));
    if (event.type === 'carat.redemption.requested.v1' && of.steps.some((step) => isBefore(step, event)))
      of.asked.push({ requested: event, booksGain: of.booksGain, gained: 0n });
    of.booksGain += gainOf(event);
  }

  /** True when there is a redemption to look at. */
  get isNeeded(): boolean {
    return [...this.books.values()].some(({ asked }) => asked.length > 0);
  }

  takeDiamonds(event: Recorded<'diamond.events.v1' | 'award.events.v1'>): void {
    const of = this.books.get(event.data.creatorId);
    if (of === undefined || of.corrections.has(event.id)) return;
    const { topic, partition, offset } = event.position;
    const at = { partition, offset, recordedAtMs: event.recordedAtMs };
    // What was included at one request was included at every later one, so what it gained is noted at the first.
    let next = of.next.get(`${topic}/${partition}`) ?? 0;
    for (let asked = of.asked[next]; asked && !isIncluded(asked.requested, topic, at); asked = of.asked[next])
      next += 1;
    of.next.set(`${topic}/${partition}`, next);
    const first = of.asked[next];
    if (first === undefined || of.seen.has(event.id)) return;
    of.seen.add(event.id);
    first.gained += gainOf(event);
  }

  result(): TouchedRedemption[] {
    return [...this.books.values()].flatMap((of) => {
      let gained = 0n;
      return of.asked.map((asked): TouchedRedemption => {
        gained += asked.gained;
        const { requested } = asked;
        const steps = of.steps.filter((step) => isBefore(step, requested)).reduce((sum, { gain }) => sum + gain, 0n);
        const { redemptionId, creatorId, payout } = requested.data;
        const wanted = BigInt(requested.data.millidiamonds);
        const net = asked.booksGain + gained + steps;
        return {
          redemptionId,
          creatorId,
          requestedAt: requested.time,
          state: of.states.get(redemptionId)?.status ?? 'none',
          millidiamonds: millidiamonds(wanted),
          payout,
          shortfall: millidiamonds(shortfallOf(wanted, net)),
        };
      });
    });
  }
}

function shortfallOf(wanted: bigint, available: bigint): bigint {
  if (available >= wanted) return 0n;
  return available > 0n ? wanted - available : wanted;
}

/**
 * True when a balance held an event at a request. `after` is of the creator's own partition; a record that stands
 * elsewhere, where no event of the creator belongs, is taken to be booked when it was recorded.
 */
function isIncluded({ position, recordedAtMs, data }: Requested, topic: string, at: RecordedAt): boolean {
  if (at.partition !== position.partition) return at.recordedAtMs <= recordedAtMs;
  return at.offset < BigInt(data.after[topic] ?? 0);
}

/** True when a step had been taken by the time of a request, had all gone right. */
const isBefore = ({ at }: Step, requested: Requested): boolean =>
  'offset' in at ? isIncluded(requested, 'diamond.events.v1', at) : at.recordedAtMs <= requested.recordedAtMs;

/** What an event changes of a creator's net account. */
const gainOf = (event: LedgerEvent): bigint =>
  transfersOf(event).reduce((sum, { debit, credit, millidiamonds: moved }) => {
    if (credit === 'creator') return sum + moved;
    return debit === 'creator' ? sum - moved : sum;
  }, 0n);
