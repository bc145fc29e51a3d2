import { type Coins, coins, minus, plus } from '@carat/amounts';
import { giftIdOf, reversalIdOf } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { reverseGift } from '../reverse-gift/reverse-gift.js';
import { type LotPayment, spend } from '../wallets/wallet.js';
import { reversePurchase } from './reverse-purchase.js';

const VIEWER = 'viewer-1';
const SENT_AT = '2026-11-22T10:15:30.123Z';
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const lotName = (index: number) => ({ sequence: index + 1, source: '/live', purchaseId: `p-${index}` });
const giftId = (gift: number) => giftIdOf(0, '/live', `gift ${gift}`);

type Step =
  | { readonly kind: 'send'; readonly cost: number }
  | { readonly kind: 'moderate'; readonly gift: number; readonly coins: number | undefined; readonly restore: boolean }
  | { readonly kind: 'refund'; readonly lot: number };

/** What the decisions leave behind when they follow one another. */
interface Books {
  readonly lots: { readonly size: Coins; left: Coins; reversed: boolean }[];
  /** By gift: what each lot's payment still stands at. */
  readonly gifts: (readonly LotPayment[])[];
}
/** What a step reported: how many coins each gift lost, and how many coins of a lot were unspent and spent. */
interface Report {
  readonly lost: readonly (readonly [gift: number, before: bigint, after: bigint])[];
  readonly restored?: readonly (readonly [lot: string, coins: bigint])[];
  readonly unspent?: bigint;
  readonly spent?: bigint;
}

const standingOf = (shares: readonly LotPayment[]): Coins => coins(sum(shares.map((share) => share.coins)));
const giftToReverse = (books: Books, gift: number) => ({
  giftId: giftId(gift),
  creatorId: 'creator-1',
  market: '*',
  sentAt: SENT_AT,
  standing: standingOf(books.gifts[gift] ?? []),
});

function send(books: Books, cost: number): Report {
  const wallet = books.lots.flatMap(({ left }, index) => (left > 0n ? [{ ...lotName(index), left }] : []));
  const spending = spend(wallet, coins(cost));
  if (spending === undefined) return { lost: [] };
  for (const [index, lot] of books.lots.entries())
    lot.left = spending.left.find(({ sequence }) => sequence === index + 1)?.left ?? coins(0);
  books.gifts.push(spending.paid);
  return { lost: [] };
}

function moderate(books: Books, step: Extract<Step, { kind: 'moderate' }>, time: number): Report {
  const gift = step.gift % Math.max(books.gifts.length, 1);
  const shares = books.gifts[gift];
  if (shares === undefined) return { lost: [] };
  const agreed = {
    reversalId: reversalIdOf(time, giftId(gift), `m-${time}`),
    coins: step.coins === undefined ? undefined : coins(step.coins),
    ...{ reason: 'abuse', restoreCoins: step.restore, proposedBy: 'nina', approvedBy: 'omar' },
  };
  const cause = { source: 'omar', id: `m-${time}`, timeMs: time };
  const reversal = reverseGift(giftToReverse(books, gift), { viewerId: VIEWER, shares }, agreed, cause);
  if (reversal === undefined) return { lost: [] };
  const { taken, reversed, restored } = reversal;
  const takenOf = (sequence: number): Coins => standingOf(taken.filter((share) => share.sequence === sequence));
  books.gifts[gift] = shares
    .map((share) => ({ ...share, coins: minus(share.coins, takenOf(share.sequence)) }))
    .filter((share) => share.coins > 0n);
  if (restored !== undefined)
    for (const [index, lot] of books.lots.entries()) lot.left = plus(lot.left, takenOf(index + 1));
  const lost = [[gift, BigInt(reversed.data.coinsBefore), BigInt(reversed.data.coinsAfter)]] as const;
  if (restored === undefined) return { lost };
  return { lost, restored: restored.data.lots.map((lot) => [lot.purchaseId, BigInt(lot.coins)] as const).sort() };
}

function refund(books: Books, index: number, time: number): Report {
  const lot = books.lots[index % books.lots.length];
  if (lot === undefined || lot.reversed) return { lost: [] };
  const name = lotName(index % books.lots.length);
  const paying = books.gifts.flatMap((shares, gift) =>
    shares.filter(({ sequence }) => sequence === name.sequence).map((share) => ({ share, gift })),
  );
  const { purchaseReversed, giftsReversed } = reversePurchase(
    { ...name, reason: 'refund', receivedAtMs: time },
    { viewerId: VIEWER, coins: lot.size, left: lot.left },
    paying.map(({ share, gift }) => ({ gift: giftToReverse(books, gift), coins: share.coins })),
  );
  for (const [gift, shares] of books.gifts.entries())
    books.gifts[gift] = shares.filter(({ sequence }) => sequence !== name.sequence);
  lot.left = coins(0);
  lot.reversed = true;
  return {
    lost: giftsReversed.map(({ data }) => {
      const gift = paying.find((one) => giftId(one.gift) === data.giftId)?.gift ?? -1;
      return [gift, BigInt(data.coinsBefore), BigInt(data.coinsAfter)] as const;
    }),
    unspent: BigInt(purchaseReversed.data.unspentCoins),
    spent: BigInt(purchaseReversed.data.spentCoins),
  };
}

function take(books: Books, step: Step, time: number): Report {
  if (step.kind === 'send') return send(books, step.cost);
  return step.kind === 'moderate' ? moderate(books, step, time) : refund(books, step.lot, time);
}

/** The oracle moves one coin after another, and every coin is always in one place. */
type Place = 'left' | 'spent' | 'refunded' | number;
class Oracle {
  readonly coins: { readonly lot: number; at: Place }[];
  private gifts = 0;

