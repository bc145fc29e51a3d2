import { type Millidiamonds, millidiamonds, minus, plus } from '@carat/amounts';
import { convertedGiftId, creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, faultOf, type Position, type Recorded, Unhandleable } from '@carat/event-log';
import type { Event } from '@carat/events';
import type { LeftOut } from '../what-if/what-if.js';
import { isIn } from './correction-mark.js';
import type { PricedTopic, Stretch } from './known-bad.js';
import {
  type CorrectedGift,
  type DiamondsMoved,
  emptyAccount,
  type GiftAccount,
  type Misbooking,
  type MisbookingCode,
  misbookingsOf,
  movementOf,
  type RecordedAt,
} from './misbooking.js';

/** Gifts that a window or a correction is about: those with a record in the stretches, and those of the ids. */
export interface Named {
  readonly stretches: readonly Stretch[];
  readonly giftIds: readonly string[];
}

/** A `balance.adjusted` whose reason says what it makes good. */
export interface AppliedCorrection {
  readonly correctionId: string;
  readonly creatorId: string;
  readonly gain: Millidiamonds;
  /** The same object for corrections of the same gifts. */
  readonly named: Named;
}

/** A change of what a creator has, had all been booked right: from a record of diamonds on, or from a time on. */
export interface Step {
  readonly gain: bigint;
  readonly at: RecordedAt | { readonly recordedAtMs: number };
}

/** One creator, over all gifts in question: what is due to them, and what they have. In millidiamonds. */
export interface CreatorDifference {
  readonly creatorId: string;
  /** Credited less reversed, as conversion should have. */
  readonly due: Millidiamonds;
  /** As it has. */
  readonly booked: Millidiamonds;
  /** What two people have put right already. */
  readonly corrected: Millidiamonds;
  /** The events that did. */
  readonly correctionIds: readonly string[];
  /** How many movements of diamonds were booked wrongly, and the first hundred by their gifts' ids. */
  readonly misbooked: number;
  readonly misbookings: readonly Misbooking[];
  /** What each of them changes for this creator. */
  readonly steps: readonly Step[];
}

/** What a creator still has to get; below zero: has to give back. */
export const differenceOf = ({
  due,
  booked,
  corrected,
}: Pick<CreatorDifference, 'due' | 'booked' | 'corrected'>): Millidiamonds => minus(due, plus(booked, corrected));

/** Gifts in question, and whose accounts are held against them besides those that are touched by what is known bad. */
interface InQuestion extends Named {
  readonly creatorIds: Set<string>;
  readonly touched: Set<string>;
}

type Sums = { -readonly [Field in keyof CreatorDifference]: CreatorDifference[Field] } & {
  readonly correctionIds: string[];
  readonly misbookings: Misbooking[];
  readonly steps: Step[];
  /** Touched by what is known bad itself. */
  isTouched: boolean;
};

const MISBOOKINGS_NAMED = 100;

/**
 * What was booked of some partitions' gifts beside what should have been. First `touch` hears every record of the
 * stretches in question, then the others hear every gift and every diamond of the partitions, in the order of the log:
 * a gift that is touched is accounted for over its whole life, and no other is held in memory.
 *
 * A correction counts for the gifts that it names. So the accounts of its creator are held against those gifts, too,
 * whatever is asked for: or else a gift that two incidents share would be made good twice.
 */
export class GiftsInQuestion {
  private readonly bad: InQuestion;
  private readonly corrected: readonly InQuestion[];
  private readonly accounts = new Map<string, GiftAccount>();
  private readonly unpriced = new Set<string>();

  constructor(
    private readonly rates: RateBook,
    bad: readonly Stretch[],
    corrections: readonly AppliedCorrection[],
    private readonly leaveOut: (record: LeftOut) => void,
  ) {
    this.bad = { stretches: bad, giftIds: [], creatorIds: new Set(), touched: new Set() };
    this.corrected = [...Map.groupBy(corrections, ({ named }) => named)].map(([named, by]) => ({
      ...named,
      creatorIds: new Set(by.map(({ creatorId }) => creatorId)),
      touched: new Set(named.giftIds),
    }));
  }

  touch(event: Event<PricedTopic>, position: Position): void {
    const giftId = giftIdOf(event);
    if (giftId === undefined) return;
    for (const { stretches, touched } of [this.bad, ...this.corrected])
      if (isIn(stretches, position)) touched.add(giftId);
  }

  takeGift(gift: Recorded<'gift.events.v1'>): void {
    const giftId = convertedGiftId(gift);
    if (giftId === undefined || !this.isTouched(giftId)) return;
    const account = this.accountOf(giftId);
    try {
      if (gift.type === 'carat.gift.reversed.v1' && (account.due.size === 0 || this.unpriced.has(giftId)))
        throw new Unhandleable('gift_not_priced', `${giftId} is reversed, and it has no price`);
      for (const moved of creditDiamonds(gift, this.rates) as DiamondsMoved[])
        if (!account.due.has(moved.id))
          account.due.set(moved.id, { ...movementOf(moved), recordedAtMs: gift.recordedAtMs });
    } catch (error) {
      if (error instanceof FlowHalted) throw error;
      this.unpriced.add(giftId);
      this.leaveOut({ position: gift.position, ...faultOf(error) });
    }
  }

