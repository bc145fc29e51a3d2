import { coins } from '@carat/amounts';
import type { EventOf } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { giftType } from '../../test/gift-type.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { catalogueOf } from '../gift-catalogue/catalogue.js';
import { type Outcome, type SendingState, sendGifts } from '../send-gift/send-gift.js';

const NOW_MS = Date.parse('2026-11-22T10:15:30.000Z');
const TIMEOUT_MS = 1_000;
const PRICE = 3n;
const BOUGHT = [40n, 1n, 75n];

const given: SendingState = {
  catalogue: catalogueOf([giftType('rose', Number(PRICE))]),
  sources: new Map(),
  rules: { latenessMs: 1e9, skewMs: 1e9, streakTimeoutMs: TIMEOUT_MS },
  freshReferences: new Set(),
  coinsAttested: new Map(),
  wallets: new Map([
    [
      'viewer-1',
      BOUGHT.map((left, index) => ({
        sequence: index + 1,
        source: '/shop',
        purchaseId: `buy-${index}`,
        left: coins(left),
      })),
    ],
  ]),
  streaks: new Map(),
};

interface Told {
  readonly streak: string;
  readonly count: number;
  readonly final: boolean;
  /** Since the frame before. */
  readonly afterMs: number;
}

const told = fc.record({
  streak: fc.constantFrom('s-1', 's-2', 's-3'),
  count: fc.integer({ min: 1, max: 14 }),
  final: fc.boolean(),
  afterMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 900, max: 1_100 })),
});
const evening = fc.array(told, { maxLength: 40 });

function framesOf(all: readonly Told[]): AskedGift[] {
  let atMs = NOW_MS;
  return all.map(({ streak, count, final, afterMs }, index) => {
    atMs += afterMs;
    const data = {
      giftTypeId: 'rose',
      quantity: count,
      senderId: 'viewer-1',
      creatorId: 'creator-7',
      context: { kind: 'live', id: 'live-1' } as const,
      market: '*',
      streak: { id: streak, final },
      funding: { kind: 'wallet' } as const,
    };
    return askedGift({ source: '/live', id: `f-${index}` }, data, new Date(atMs).toISOString(), atMs);
  });
}

const giftsIn = (outcomes: readonly Outcome[]): EventOf<'carat.gift.sent.v1'>[] =>
  outcomes
    .flatMap(({ facts }) => facts.map(({ event }) => event))
    .filter((event) => event.type === 'carat.gift.sent.v1');
const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);

/** The rules told naively: what is charged of each streak, and what is left of one purse of coins. */
function oracle(all: readonly Told[]): { charged: Map<string, bigint[]>; held: bigint; purse: bigint } {
  const streaks = new Map<string, { highest: bigint; isOpen: boolean; raisedAt: number }>();
  const charged = new Map<string, bigint[]>();
  let purse = sum(BOUGHT);
  let now = 0;
  const charge = (name: string, count: bigint): void => {
    charged.set(name, [...(charged.get(name) ?? []), count]);
  };
  const close = (name: string, streak: { highest: bigint; isOpen: boolean }): void => {
    charge(name, streak.highest);
    streak.isOpen = false;
  };
  for (const { streak: name, count, final, afterMs } of all) {
    now += afterMs;
    const known = streaks.get(name);
    if (known?.isOpen && now - known.raisedAt > TIMEOUT_MS) close(name, known);
    const more = BigInt(count) - (known?.highest ?? 0n);
    if (more > 0n) {
      if (purse < more * PRICE) {
        if (known?.isOpen) close(name, known);
        continue;
      }
      purse -= more * PRICE;
      if (known === undefined) streaks.set(name, { highest: BigInt(count), isOpen: true, raisedAt: now });
      else {
        if (!known.isOpen) charge(name, more);
        known.highest = BigInt(count);
        known.raisedAt = now;
      }
    }
    const streak = streaks.get(name);
    if (final && streak?.isOpen) close(name, streak);
  }
  const open = [...streaks.values()].filter(({ isOpen }) => isOpen);
  return { charged, held: sum(open.map(({ highest }) => highest * PRICE)), purse };
}