  constructor(private readonly sizes: readonly number[]) {
    this.coins = sizes.flatMap((size, lot) => Array.from({ length: size }, () => ({ lot, at: 'left' as Place })));
  }

  at = (place: Place): bigint => BigInt(this.coins.filter(({ at }) => at === place).length);

  take(step: Step): Report {
    if (step.kind === 'send') {
      const paying = this.coins.filter(({ at }) => at === 'left').slice(0, step.cost);
      if (paying.length < step.cost) return { lost: [] };
      for (const coin of paying) coin.at = this.gifts;
      this.gifts += 1;
      return { lost: [] };
    }
    return step.kind === 'moderate' ? this.moderate(step) : this.refund(step.lot % this.sizes.length);
  }

  private moderate({ gift: asked, coins: wanted, restore }: Extract<Step, { kind: 'moderate' }>): Report {
    const gift = asked % Math.max(this.gifts, 1);
    const standing = this.coins.filter(({ at }) => at === gift);
    const amount = wanted ?? standing.length;
    if (amount === 0 || amount > standing.length) return { lost: [] };
    const taken = standing.slice(standing.length - amount);
    for (const coin of taken) coin.at = restore ? 'left' : 'spent';
    const lost = [[gift, BigInt(standing.length), BigInt(standing.length - amount)]] as const;
    if (!restore) return { lost };
    const perLot = Map.groupBy(taken, ({ lot }) => `p-${lot}`);
    return { lost, restored: [...perLot].map(([lot, some]) => [lot, BigInt(some.length)] as const).sort() };
  }

  private refund(lot: number): Report {
    const all = this.coins.filter((coin) => coin.lot === lot);
    if (all.every(({ at }) => at === 'refunded')) return { lost: [] };
    const unspent = BigInt(all.filter(({ at }) => at === 'left').length);
    const before = Array.from({ length: this.gifts }, (_, gift) => this.at(gift));
    for (const coin of all) coin.at = 'refunded';
    const lost = before.flatMap((was, gift) => (was === this.at(gift) ? [] : [[gift, was, this.at(gift)] as const]));
    return { lost, unspent, spent: BigInt(all.length) - unspent };
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), cost: fc.integer({ min: 1, max: 30 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('moderate' as const),
        gift: fc.nat({ max: 20 }),
        coins: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
        restore: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refund' as const), lot: fc.nat({ max: 5 }) }) },
  ),
  { maxLength: 40 },
);
const sizes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 6 });
const booksOf = (lots: readonly number[]): Books => ({
  lots: lots.map((size) => ({ size: coins(size), left: coins(size), reversed: false })),
  gifts: [],
});

describe('gifts, moderation and refunds, in any order', () => {
  it('leave every coin where the oracle has it, and say so of every gift', () => {
    const seen = { lost: 0, restored: 0, refunded: 0 };
    fc.assert(
      fc.property(sizes, steps, (lots, evening) => {
        const [books, oracle] = [booksOf(lots), new Oracle(lots)];
        for (const [time, step] of evening.entries()) {
          const report = take(books, step, time);
          expect(report).toEqual(oracle.take(step));
          seen.lost += report.lost.length;
          seen.restored += report.restored?.length ?? 0;
          seen.refunded += Number(report.spent !== undefined);
          for (const [index, { left }] of books.lots.entries())
            expect(left).toBe(BigInt(oracle.coins.filter((coin) => coin.lot === index && coin.at === 'left').length));
          for (const [gift, shares] of books.gifts.entries()) expect(standingOf(shares)).toBe(oracle.at(gift));
          // Coins sold are the coins that are left, spent and refunded.
          const refunded = sum(books.lots.filter(({ reversed }) => reversed).map(({ size }) => size));
          const standing = sum(books.gifts.map(standingOf));
          const left = sum(books.lots.map((lot) => lot.left));
          expect(refunded).toBe(oracle.at('refunded'));
          expect(left + standing + oracle.at('spent') + refunded).toBe(sum(lots.map(BigInt)));
        }
      }),
      { numRuns: 400 },
    );
    expect(Object.values(seen).every((times) => times > 100)).toBe(true);
  });

  it('leave nothing standing once every purchase was reversed', () => {
    fc.assert(
      fc.property(sizes, steps, (lots, evening) => {
        const books = booksOf(lots);
        const all: Step[] = lots.map((_, lot) => ({ kind: 'refund', lot }));
        for (const [time, step] of [...evening, ...all].entries()) take(books, step, time);
        expect(books.lots.every(({ left, reversed }) => reversed && left === 0n)).toBe(true);
        expect(books.gifts.every((shares) => standingOf(shares) === 0n)).toBe(true);
      }),
    );
  });
});

describe('a gift that is taken back in parts', () => {
  it('loses exactly its coins, and each lot what it paid, however it is split', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(sizes, parts, fc.boolean(), (lots, asked, restore) => {
        const books = booksOf(lots);
        const cost = lots.reduce((a, b) => a + b);
        send(books, cost);
        let standing = BigInt(cost);
        for (const [time, part] of [...asked, undefined].entries()) {
          const { lost } = moderate(books, { kind: 'moderate', gift: 0, coins: part, restore }, time);
          for (const [, before, after] of lost) {
            expect(before).toBe(standing);
            expect(after).toBeLessThan(before);
            standing = after;
          }
        }
        expect(standing).toBe(0n);
        expect(books.lots.map(({ left }) => left)).toEqual(lots.map((size) => (restore ? BigInt(size) : 0n)));
      }),
    );
  });
});
