import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import { emptyRateBook, evolve as evolveRates, type RateEvent } from '@carat/conversion-service/rate-book';
import { seededRates } from '@carat/conversion-service/seeded-rates';
import type { RawRecord } from '@carat/event-log';
import { caused, derivedUuid, type Event, encode, giftIdOf, partitionOf, type Topic } from '@carat/events';
import { type LedgerEvent, type Transfer, transfersOf } from '@carat/payout-service/transfers-of';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { CASH_RATE, EVENING_MS, german, timeOf, WAYS } from './world-parts.ts';

export interface WorldSize {
  readonly seed: number;
  readonly gifts: number;
  readonly creators: number;
  readonly viewers: number;
  readonly partitions: number;
}

/** One record of a world, where it stands. */
export interface WorldRecord {
  readonly topic: Topic;
  readonly partition: number;
  readonly eventId: string;
  readonly record: RawRecord;
  /** What the ledger books for it. */
  readonly transfers: readonly Transfer[];
}

type RedemptionEvent = Exclude<Event<'redemption.events.v1'>, { type: 'carat.balance.adjusted.v1' }>;
type Name = RedemptionEvent['type'];

const SOURCE = '/live-platform';
const CONTENT_TYPE = [['content-type', Buffer.from('application/cloudevents+json')]] as const;
const MILLISECONDS_A_GIFT = 20;

interface Lot {
  readonly purchaseId: string;
  left: number;
}

/** A coherent log, record by record in the order in which it came about: all from one seed, in flat memory. */
export function* world(size: WorldSize): Generator<WorldRecord> {
  yield* new World(size).all();
}

class World {
  private readonly size: WorldSize;
  private readonly random: ReturnType<typeof xoroshiro128plus>;
  private readonly next = new Map<string, bigint>();
  private readonly lots = new Map<string, Lot[]>();
  private readonly available = new Map<string, bigint>();
  private readonly ledgerSeq = new Map<string, number>();
  private rates = emptyRateBook;
  private nowMs = EVENING_MS - 1_000;
  private count = 0;

  constructor(size: WorldSize) {
    this.size = size;
    this.random = xoroshiro128plus(size.seed);
  }

  *all(): Generator<WorldRecord> {
    for (const event of [...seededRates(), ...german()]) yield this.rate(event);
    this.rates = { ...this.rates, completeUntilMs: Infinity };
    for (let n = 0; n < this.size.gifts; n++) {
      this.nowMs += MILLISECONDS_A_GIFT;
      yield* this.gift(n);
    }
  }

  private rate(event: RateEvent): WorldRecord {
    this.rates = evolveRates(this.rates, event);
    return this.write('rate.events.v1', 'rate-book', event);
  }

  private *gift(n: number): Generator<WorldRecord> {
    const creatorId = `creator-${this.int(1, this.size.creators)}`;
    const senderId = `viewer-${this.int(1, this.size.viewers)}`;
    const price = this.pick([1, 1, 5, 10, 99, 1_999]);
    const isWallet = this.percent(30);
    if (isWallet) yield* this.buy(senderId, price);
    const requestedBy = { source: SOURCE, id: `request-${n}` };
    const cause = { ...requestedBy, time: timeOf(this.nowMs) };
    const giftId = giftIdOf(this.nowMs, requestedBy.source, requestedBy.id);
    const sent = caused(cause, {
      type: 'carat.gift.sent.v1',
      source: '/carat/gift-service',
      subject: creatorId,
      data: {
        giftId,
        giftTypeId: 'rose',
        quantity: 1,
        coins: price,
        senderId,
        creatorId,
        context: { kind: 'live' as const, id: `live-${creatorId}` },
        market: this.pick(['*', 'DE']),
        funding: isWallet
          ? { kind: 'wallet' as const, lots: this.spend(senderId, price) }
          : { kind: 'external' as const, reference: `payment-${n}` },
        requestedBy,
      },
    });
    yield this.write('gift.events.v1', creatorId, sent);
    yield* this.converted(sent);
    if (this.percent(2)) yield* this.reverse(sent);
    if (n % 50 === 49) yield* this.redeem(creatorId);
    if (n % 97 === 96) yield this.adjust(creatorId);
  }

  private *buy(viewerId: string, price: number): Generator<WorldRecord> {
    const lots = this.lots.get(viewerId) ?? [];
    this.lots.set(viewerId, lots);
    if (lots.reduce((sum, { left }) => sum + left, 0) >= price) return;
    const purchaseId = `purchase-${++this.count}`;
    const bought = this.pick([2_000, 5_000, 20_000]);
    lots.push({ purchaseId, left: bought });
    yield this.write(
      'coin.events.v1',
      viewerId,
      caused(
        { source: SOURCE, id: purchaseId, time: timeOf(this.nowMs) },
        {
          type: 'carat.coins.purchased.v1',
          source: '/carat/gift-service',
          subject: viewerId,
          data: { purchaseId, viewerId, coins: bought, paid: { currency: 'USD', amountMinor: bought }, channel: 'app' },
        },
      ),
    );
  }

  private spend(viewerId: string, price: number): { purchaseId: string; source: string; coins: number }[] {
    const shares: { purchaseId: string; source: string; coins: number }[] = [];
    const lots = this.lots.get(viewerId) ?? [];
    for (let due = price; due > 0; ) {
      const [lot] = lots;
      if (lot === undefined) throw new Error('a viewer spends what they do not have');
      const paid = Math.min(lot.left, due);
      lot.left -= paid;
      due -= paid;
      shares.push({ purchaseId: lot.purchaseId, source: SOURCE, coins: paid });
      if (lot.left === 0) lots.shift();
    }
    return shares;
  }

