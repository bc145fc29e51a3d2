import { type Millidiamonds, millidiamonds, minus, plus } from '@carat/amounts';
import { convertedGiftId, creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, faultOf, type Position, type Recorded, Unhandleable } from '@carat/event-log';
import type { Event } from '@carat/events';
import type { LeftOut } from '../what-if/what-if.js';
import { isIn, markOf, type Scope } from './correction-mark.js';
import type { PricedTopic, Stretch } from './known-bad.js';
import {
  type DiamondsMoved,
  emptyAccount,
  type GiftAccount,
  type Misbooking,
  type MisbookingCode,
  misbookingsOf,
  movementOf,
} from './misbooking.js';

/** A `balance.adjusted` whose reason says what it makes good. */
export interface AppliedCorrection {
  readonly correctionId: string;
  readonly creatorId: string;
  readonly gain: Millidiamonds;
  readonly scope: Scope;
}

/** One creator, over all gifts in question: what is due to them, and what they have. In millidiamonds. */
export interface CreatorDifference {
  readonly creatorId: string;
  readonly partition: number;
  /** Credited less reversed, as conversion should have. */
  readonly due: Millidiamonds;
  /** As it has. */
  readonly booked: Millidiamonds;
  /** What two people have put right already. */
  readonly corrected: Millidiamonds;
  /** The events that did. */
  readonly correctionIds: readonly string[];
  /** Which gifts it comes of, in the order of gifts' ids: all of them, or the first of `misbooked`. */
  readonly misbookings: readonly Misbooking[];
  readonly misbooked: number;
}

/** What a creator still has to get; below zero: has to give back. */
export const differenceOf = ({ due, booked, corrected }: CreatorDifference): Millidiamonds =>
  minus(due, plus(booked, corrected));

/** Gifts that one scope names, and whose corrections name it. An incident is named by many corrections alike. */
interface NamedGifts extends Scope {
  readonly creatorIds: Set<string>;
  readonly touched: Set<string>;
}

/** What is asked of one partition: what is known bad there, and what has been put right there before. */
export interface PartitionQuestion {
  readonly partition: number;
  readonly bad: readonly Stretch[];
  readonly corrections: readonly AppliedCorrection[];
}

interface Sums {
  due: Millidiamonds;
  booked: Millidiamonds;
  corrected: Millidiamonds;
  readonly correctionIds: string[];
  readonly misbookings: Misbooking[];
}

/**
 * What was booked of one partition's gifts beside what should have been. First `touch` hears every record of `reach`,
 * then the others hear every gift and every diamond of the partition, in the order of the log: a gift that is touched
 * is accounted for over its whole life, and no other is held in memory.
 *
 * A correction counts for the gifts that it names. So the accounts of its creator are held against those gifts, too,
 * whatever is asked for: or else a gift that two incidents share would be made good twice.
 */
export class PartitionRadius {
  private readonly bad: NamedGifts;
  private readonly named: readonly NamedGifts[];
  private readonly accounts = new Map<string, GiftAccount>();
  private readonly unpriced = new Set<string>();
  private readonly codes = new Map<MisbookingCode, number>();

  constructor(
    private readonly question: PartitionQuestion,
    private readonly rates: RateBook,
    private readonly leaveOut: (record: LeftOut) => void,
  ) {
    const { bad, corrections } = question;
    this.bad = { stretches: bad, giftIds: [], creatorIds: new Set(), touched: new Set() };
    const named = new Map<string, NamedGifts>();
    for (const { creatorId, scope } of corrections) {
      const of = named.get(markOf(scope)) ?? { ...scope, creatorIds: new Set(), touched: new Set(scope.giftIds) };
      of.creatorIds.add(creatorId);
      named.set(markOf(scope), of);
    }
    this.named = [...named.values()];
  }

  /** Everywhere that a record can touch a gift. */
  get reach(): readonly Stretch[] {
    return [this.bad, ...this.named]
      .flatMap(({ stretches }) => stretches)
      .filter(({ partition, from, to }) => partition === this.question.partition && from < to);
  }