const heldIn = ({ streaks }: SendingState): bigint =>
  sum([...streaks.values()].flatMap(({ held }) => held.map((payment) => payment.coins)));
const leftIn = ({ wallets }: SendingState): bigint =>
  sum([...wallets.values()].flatMap((lots) => lots.map((lot) => lot.left)));

describe('streaks, whatever their frames', () => {
  it('are charged as the oracle charges them, gift by gift', () => {
    let supplements = 0;
    fc.assert(
      fc.property(evening, (all) => {
        const { outcomes, state } = sendGifts(framesOf(all), given);
        const expected = oracle(all);
        const charged = new Map<string, bigint[]>();
        for (const { data } of giftsIn(outcomes)) {
          const name = data.streak?.id ?? '';
          charged.set(name, [...(charged.get(name) ?? []), BigInt(data.quantity)]);
          expect(BigInt(data.coins)).toBe(BigInt(data.quantity) * PRICE);
        }
        supplements += [...charged.values()].filter((gifts) => gifts.length > 1).length;
        expect(charged).toEqual(expected.charged);
        expect({ held: heldIn(state), purse: leftIn(state) }).toEqual({ held: expected.held, purse: expected.purse });
      }),
      { numRuns: 500 },
    );
    expect(supplements).toBeGreaterThan(50);
  });

  it('conserve coins, per lot: bought is left, held by open streaks, and on gifts', () => {
    fc.assert(
      fc.property(evening, (all) => {
        const { outcomes, state } = sendGifts(framesOf(all), given);
        for (const [index, bought] of BOUGHT.entries()) {
          const purchaseId = `buy-${index}`;
          const left = sum(
            [...state.wallets.values()].flat().map((lot) => (lot.purchaseId === purchaseId ? lot.left : 0n)),
          );
          const held = sum(
            [...state.streaks.values()].flatMap((streak) =>
              streak.held.map((payment) => (payment.purchaseId === purchaseId ? payment.coins : 0n)),
            ),
          );
          const spent = sum(
            giftsIn(outcomes).flatMap(({ data: { funding } }) =>
              funding.kind === 'wallet'
                ? funding.lots.map((lot) => (lot.purchaseId === purchaseId ? BigInt(lot.coins) : 0n))
                : [],
            ),
          );
          expect(left + held + spent).toBe(bought);
        }
      }),
    );
  });

  it('do not depend on how their frames are cut into batches', () => {
    fc.assert(
      fc.property(evening, fc.nat(), (all, cut) => {
        const frames = framesOf(all);
        const at = cut % (frames.length + 1);
        const first = sendGifts(frames.slice(0, at), given);
        const second = sendGifts(frames.slice(at), first.state);
        const whole = sendGifts(frames, given);
        expect({ outcomes: [...first.outcomes, ...second.outcomes], state: second.state }).toEqual(whole);
      }),
    );
  });

  it('are not changed by a frame that comes again under another id', () => {
    fc.assert(
      fc.property(evening, fc.nat(), (all, place) => {
        fc.pre(all.length > 0);
        const at = place % all.length;
        const again = { ...all[at], afterMs: 0 } as Told;
        const doubled = [...all.slice(0, at + 1), again, ...all.slice(at + 1)];
        const gifts = (of: readonly Told[]) =>
          giftsIn(sendGifts(framesOf(of), given).outcomes).map(({ data }) => [data.giftId, data.coins]);
        // Only a frame that was refused may pass the second time: nothing was held for it.
        const refused = sendGifts(framesOf(all.slice(0, at + 1)), given).outcomes.at(-1);
        fc.pre(refused !== undefined && !('refusal' in refused));
        expect(gifts(doubled)).toEqual(gifts(all));
      }),
    );
  });
});