  private *reverse(sent: Event<'gift.events.v1'> & { type: 'carat.gift.sent.v1' }): Generator<WorldRecord> {
    const { giftId, creatorId, coins: before, market } = sent.data;
    const half = Math.floor(before / 2);
    for (const [from, to] of half > 0 ? [[before, half] as const, [half, 0] as const] : [[before, 0] as const]) {
      const reversed = caused(
        { source: '/carat/gift-service', id: `case-${++this.count}`, time: timeOf(this.nowMs) },
        {
          type: 'carat.gift.reversed.v1',
          source: '/carat/gift-service',
          subject: creatorId,
          data: {
            reversalId: `rev_${derivedUuid(this.nowMs, 'reversal', giftId, String(from))}`,
            giftId,
            creatorId,
            coinsBefore: from,
            coinsAfter: to,
            giftSentAt: sent.time,
            market,
            reason: 'moderation',
            proposedBy: 'operator',
            approvedBy: 'approver',
          },
        },
      );
      yield this.write('gift.events.v1', creatorId, reversed);
      yield* this.converted(reversed);
    }
  }

  private *converted(gift: Event<'gift.events.v1'>): Generator<WorldRecord> {
    for (const event of creditDiamonds(gift, this.rates))
      yield this.write('diamond.events.v1', event.data.creatorId, event, transfersOf(event));
  }

  private *redeem(creatorId: string): Generator<WorldRecord> {
    const available = this.available.get(creatorId) ?? 0n;
    if (available < 2n) return;
    const amount = Number(available / 2n);
    const redemptionId = `rdm_${derivedUuid(this.nowMs, 'redemption', String(++this.count))}`;
    const way = this.pick(WAYS);
    for (const [ordinal, [from, name]] of way.entries())
      yield this.own(creatorId, redemptionId, ordinal, `carat.redemption.${name}.v1` as Name, (where) => ({
        redemptionId,
        creatorId,
        millidiamonds: amount,
        payout: { currency: 'USD', amountMinor: Math.floor(amount / 2_000) },
        rate: { id: CASH_RATE, numerator: 1, denominator: 2, rounding: 'floor' as const },
        payoutMethodId: 'pm_ok',
        from,
        ...where,
        by: { requested: 'creator', approved: 'approver', rejected: 'approver' }[name] ?? 'system',
        contentHash: 'content',
        ...(name === 'paid' ? { providerReference: `po-${redemptionId}` } : {}),
      }));
  }

  private adjust(creatorId: string): WorldRecord {
    const adjustmentId = `adj_${derivedUuid(this.nowMs, 'adjustment', String(++this.count))}`;
    return this.own(creatorId, adjustmentId, 0, 'carat.balance.adjusted.v1', (where) => ({
      adjustmentId,
      creatorId,
      millidiamonds: this.int(0, 5_000),
      reason: 'goodwill',
      proposedBy: 'operator',
      approvedBy: 'approver',
      ...where,
    }));
  }

  /** An event of a creator's own books: numbered, and with what the balance then included. */
  private own(
    creatorId: string,
    id: string,
    ordinal: number,
    type: string,
    dataAt: (where: { ledgerSeq: number; after: Record<string, string> }) => object,
  ): WorldRecord {
    const ledgerSeq = (this.ledgerSeq.get(creatorId) ?? 0) + 1;
    this.ledgerSeq.set(creatorId, ledgerSeq);
    const partition = partitionOf(creatorId, this.size.partitions);
    const after = Object.fromEntries(
      (['diamond.events.v1', 'award.events.v1'] as const).map((topic) => [
        topic,
        String(this.next.get(`${topic}/${partition}`) ?? 0n),
      ]),
    );
    const cause = { source: '/carat/payout-service', id, time: timeOf(this.nowMs) };
    const own = { source: '/carat/payout-service', subject: creatorId, ordinal };
    const event = caused(cause, { type, ...own, data: dataAt({ ledgerSeq, after }) }) as unknown as LedgerEvent;
    return this.write('redemption.events.v1', creatorId, event, transfersOf(event));
  }

  private write(topic: Topic, key: string, event: object, transfers: readonly Transfer[] = []): WorldRecord {
    const partition = topic === 'rate.events.v1' ? 0 : partitionOf(key, this.size.partitions);
    const place = `${topic}/${partition}`;
    const offset = this.next.get(place) ?? 0n;
    this.next.set(place, offset + 1n);
    for (const { creatorId, debit, credit, millidiamonds: moved } of transfers) {
      const gain = credit === 'creator' ? moved : debit === 'creator' ? -moved : 0n;
      this.available.set(creatorId, (this.available.get(creatorId) ?? 0n) + gain);
    }
    const record = {
      offset,
      recordedAtMs: this.nowMs,
      key: Buffer.from(key),
      value: encode(event),
      headers: CONTENT_TYPE,
    };
    return { topic, partition, eventId: (event as { id: string }).id, record, transfers };
  }

  private int(least: number, most: number): number {
    return uniformInt(this.random, least, most);
  }

  private pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)] as T;
  }

  private percent(times: number): boolean {
    return this.int(1, 100) <= times;
  }
}
