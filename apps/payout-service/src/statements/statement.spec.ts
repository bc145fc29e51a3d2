import { addFractions, fraction } from '@carat/amounts';
import type { EventOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { credited, half, reversed, third } from '../../test/statements.js';
import { type Statement, type SummedTransfers, statementOf } from './statement.js';

const asked = { creatorId: 'creator-7', period: { fromMs: 0, toMs: 1 }, isFinal: true };
const state = (...sums: readonly SummedTransfers[]): Statement => statementOf(asked, sums, []);
const sum = (code: SummedTransfers['code'], change: Partial<SummedTransfers> = {}): SummedTransfers => ({
  code,
  side: 'gained',
  day: '2026-11-20',
  count: 1,
  millidiamonds: 500n,
  rate: null,
  coins: null,
  ...change,
});

describe('what gifts were converted at', () => {
  const gifts = fc.record({
    before: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 2 ** 33 })),
    taken: fc.double({ min: 0, max: 1, noNaN: true }),
    rounding: fc.constantFrom('floor', 'ceiling', 'half-even'),
  });
  const fractions = fc.record({
    numerator: fc.integer({ min: 0, max: 999 }),
    denominator: fc.integer({ min: 1, max: 999 }),
  });

  test('leaves just the residues that its events name, and the coins at the rate are exactly both', () => {
    fc.assert(
      fc.property(fractions, fc.array(gifts, { minLength: 1, maxLength: 20 }), (price, given) => {
        const pairs = given.map(({ before, taken, rounding }, n) => {
          const rate = { id: `rate_${rounding}`, ...price, rounding };
          const after = before - Math.floor(before * taken);
          return [credited(n, before, rate), reversed(n, [before, after], rate)] as const;
        });
        const events = pairs.flat() as EventOf<'carat.diamonds.credited.v1' | 'carat.diamonds.reversed.v1'>[];
        const { rates } = state(
          ...events.map(({ type, data }) =>
            sum(type === 'carat.diamonds.credited.v1' ? 'credit' : 'reverse', {
              side: type === 'carat.diamonds.credited.v1' ? 'gained' : 'lost',
              millidiamonds: BigInt(data.millidiamonds),
              coins: BigInt(data.coins),
              rate: data.rate,
            }),
          ),
        );
        for (const { rate, ...both } of rates)
          for (const [type, of] of [
            ['carat.diamonds.credited.v1', both.credited],
            ['carat.diamonds.reversed.v1', both.reversed],
          ] as const) {
            const own = events.filter((each) => each.type === type && each.data.rate.id === rate?.id);
            const residue = own.reduce(
              (all, { data }) =>
                addFractions(all, fraction(BigInt(data.residue.numerator), BigInt(data.residue.denominator))),
              fraction(0n, 1n),
            );
            expect(of.count).toBe(own.length);
            expect(of.residue).toEqual(residue);
            expect(addFractions(fraction(of.millidiamonds, 1n), residue)).toEqual(
              fraction((of.coins ?? 0n) * 1000n * BigInt(price.numerator), BigInt(price.denominator)),
            );
          }
      }),
    );
  });

  test('is told rate by rate in the order of their ids, and what has none comes last, without a residue', () => {
    const { rates, gifts: days } = state(
      sum('credit'),
      sum('credit', { rate: third, coins: 1n, millidiamonds: 333n }),
      sum('reverse', { side: 'lost', rate: third, coins: 2n, millidiamonds: 667n, day: '2026-11-19' }),
      sum('credit', { rate: half, coins: 2n, millidiamonds: 1000n }),
      sum('credit', { rate: half, coins: 3n, millidiamonds: 1500n, day: '2026-11-19' }),
    );
    expect(
      rates.map(({ rate, ...both }) => [rate?.id, both.credited.coins, both.credited.residue, both.reversed.residue]),
    ).toEqual([
      ['rate_half', 5n, fraction(0n, 1n), fraction(0n, 1n)],
      ['rate_third', 1n, fraction(1n, 3n), fraction(-1n, 3n)],
      [undefined, null, null, null],
    ]);
    expect(days.map(({ day, rate, coins }) => [day, rate?.id, coins])).toEqual([
      ['2026-11-19', 'rate_half', 3n],
      ['2026-11-20', 'rate_half', 2n],
      ['2026-11-20', 'rate_third', 1n],
      ['2026-11-20', undefined, null],
    ]);
  });
});

describe('a statement', () => {
  test('opens with what was before, and closes with what moved since', () => {
    const { opening, movements, closing } = state(
      sum('credit', { day: null }),
      sum('hold', { day: null, side: 'lost', millidiamonds: 200n }),
      sum('pay', { side: 'none', millidiamonds: 200n }),
      sum('credit', { day: '2026-11-20', millidiamonds: 7n }),
    );
    expect(opening).toMatchObject({ earned: 500n, held: 200n, redeemed: 0n });
    expect(movements).toMatchObject({ earned: 7n, held: -200n, redeemed: 200n });
    expect(closing).toMatchObject({ earned: 507n, held: 0n, redeemed: 200n });
  });

  test('counts every code of the period and none from before it; what may go either way has a sign', () => {
    const { totals } = state(
      sum('credit', { day: null, count: 9 }),
      sum('reverse', { side: 'lost', count: 2 }),
      sum('reverse', { side: 'lost', count: 3, day: '2026-11-21' }),
      sum('adjust', { millidiamonds: 5n }),
      sum('adjust', { side: 'lost', millidiamonds: 12n }),
      sum('correct', { side: 'lost', millidiamonds: 1n }),
    );
    expect(totals).toEqual({
      credit: { count: 0, millidiamonds: 0n },
      reverse: { count: 5, millidiamonds: 1000n },
      correct: { count: 1, millidiamonds: -1n },
      award: { count: 0, millidiamonds: 0n },
      award_revoked: { count: 0, millidiamonds: 0n },
      adjust: { count: 2, millidiamonds: -7n },
      hold: { count: 0, millidiamonds: 0n },
      release: { count: 0, millidiamonds: 0n },
      pay: { count: 0, millidiamonds: 0n },
      late_pay: { count: 0, millidiamonds: 0n },
      unpay: { count: 0, millidiamonds: 0n },
    });
  });
});
