import { type Millidiamonds, millidiamonds } from '@carat/amounts';
import type { Recorded } from '@carat/event-log';
import type { EventOf } from '@carat/events';
import { evolve, type Redemption } from '@carat/payout-service/redemption';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import type { CreatorDifference } from './blast-radius.js';

type Requested = EventOf<'carat.redemption.requested.v1'>;

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

/** A change of what a creator has, had all been booked right: from an offset of the diamonds on, or from a time on. */
interface Step {
  readonly gain: bigint;
  readonly from: { readonly offset: bigint } | { readonly atMs: number };
}

interface AskedFor {
  readonly requested: Recorded<'redemption.events.v1'> & Requested;
  /** What redemptions and adjustments had left by then; with diamonds and awards, what was available. */
  readonly booksGain: bigint;
  /** What diamonds and awards gained since the request before, up to `after`. */
  gained: bigint;
}

interface Cursor {
  readonly seen: Set<string>;
  next: number;
}

class CreatorBooks {
  readonly steps: readonly Step[];
  readonly corrections: ReadonlySet<string>;
  readonly asked: AskedFor[] = [];
  readonly states = new Map<string, Redemption>();
  readonly cursors: Readonly<Record<'diamond.events.v1' | 'award.events.v1', Cursor>> = {
    'diamond.events.v1': { seen: new Set(), next: 0 },
    'award.events.v1': { seen: new Set(), next: 0 },
  };
  booksGain = 0n;

  constructor({ creatorId, misbookings, correctionIds }: CreatorDifference) {
    this.steps = misbookings.flatMap(({ due, booked }): Step[] => [
      ...(due?.creatorId === creatorId
        ? [{ gain: due.gain, from: booked === undefined ? { atMs: due.recordedAtMs } : { offset: booked.offset } }]
        : []),
      ...(booked?.creatorId === creatorId ? [{ gain: -booked.gain, from: { offset: booked.offset } }] : []),
    ]);
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
    const { topic, offset } = event.position as { topic: keyof CreatorBooks['cursors']; offset: bigint };
    const of = this.books.get(event.data.creatorId);
    const cursor = of?.cursors[topic];
    if (of === undefined || cursor === undefined || of.corrections.has(event.id)) return;
    // What was included at one request was included at every later one, so what it gained is noted at the first.
    while (cursor.next < of.asked.length && includedBefore(of.asked[cursor.next]?.requested, topic) <= offset)
      cursor.next += 1;
    const first = of.asked[cursor.next];
    if (first === undefined || cursor.seen.has(event.id)) return;
    cursor.seen.add(event.id);
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

const includedBefore = (requested: Requested | undefined, topic: string): bigint =>
  BigInt(requested?.data.after[topic] ?? 0);

/** True when a step had been taken by the time of a request, had all gone right. */
const isBefore = ({ from }: Step, requested: Requested & { readonly recordedAtMs: number }): boolean =>
  'offset' in from ? from.offset < includedBefore(requested, 'diamond.events.v1') : from.atMs <= requested.recordedAtMs;

/** What an event changes of a creator's net account. */
const gainOf = (event: LedgerEvent): bigint =>
  transfersOf(event).reduce((sum, { debit, credit, millidiamonds: moved }) => {
    if (credit === 'creator') return sum + moved;
    return debit === 'creator' ? sum - moved : sum;
  }, 0n);
