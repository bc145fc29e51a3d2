import { type Millidiamonds, millidiamonds } from '@carat/amounts';
import type { EventOf, RateOnEvent } from '@carat/events';

/** A credit or a reversal: one of a gift's movements of diamonds. */
export type DiamondsMoved = EventOf<'carat.diamonds.credited.v1' | 'carat.diamonds.reversed.v1'>;

interface Movement {
  readonly eventId: string;
  readonly kind: 'credit' | 'reversal';
  readonly creatorId: string;
  /** What the creator gains: below zero for a reversal. */
  readonly gain: Millidiamonds;
  readonly coins: number;
  readonly rate: RateOnEvent;
}

/** Where and when the log took a record. */
export interface RecordedAt {
  readonly partition: number;
  readonly offset: bigint;
  readonly recordedAtMs: number;
}

/** What conversion's own function makes of a gift event, and when the log took that. */
export interface DueMovement extends Movement {
  readonly recordedAtMs: number;
}

/** What stands in `diamond.events.v1`: of records with one event id the first, which is what the ledger books. */
export interface BookedMovement extends Movement, RecordedAt {}

/** Diamonds of a gift that two people have corrected already. */
export interface CorrectedGift {
  readonly creatorId: string;
  readonly gain: Millidiamonds;
}

/** All that happened, or should have, to the diamonds of one gift: by event id. */
export interface GiftAccount {
  readonly due: Map<string, DueMovement>;
  readonly booked: Map<string, BookedMovement>;
  readonly corrected: Map<string, CorrectedGift>;
}

export const emptyAccount = (): GiftAccount => ({ due: new Map(), booked: new Map(), corrected: new Map() });

export type MisbookingCode =
  | 'not_credited'
  | 'not_reversed'
  | 'credited_twice'
  | 'reversed_twice'
  | 'credited_without_cause'
  | 'reversed_without_cause'
  | 'wrong_kind'
  | 'wrong_creator'
  | 'wrong_coins'
  | 'wrong_rate'
  | 'wrong_rounding'
  | 'wrong_amount';

/** A movement that is due otherwise than it is booked: there is one of the two at least. */
export interface Misbooking {
  readonly code: MisbookingCode;
  readonly giftId: string;
  readonly due?: DueMovement;
  readonly booked?: BookedMovement;
}

export function movementOf({ id, type, data }: DiamondsMoved): Movement {
  const isCredit = type === 'carat.diamonds.credited.v1';
  const { creatorId, coins, rate } = data;
  const gain = millidiamonds(isCredit ? BigInt(data.millidiamonds) : -BigInt(data.millidiamonds));
  return { eventId: id, kind: isCredit ? 'credit' : 'reversal', creatorId, gain, coins, rate };
}

/** Every movement of a gift whose creator or amount is not what it should be, in the order of event ids. */
export function misbookingsOf(giftId: string, { due, booked }: GiftAccount): Misbooking[] {
  const found: Misbooking[] = [];
  for (const [eventId, owed] of due) {
    const moved = booked.get(eventId);
    if (moved === undefined) {
      if (owed.gain !== 0n)
        found.push({ code: owed.kind === 'credit' ? 'not_credited' : 'not_reversed', giftId, due: owed });
    } else if (moved.creatorId !== owed.creatorId || moved.gain !== owed.gain)
      found.push({ code: differenceBetween(owed, moved), giftId, due: owed, booked: moved });
  }
  for (const [eventId, moved] of booked)
    if (!due.has(eventId) && moved.gain !== 0n) found.push({ code: excessOf(moved, due), giftId, booked: moved });
  return found.sort((a, b) => (eventIdOf(a) < eventIdOf(b) ? -1 : 1));
}

const eventIdOf = ({ due, booked }: Misbooking): string => (booked ?? due)?.eventId ?? '';

/** The first thing that explains the difference. */
function differenceBetween(due: DueMovement, booked: BookedMovement): MisbookingCode {
  if (booked.kind !== due.kind) return 'wrong_kind';
  if (booked.creatorId !== due.creatorId) return 'wrong_creator';
  if (booked.coins !== due.coins) return 'wrong_coins';
  const [is, ought] = [booked.rate, due.rate];
  if (is.numerator !== ought.numerator || is.denominator !== ought.denominator) return 'wrong_rate';
  const off = booked.gain - due.gain;
  // Two ways to round the same are one apart at most.
  return off === 1n || off === -1n ? 'wrong_rounding' : 'wrong_amount';
}

/** What stands under an id of its own: the gift's again, or, where the gift moves nothing of the kind, nobody's. */
function excessOf({ kind }: BookedMovement, due: GiftAccount['due']): MisbookingCode {
  const isKnown = [...due.values()].some((owed) => owed.kind === kind);
  if (kind === 'credit') return isKnown ? 'credited_twice' : 'credited_without_cause';
  return isKnown ? 'reversed_twice' : 'reversed_without_cause';
}
