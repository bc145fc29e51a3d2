import { millidiamonds } from '@carat/amounts';
import type { Event } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { credited, foreignId, HALF_RATE, takenBack } from '../../test/diamond-log.js';
import { reversed, sent } from '../../test/gift-log.js';
import { applied, type Diamonds, diamonds, gifts, radiusOf } from '../../test/radius.js';
import type { Stretch } from './known-bad.js';

const gift = sent({ coins: 10 });
const other = sent({ id: 'gift-2', coins: 4, creatorId: 'creator-2' });
const third = reversed(gift, 10, 4);
const reversal = takenBack(gift, third.data.reversalId, 6);

describe('what is booked as it is due', () => {
  test('differs for nobody, and nothing is proposed', () => {
    const { differences, codes, plan } = radiusOf([gift, third, other], [credited(gift), reversal, credited(other)]);
    expect(differences).toEqual({ 'creator-1': 0n, 'creator-2': 0n });
    expect([codes, plan.corrections]).toEqual([{}, []]);
  });

  test('is booked once, however often the log has it', () => {
    expect(radiusOf([gift, gift], [credited(gift), credited(gift)]).differences).toEqual({ 'creator-1': 0n });
  });
});

describe('a misbooking', () => {
  const again = foreignId('again');
  const rate = { ...HALF_RATE, id: 'double', numerator: 1, denominator: 1 };
  test.each<[string, Diamonds, Record<string, bigint>]>([
    ['not_credited', [], { 'creator-1': 5000n }],
    ['wrong_amount', [credited(gift, { millidiamonds: 7000 })], { 'creator-1': -2000n }],
    ['wrong_rate', [credited(gift, { millidiamonds: 10_000, rate })], { 'creator-1': -5000n }],
    ['wrong_rounding', [credited(gift, { millidiamonds: 5001 })], { 'creator-1': -1n }],
    ['wrong_coins', [credited(gift, { millidiamonds: 500, coins: 1 })], { 'creator-1': 4500n }],
    ['wrong_creator', [credited(gift, { creatorId: 'thief' })], { 'creator-1': 5000n, thief: -5000n }],
    ['credited_twice', [credited(gift), credited(gift, { id: again })], { 'creator-1': -5000n }],
    ['reversed_without_cause', [credited(gift), takenBack(gift, `rev_${again}`, 6)], { 'creator-1': 3000n }],
    ['wrong_amount', [credited(gift, { millidiamonds: 7000 }), credited(gift)], { 'creator-1': -2000n }],
  ])('%s is found, and what it is worth', (code, booked, differences) => {
    expect(radiusOf([gift], booked)).toMatchObject({ differences, codes: { [code]: 1 } });
  });

  test('of a reversal is found, too', () => {
    expect(radiusOf([gift, third], [credited(gift)])).toMatchObject({
      differences: { 'creator-1': -3000n },
      codes: { not_reversed: 1 },
    });
    const twice = takenBack(gift, `rev_${foreignId('twice')}`, 6);
    expect(radiusOf([gift, third], [credited(gift), reversal, twice])).toMatchObject({
      differences: { 'creator-1': 3000n },
      codes: { reversed_twice: 1 },
    });
  });

  test('of a gift that nobody gave takes its credit back', () => {
    expect(radiusOf([], [credited(gift)])).toMatchObject({
      differences: { 'creator-1': -5000n },
      codes: { credited_without_cause: 1 },
    });
  });

  test('of nothing is none', () => {
    const free = sent({ id: 'free', coins: 0 });
    for (const booked of [[], [credited(free, { id: foreignId('free') })]])
      expect(radiusOf([free], booked).codes).toEqual({});
  });
});

