import { coins } from '@carat/amounts';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { catalogueOf } from '../gift-catalogue/catalogue.js';
import {
  type AskedGift,
  askedGift,
  capKey,
  type Outcome,
  referenceKey,
  type SendingState,
  sendGifts,
} from './send-gift.js';

const prices = new Map([
  ['rose', 1n],
  ['lion', 29_999n],
  ['universe', 44_999n],
]);
const CAP = 300_000n;
const references = ['p-1', 'p-2', 'p-3', 'p-4', 'p-5', 'p-6'];
const sources = ['/live', '/capped', '/quiet'];
const RECEIVED_MS = Date.parse('2026-11-22T23:59:59.000Z');

const given: SendingState = {
  catalogue: catalogueOf(
    [...prices].map(([giftTypeId, price]) => ({
      giftTypeId,
      name: giftTypeId,
      coins: Number(price),
      tier: 'emoji',
      animation: 'pop',
      streakable: true,
      onSale: true,
      market: '*',
      effectiveFrom: '1970-01-01T00:00:00.000Z',
      changedBy: 'system:seed',
    })),
  ),
  sources: new Map([
    ['/live', { attestExternal: true }],
    ['/capped', { attestExternal: true, dailyCoinCap: coins(CAP) }],
  ]),
  rules: { latenessMs: 10_000, skewMs: 1_000 },
  freshReferences: new Set(sources.flatMap((source) => references.map((reference) => referenceKey(source, reference)))),
  coinsAttested: new Map([[capKey('/capped', RECEIVED_MS), coins(1000)]]),
};

const asked: fc.Arbitrary<AskedGift> = fc
  .record({
    source: fc.constantFrom(...sources),
    id: fc.uuid(),
    giftTypeId: fc.constantFrom(...prices.keys(), 'dragon'),
    quantity: fc.oneof(
      fc.integer({ min: 1, max: 9 }),
      fc.maxSafeNat().map((n) => Math.max(n, 1)),
    ),
    senderId: fc.constantFrom('viewer-1', 'creator-1'),
    reference: fc.oneof(fc.constantFrom(...references), fc.constant(undefined)),
    givenBeforeMs: fc.integer({ min: -1_500, max: 11_000 }),
    receivedAfterMs: fc.integer({ min: 0, max: 2_000 }),
  })
  .map(({ source, id, reference, givenBeforeMs, receivedAfterMs, ...data }) => {
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
  });
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
        expect(sum(sent.map(({ event }) => BigInt(event.data.coins)))).toBe(counted);
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
            ({ asked: gift }) => capKey(gift.identity.source, gift.receivedAtMs) === key,
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
        const used = sentOf(outcomes).map(({ asked: { identity, data } }) =>
          referenceKey(identity.source, data.funding.kind === 'external' ? data.funding.reference : ''),
        );
        expect(new Set(used).size).toBe(used.length);
        expect(new Set([...state.freshReferences, ...used])).toEqual(given.freshReferences);
      }),
    );
  });
});
