import { coins } from '@carat/amounts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { giftType } from '../../test/gift-type.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { catalogueOf } from '../gift-catalogue/catalogue.js';
import { capKey, type Outcome, referenceKey, type SendingState, sendGifts } from './send-gift.js';

const prices = new Map([
  ['rose', 1n],
  ['lion', 29_999n],
  ['universe', 44_999n],
]);
const CAP = 300_000n;
const references = ['p-1', 'p-2', 'p-3', 'p-4', 'p-5', 'p-6'];
const sources = ['/live', '/capped', '/quiet'];
const RECEIVED_MS = Date.parse('2026-11-22T23:59:59.000Z');

/** What each viewer bought, purchase by purchase. */
const lots = new Map([
  ['viewer-1', [5n, 1n, 100_000n, 20n, 250_000n]],
  ['viewer-2', [30n]],
]);

const given: SendingState = {
  catalogue: catalogueOf([...prices].map(([giftTypeId, price]) => giftType(giftTypeId, Number(price)))),
  sources: new Map([
    ['/live', { attestExternal: true }],
    ['/capped', { attestExternal: true, dailyCoinCap: coins(CAP) }],
  ]),
  rules: { latenessMs: 10_000, skewMs: 1_000, streakTimeoutMs: 30_000 },
  freshReferences: new Set(sources.flatMap((source) => references.map((reference) => referenceKey(source, reference)))),
  coinsAttested: new Map([[capKey('/capped', RECEIVED_MS), coins(1000)]]),
  wallets: new Map(
    [...lots].map(([viewerId, bought]) => [
      viewerId,
      bought.map((left, index) => ({
        sequence: index + 1,
        source: '/live',
        purchaseId: `${viewerId}/${index}`,
        left: coins(left),
      })),
    ]),
  ),
  streaks: new Map(),
};

const fields = {
  source: fc.constantFrom(...sources),
  id: fc.uuid(),
  giftTypeId: fc.constantFrom(...prices.keys(), 'dragon'),
  quantity: fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.maxSafeNat().map((n) => Math.max(n, 1)),
  ),
  senderId: fc.constantFrom('viewer-1', 'viewer-2', 'viewer-3', 'creator-1'),
  reference: fc.oneof(fc.constantFrom(...references), fc.constant(undefined)),
  givenBeforeMs: fc.integer({ min: -1_500, max: 11_000 }),
  receivedAfterMs: fc.integer({ min: 0, max: 2_000 }),
};
interface Fields {
  readonly source: string;
  readonly id: string;
  readonly giftTypeId: string;
  readonly quantity: number;
  readonly senderId: string;
  readonly reference: string | undefined;
  readonly givenBeforeMs: number;
  readonly receivedAfterMs: number;
}

function giftOf({ source, id, reference, givenBeforeMs, receivedAfterMs, ...data }: Fields): AskedGift {
  const receivedAtMs = RECEIVED_MS + receivedAfterMs;
  return askedGift(
    { source, id },
    {
      ...data,
      creatorId: 'creator-1',
      context: { kind: 'live', id: 'live-1' },
      market: '*',
      funding: reference === undefined ? { kind: 'wallet' } : { kind: 'external', reference },
    },
    new Date(receivedAtMs - givenBeforeMs).toISOString(),
    receivedAtMs,
  );
}

/** Gifts with which nothing is wrong, unless the wallet does not hold enough. */
const ofWallet = {
  ...fields,
  giftTypeId: fc.constantFrom(...prices.keys()),
  quantity: fc.integer({ min: 1, max: 9 }),
  senderId: fc.constantFrom(...lots.keys()),
  reference: fc.constant(undefined),
  givenBeforeMs: fc.constant(0),
};
const asked = fc.oneof(fc.record(fields), fc.record(ofWallet)).map(giftOf);
const evening = fc.array(asked, { maxLength: 60 });

/** The same gifts, cut into batches at the given places; each batch starts from what the one before left. */
function inBatches(gifts: readonly AskedGift[], cuts: readonly number[]): { outcomes: Outcome[]; state: SendingState } {
  const at = [0, ...cuts.map((cut) => cut % (gifts.length + 1)).sort((a, b) => a - b), gifts.length];
  let state = given;
  const outcomes: Outcome[] = [];
  for (const [index, from] of at.entries()) {
    const step = sendGifts(gifts.slice(from, at[index + 1]), state);
    outcomes.push(...step.outcomes);
    state = step.state;
    if (at[index + 1] === gifts.length) break;
  }
  return { outcomes, state };
}

const sentOf = (outcomes: readonly Outcome[]) => outcomes.filter((outcome) => 'coins' in outcome);
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const giftsIn = (outcomes: readonly Outcome[]) =>
  outcomes
    .flatMap(({ facts }) => facts)
    .map(({ event }) => event)
    .filter((event) => event.type === 'carat.gift.sent.v1');
const isOfWallet = ({ asked: { data } }: Outcome): boolean => data.funding.kind === 'wallet';