  takeDiamonds(event: Recorded<'diamond.events.v1'>): void {
    const { giftId } = event.data;
    if (giftId === undefined || !this.isTouched(giftId)) return;
    const { booked, corrected } = this.accountOf(giftId);
    if (event.type === 'carat.diamonds.corrected.v1') {
      const { creatorId, millidiamonds: gain } = event.data;
      if (!corrected.has(event.id)) corrected.set(event.id, { creatorId, gain: millidiamonds(gain) });
    } else if (!booked.has(event.id)) {
      const { partition, offset } = event.position;
      booked.set(event.id, { ...movementOf(event), partition, offset, recordedAtMs: event.recordedAtMs });
    }
  }

  /** Adds what these partitions say to what is known of creators, and counts misbookings by their codes. */
  addTo(radius: Radius): void {
    for (const giftId of this.bad.touched)
      for (const creatorId of creatorsIn(this.accounts.get(giftId))) radius.of(creatorId).isTouched = true;
    for (const [giftId, account] of this.accounts) this.addUp(giftId, account, radius);
  }

  private addUp(giftId: string, account: GiftAccount, radius: Radius): void {
    const looking = new Set(creatorsIn(account).filter((creatorId) => this.concerns(creatorId, giftId)));
    const add = (figure: 'due' | 'booked' | 'corrected', { creatorId, gain }: CorrectedGift): void => {
      if (!looking.has(creatorId)) return;
      const of = radius.of(creatorId);
      of[figure] = plus(of[figure], gain);
    };
    for (const movement of account.due.values()) add('due', movement);
    for (const movement of account.booked.values()) add('booked', movement);
    for (const [eventId, correction] of account.corrected) {
      add('corrected', correction);
      if (looking.has(correction.creatorId)) radius.of(correction.creatorId).correctionIds.push(eventId);
    }
    for (const misbooking of misbookingsOf(giftId, account)) {
      if (this.bad.touched.has(giftId)) radius.count(misbooking.code);
      for (const creatorId of looking) radius.note(creatorId, misbooking);
    }
  }

  private concerns(creatorId: string, giftId: string): boolean {
    if (this.bad.touched.has(giftId)) return true;
    return this.corrected.some((of) => of.creatorIds.has(creatorId) && of.touched.has(giftId));
  }

  private isTouched(giftId: string): boolean {
    return this.bad.touched.has(giftId) || this.corrected.some(({ touched }) => touched.has(giftId));
  }

  private accountOf(giftId: string): GiftAccount {
    const account = this.accounts.get(giftId) ?? emptyAccount();
    this.accounts.set(giftId, account);
    return account;
  }
}

/** What is known of creators so far, partitions after partitions. */
export class Radius {
  readonly misbookings = new Map<MisbookingCode, number>();
  private readonly creators = new Map<string, Sums>();

  of(creatorId: string): Sums {
    const known = this.creators.get(creatorId);
    if (known !== undefined) return known;
    const zero = millidiamonds(0n);
    const lists = { correctionIds: [], misbookings: [], steps: [] };
    const sums: Sums = {
      creatorId,
      due: zero,
      booked: zero,
      corrected: zero,
      misbooked: 0,
      ...lists,
      isTouched: false,
    };
    this.creators.set(creatorId, sums);
    return sums;
  }

  count(code: MisbookingCode): void {
    this.misbookings.set(code, (this.misbookings.get(code) ?? 0) + 1);
  }

  note(creatorId: string, misbooking: Misbooking): void {
    const steps = stepsOf(creatorId, misbooking);
    if (steps.length === 0) return;
    const of = this.of(creatorId);
    of.misbooked += 1;
    of.steps.push(...steps);
    of.misbookings.push(misbooking);
    // Few are ever shown, and there may be millions.
    if (of.misbookings.length >= 2 * MISBOOKINGS_NAMED) firstOf(of.misbookings);
  }

  /** Every creator of a gift that is touched by what is known bad, who may differ or not. */
  result(corrections: readonly AppliedCorrection[]): CreatorDifference[] {
    for (const { creatorId, correctionId, gain } of corrections) {
      const of = this.of(creatorId);
      of.corrected = plus(of.corrected, gain);
      of.correctionIds.push(correctionId);
    }
    const touched = [...this.creators.values()].filter(({ isTouched }) => isTouched);
    for (const { misbookings } of touched) firstOf(misbookings);
    return touched.map(({ isTouched: _, ...of }) => of);
  }
}

function firstOf(misbookings: Misbooking[]): void {
  misbookings.sort((a, b) => (a.giftId < b.giftId ? -1 : a.giftId > b.giftId ? 1 : 0)).splice(MISBOOKINGS_NAMED);
}

/** A credit that is missing would have been there once the log had its gift. */
const stepsOf = (creatorId: string, { due, booked }: Misbooking): Step[] => [
  ...(due?.creatorId === creatorId
    ? [{ gain: due.gain, at: booked === undefined ? { recordedAtMs: due.recordedAtMs } : placeOf(booked) }]
    : []),
  ...(booked?.creatorId === creatorId ? [{ gain: -booked.gain, at: placeOf(booked) }] : []),
];

const placeOf = ({ partition, offset, recordedAtMs }: RecordedAt): RecordedAt => ({ partition, offset, recordedAtMs });

const giftIdOf = (event: Event<PricedTopic>): string | undefined =>
  'giftId' in event.data && event.type !== 'carat.streak.closed.v1' ? event.data.giftId : undefined;

const creatorsIn = (account: GiftAccount | undefined): string[] =>
  account === undefined
    ? []
    : [...account.due.values(), ...account.booked.values(), ...account.corrected.values()].map((of) => of.creatorId);