  touch(event: Event<PricedTopic>, position: Position): void {
    const giftId = giftIdOf(event);
    if (giftId === undefined) return;
    for (const { stretches, touched } of [this.bad, ...this.named]) if (isIn(stretches, position)) touched.add(giftId);
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
    } else if (!booked.has(event.id)) booked.set(event.id, { ...movementOf(event), offset: event.position.offset });
  }

  /** Every creator of a gift that is touched by what is known bad, who may differ or not; and misbookings by code. */
  result(): { creators: CreatorDifference[]; codes: ReadonlyMap<MisbookingCode, number> } {
    const sums = new Map<string, Sums>();
    for (const giftId of this.bad.touched)
      for (const creatorId of creatorsIn(this.accounts.get(giftId))) sums.set(creatorId, nothing());
    for (const [giftId, account] of this.accounts) this.addUp(giftId, account, sums);
    for (const { creatorId, correctionId, gain } of this.question.corrections) {
      const of = sums.get(creatorId);
      if (of === undefined) continue;
      of.corrected = plus(of.corrected, gain);
      of.correctionIds.push(correctionId);
    }
    const creators = [...sums].map(([creatorId, { misbookings, ...of }]): CreatorDifference => {
      misbookings.sort((a, b) => (a.giftId < b.giftId ? -1 : a.giftId > b.giftId ? 1 : 0));
      return { creatorId, partition: this.question.partition, ...of, misbookings, misbooked: misbookings.length };
    });
    return { creators, codes: this.codes };
  }

  private addUp(giftId: string, account: GiftAccount, sums: ReadonlyMap<string, Sums>): void {
    const looking = new Set(creatorsIn(account).filter((creatorId) => sums.has(creatorId)));
    for (const creatorId of looking) if (!this.concerns(creatorId, giftId)) looking.delete(creatorId);
    if (looking.size === 0) return;
    const add = (figure: 'due' | 'booked' | 'corrected', { creatorId, gain }: { creatorId: string; gain: bigint }) => {
      const of = looking.has(creatorId) ? sums.get(creatorId) : undefined;
      if (of !== undefined) of[figure] = plus(of[figure], millidiamonds(gain));
    };
    for (const movement of account.due.values()) add('due', movement);
    for (const movement of account.booked.values()) add('booked', movement);
    for (const [eventId, correction] of account.corrected) {
      add('corrected', correction);
      if (looking.has(correction.creatorId)) sums.get(correction.creatorId)?.correctionIds.push(eventId);
    }
    for (const misbooking of misbookingsOf(giftId, account)) {
      if (this.bad.touched.has(giftId)) this.codes.set(misbooking.code, (this.codes.get(misbooking.code) ?? 0) + 1);
      const whose = new Set([misbooking.due?.creatorId, misbooking.booked?.creatorId]);
      for (const creatorId of looking) if (whose.has(creatorId)) sums.get(creatorId)?.misbookings.push(misbooking);
    }
  }

  private concerns(creatorId: string, giftId: string): boolean {
    if (this.bad.touched.has(giftId)) return true;
    return this.named.some((of) => of.creatorIds.has(creatorId) && of.touched.has(giftId));
  }

  private isTouched(giftId: string): boolean {
    return this.bad.touched.has(giftId) || this.named.some(({ touched }) => touched.has(giftId));
  }

  private accountOf(giftId: string): GiftAccount {
    const account = this.accounts.get(giftId) ?? emptyAccount();
    this.accounts.set(giftId, account);
    return account;
  }
}

const nothing = (): Sums => {
  const zero = millidiamonds(0n);
  return { due: zero, booked: zero, corrected: zero, correctionIds: [], misbookings: [] };
};

const giftIdOf = (event: Event<PricedTopic>): string | undefined =>
  'giftId' in event.data && event.type !== 'carat.streak.closed.v1' ? event.data.giftId : undefined;

const creatorsIn = (account: GiftAccount | undefined): string[] =>
  account === undefined
    ? []
    : [...account.due.values(), ...account.booked.values(), ...account.corrected.values()].map((of) => of.creatorId);