/** The coins numbered `from` to `from + cost` of a viewer, by the purchase that they came with. */
function sharesOf(viewerId: string, from: bigint, cost: bigint): { purchaseId: string; coins: number }[] {
  const bought = lots.get(viewerId) ?? [];
  return bought.flatMap((size, index) => {
    const first = sum(bought.slice(0, index));
    const takenBefore = (place: bigint): bigint => {
      if (place <= first) return 0n;
      return place >= first + size ? size : place - first;
    };
    const share = takenBefore(from + cost) - takenBefore(from);
    return share > 0n ? [{ purchaseId: `${viewerId}/${index}`, source: '/live', coins: Number(share) }] : [];
  });
}

describe('sendGifts, whatever is asked', () => {
  it('gives the same events and leaves the same state however the gifts are cut into batches', () => {
    fc.assert(
      fc.property(evening, fc.array(fc.nat(), { maxLength: 8 }), (gifts, cuts) => {
        expect(inBatches(gifts, cuts)).toEqual(sendGifts(gifts, given));
      }),
    );
  });

  it('spends price times quantity, as plain BigInt counts it', () => {
    fc.assert(
      fc.property(evening, (gifts) => {
        const sent = sentOf(sendGifts(gifts, given).outcomes);
        const counted = sum(
          sent.map(({ asked: { data } }) => (prices.get(data.giftTypeId) ?? -1n) * BigInt(data.quantity)),
        );
        expect(sum(sent.map((outcome) => outcome.coins))).toBe(counted);
        expect(sum(giftsIn(sent).map(({ data }) => BigInt(data.coins)))).toBe(counted);
      }),
    );
  });

  it('never lets a source past its cap on any day, and books exactly what it let through', () => {
    fc.assert(
      fc.property(evening, (gifts) => {
        const { outcomes, state } = sendGifts(gifts, given);
        for (const dayMs of [RECEIVED_MS, RECEIVED_MS + 1_000]) {
          const key = capKey('/capped', dayMs);
          const ofTheDay = sentOf(outcomes).filter(
            ({ asked: gift }) =>
              gift.data.funding.kind === 'external' && capKey(gift.identity.source, gift.receivedAtMs) === key,
          );
          const attested = state.coinsAttested.get(key) ?? 0n;
          expect(attested).toBe((given.coinsAttested.get(key) ?? 0n) + sum(ofTheDay.map((outcome) => outcome.coins)));
          expect(attested).toBeLessThanOrEqual(CAP);
        }
      }),
    );
  });

  it('lets a reference of a source pay for one gift, and keeps it fresh until then', () => {
    fc.assert(
      fc.property(evening, (gifts) => {
        const { outcomes, state } = sendGifts(gifts, given);
        const used = sentOf(outcomes).flatMap(({ asked: { identity, data } }) =>
          data.funding.kind === 'external' ? [referenceKey(identity.source, data.funding.reference)] : [],
        );
        expect(new Set(used).size).toBe(used.length);
        expect(new Set([...state.freshReferences, ...used])).toEqual(given.freshReferences);
      }),
    );
  });

  it('debits wallets as the oracle does, which numbers the coins of a viewer in the order they were bought', () => {
    let paidInAll = 0;
    let refusedInAll = 0;
    fc.assert(
      fc.property(evening, (gifts) => {
        const { outcomes, state } = sendGifts(gifts, given);
        const spent = new Map<string, bigint>();
        for (const { asked: gift, facts, ...outcome } of outcomes.filter((one) => isOfWallet(one))) {
          const { senderId } = gift.data;
          const from = spent.get(senderId) ?? 0n;
          const cost = (prices.get(gift.data.giftTypeId) ?? 0n) * BigInt(gift.data.quantity);
          const held = sum(lots.get(senderId) ?? []);
          if ('refusal' in outcome) {
            refusedInAll += Number(outcome.refusal === 'insufficient_coins');
            expect(outcome.refusal === 'insufficient_coins' && from + cost <= held).toBe(false);
          } else {
            paidInAll += 1;
            expect(from + cost).toBeLessThanOrEqual(held);
            expect(facts[0]?.event.data).toMatchObject({
              funding: { kind: 'wallet', lots: sharesOf(senderId, from, cost) },
            });
            spent.set(senderId, from + cost);
          }
        }
        // Coins are conserved: what was sold is what is held and what was spent.
        for (const [viewerId, sold] of lots) {
          const held = sum((state.wallets.get(viewerId) ?? []).map(({ left }) => left));
          expect(held + (spent.get(viewerId) ?? 0n)).toBe(sum(sold));
        }
      }),
      { numRuns: 300 },
    );
    expect(paidInAll).toBeGreaterThan(50);
    expect(refusedInAll).toBeGreaterThan(50);
  });

  it('puts on every gift from a wallet lots that add up to its coins', () => {
    fc.assert(
      fc.property(evening, (gifts) => {
        for (const { data } of giftsIn(sendGifts(gifts, given).outcomes)) {
          const { coins: cost, funding } = data;
          if (funding.kind !== 'wallet') continue;
          expect(sum(funding.lots.map((lot) => BigInt(lot.coins)))).toBe(BigInt(cost));
          expect(funding.lots.every((lot) => lot.coins > 0)).toBe(true);
        }
      }),
    );
  });
});