describe('what is known bad', () => {
  const late = credited(other, { millidiamonds: 9000 });

  test('touches the gifts of its records, over their whole life, and no others', () => {
    const booked = [credited(gift, { millidiamonds: 7000 }), late, reversal];
    const of = (...bad: Stretch[]) => radiusOf([gift, other, third], booked, { bad }).differences;
    expect(of(diamonds(0, 1))).toEqual({ 'creator-1': -2000n });
    expect(of(diamonds(1, 2))).toEqual({ 'creator-2': -7000n });
    expect(of(diamonds(2, 3))).toEqual({ 'creator-1': -2000n });
    expect(of(gifts(1, 2))).toEqual({ 'creator-2': -7000n });
    expect(of(diamonds(3, 9))).toEqual({});
  });

  test('is one event for each creator who differs, and its reason says of which gifts', () => {
    const more = sent({ id: 'gift-3', coins: 2 });
    const booked = [credited(gift, { millidiamonds: 7000 }), credited(more, { millidiamonds: 0 }), late];
    const { plan } = radiusOf([gift, more, other], booked, { bad: [diamonds(0, 3)] });
    const mark = '[correction of 2026-11-20T19:00:00.000Z to 2026-11-20T19:00:00.001Z]';
    expect(plan.corrections.map(({ body }) => body)).toEqual([
      {
        creatorId: 'creator-1',
        millidiamonds: -1000,
        reason: expect.stringContaining(`${plan.incident}). ${mark}`),
        evidence: expect.stringMatching(
          /^carat audit blast-radius --from 2026.* --to 2026.*; wrong_amount gft_.*; wrong_amount gft_/,
        ),
      },
      {
        creatorId: 'creator-2',
        millidiamonds: -7000,
        reason: expect.stringContaining(mark),
        evidence: expect.any(String),
      },
    ]);
  });

  test('has the same keys whatever else becomes of the gifts, and whatever of it is approved by now', () => {
    const booked = [credited(gift, { millidiamonds: 7000 }), late];
    const { plan } = radiusOf([gift, other], booked);
    expect(radiusOf([gift, other, third], [...booked, reversal]).plan).toEqual(plan);
    const [first, second] = plan.corrections;
    const [done] = applied(plan);
    const rest = radiusOf([gift, other], booked, { corrections: done === undefined ? [] : [done] }).plan;
    expect(rest.corrections).toEqual([second]);
    expect(rest.hash).not.toBe(plan.hash);
    expect(first?.idempotencyKey).not.toBe(second?.idempotencyKey);
  });

  test('is proposed anew where it was put right before, and that was undone', () => {
    const booked = [credited(gift, { millidiamonds: 7000 })];
    const { plan } = radiusOf([gift], booked);
    const [done] = applied(plan);
    if (done === undefined) throw new Error('nothing was proposed');
    const undone = { ...done, correctionId: 'adj_undone', gain: millidiamonds(-done.gain) };
    const again = radiusOf([gift], booked, { corrections: [done, undone] }).plan;
    expect(again.corrections.map(({ body }) => body)).toEqual(plan.corrections.map(({ body }) => body));
    expect(again.corrections[0]?.idempotencyKey).not.toBe(plan.corrections[0]?.idempotencyKey);
  });

  test('takes as many events as carry a difference that one cannot', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const booked = [1, 2].map((n) => credited(gift, { id: foreignId(`most ${n}`), millidiamonds: most }));
    const { plan } = radiusOf(
      [gift],
      [credited(gift), ...booked, credited(gift, { id: foreignId('m'), millidiamonds: 5 })],
    );
    expect(plan.corrections.map(({ body }) => body.millidiamonds)).toEqual([-most, -most, -5]);
    expect(new Set(plan.corrections.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(3);
  });
});

describe('a correction', () => {
  const doubled = credited(gift, { id: foreignId('again') });
  const booked = [credited(gift), doubled, credited(other, { millidiamonds: 0 })];
  const first = radiusOf([gift, other], booked, { bad: [diamonds(1, 2)] }).plan;

  test('counts as booked, so that nothing is left', () => {
    const corrections = applied(first, [diamonds(1, 2)]);
    expect(radiusOf([gift, other], booked, { bad: [diamonds(1, 2)], corrections }).plan.corrections).toEqual([]);
  });

  test('counts in another window that shares a gift, and keeps what it did not name', () => {
    const { differences } = radiusOf([gift, other], booked, { corrections: applied(first, [diamonds(1, 2)]) });
    expect(differences).toEqual({ 'creator-1': 0n, 'creator-2': 2000n });
  });

  test('stays with its gifts: what became of them later is seen from any window of the creator', () => {
    const undone = takenBack(gift, `rev_${foreignId('by hand')}`, 10);
    const more = sent({ id: 'gift-3' });
    const all = [...booked, undone, credited(more)];
    const { differences } = radiusOf([gift, other, more], all, {
      bad: [diamonds(4, 5)],
      corrections: applied(first, [diamonds(1, 2)]),
    });
    expect(differences).toEqual({ 'creator-1': 5000n });
  });

  test('may name a gift alone, and of another creator says nothing', () => {
    const named = { stretches: [], giftIds: [gift.data.giftId] };
    const by = (creatorId: string) => [{ correctionId: 'adj_1', creatorId, gain: millidiamonds(-5000), named }];
    const of = (creatorId: string) => radiusOf([gift, other], booked, { corrections: by(creatorId) }).differences;
    expect(of('creator-1')).toEqual({ 'creator-1': 0n, 'creator-2': 2000n });
    expect(of('stranger')).toEqual({ 'creator-1': -5000n, 'creator-2': 2000n });
  });

  test('leaves creators alone who were not corrected with it', () => {
    const more = sent({ id: 'gift-3', creatorId: 'creator-2' });
    const all = [...booked, credited(more)];
    const named = { stretches: [diamonds(0, 3)], giftIds: [] };
    const corrections = [{ correctionId: 'adj_1', creatorId: 'creator-1', gain: millidiamonds(-5000), named }];
    const { differences } = radiusOf([gift, other, more], all, { bad: [diamonds(3, 4)], corrections });
    expect(differences).toEqual({ 'creator-2': 0n });
  });

  test('of a credit counts by the gift that its event names', () => {
    const corrected: Event<'diamond.events.v1'> = {
      ...doubled,
      id: foreignId('corrected'),
      type: 'carat.diamonds.corrected.v1',
      data: {
        correctionId: 'cor_1',
        creatorId: 'creator-1',
        giftId: gift.data.giftId,
        millidiamonds: -5000,
        reason: 'twice',
        proposedBy: 'nina',
        approvedBy: 'omar',
      },
    };
    const repeated = { ...corrected, data: { ...corrected.data, millidiamonds: 7 } };
    expect(radiusOf([gift, other], [...booked, corrected, repeated]).differences).toMatchObject({ 'creator-1': 0n });
  });
});

describe('what cannot be priced', () => {
  test('is left out by name, and its reversals with it', () => {
    const early = sent({ id: 'early', timeMs: -1 });
    const { leftOut, differences } = radiusOf([early, reversed(early, 10, 0), gift], [credited(gift)]);
    expect(leftOut.map(({ position, code }) => [position.offset, code])).toEqual([
      [0n, 'no_rate_in_force'],
      [1n, 'gift_not_priced'],
    ]);
    expect(differences).toEqual({ 'creator-1': 0n });
  });

  test('is the reversal of a gift that the log does not have, too', () => {
    expect(radiusOf([third], [reversal])).toMatchObject({ leftOut: [{ code: 'gift_not_priced' }] });
  });

  test('is of no concern where it is not touched', () => {
    const early = sent({ id: 'early', timeMs: -1 });
    expect(radiusOf([early, gift], [credited(gift)], { bad: [diamonds(0, 1)] }).leftOut).toEqual([]);
  });
});
