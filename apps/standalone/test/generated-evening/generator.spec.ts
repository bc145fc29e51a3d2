import { describe, expect, test } from '@jest/globals';
import { eveningOf } from './generator.js';
import { Oracle, type ReversalAnswer } from './oracle.js';
import type { Plan, Request } from './plan.js';

const START_MS = Date.parse('2026-11-22T20:00:00.000Z');
const evenings = Array.from({ length: 50 }, (_, index) => eveningOf(index + 1, START_MS));

const requestsOf = ({ steps }: Plan): Request[] =>
  steps.flatMap((step) => (step.kind === 'requests' ? step.byCreator.flat() : []));
const purchasesOf = ({ steps }: Plan) => steps.flatMap((step) => (step.kind === 'purchases' ? step.purchases : []));

describe('the evening of a seed', () => {
  test('is the same every time, and another for another seed', () => {
    expect(eveningOf(7, START_MS)).toEqual(evenings[6]);
    const quantities = (plan: Plan): number[] => requestsOf(plan).map(({ data }) => data.quantity);
    expect(quantities(eveningOf(8, START_MS))).not.toEqual(quantities(eveningOf(7, START_MS)));
  });

  test('only moves when it starts later', () => {
    const timesOf = (plan: Plan): number[] => requestsOf(plan).map(({ timeMs }) => timeMs);
    const later = eveningOf(7, START_MS + 1000);
    expect(timesOf(later)).toEqual(timesOf(eveningOf(7, START_MS)).map((timeMs) => timeMs + 1000));
  });

  test('shares no id with another evening but the market that its rates are for', () => {
    for (const plan of evenings) {
      const asked = requestsOf(plan).flatMap(({ source, id, data }) => [source.slice(1), id, data.senderId]);
      const bought = purchasesOf(plan).flatMap(({ purchaseId, viewerId }) => [purchaseId, viewerId]);
      const priced = plan.prices.map(({ giftTypeId }) => giftTypeId);
      const foreign = [...asked, ...bought, ...priced].filter((id) => !id.startsWith(plan.prefix));
      expect(foreign).toEqual([]);
    }
  });

  test('keeps a viewer, a capped source and a streak to one creator: no order between creators matters', () => {
    for (const plan of evenings) {
      const creatorsOf = (requests: readonly Request[]): number =>
        new Set(requests.map(({ data }) => data.creatorId)).size;
      const capped = requestsOf(plan).filter(({ source }) => plan.sources[source]?.dailyCoinCap !== undefined);
      expect(creatorsOf(capped)).toBeLessThanOrEqual(1);
      for (const own of Map.groupBy(requestsOf(plan), ({ data }) => data.senderId).values())
        expect(creatorsOf(own)).toBe(1);
      for (const step of plan.steps)
        if (step.kind === 'requests') for (const own of step.byCreator) expect(creatorsOf(own)).toBe(1);
    }
  });

  test('has three rates in force one after another, and gifts at each change and a millisecond away', () => {
    for (const plan of evenings) {
      const starts = plan.rates.map(({ fromMs }) => fromMs);
      expect(new Set(starts).size).toBe(3);
      expect(new Set(plan.rates.map(({ numerator, denominator }) => `${numerator}/${denominator}`)).size).toBe(3);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
      const times = new Set(requestsOf(plan).map(({ timeMs }) => timeMs));
      const around = starts.flatMap((fromMs) => [-1, 0, 1].filter((ms) => times.has(fromMs + ms)));
      expect(around).toEqual([-1, 0, 1, -1, 0, 1, -1, 0, 1]);
    }
  });
});

describe('fifty evenings', () => {
  const oracles = evenings.map((plan) => new Oracle(plan));
  const answers = oracles.flatMap((oracle, index) =>
    (evenings[index]?.steps ?? []).flatMap((step) => oracle.apply(step)),
  );
  const books = oracles.map((oracle) => oracle.books());
  const sumOf = (counts: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
    const sums: Record<string, number> = {};
    for (const [word, times] of counts.flatMap((one) => Object.entries(one))) sums[word] = (sums[word] ?? 0) + times;
    return sums;
  };
  const often = (counts: Readonly<Record<string, number>>, times: number): string[] =>
    Object.keys(counts)
      .filter((word) => (counts[word] ?? 0) >= times)
      .toSorted();

  test('ask a hundred times and more each, and a good part of it becomes gifts', () => {
    const asked = evenings.map((plan) => requestsOf(plan).length);
    expect(asked.reduce((a, b) => a + b) / asked.length).toBeGreaterThan(120);
    expect(books.flatMap(({ gifts }) => Object.keys(gifts)).length).toBeGreaterThan(3000);
  });

  test('show every refusal and every dead letter', () => {
    expect(often(sumOf(books.map(({ refusals }) => refusals)), 20)).toEqual([
      'amount_too_large',
      'daily_coin_cap_exceeded',
      'external_funding_not_attested',
      'external_reference_already_used',
      'gift_time_in_future',
      'gift_time_too_old',
      'gift_type_not_on_sale',
      'gift_type_not_streakable',
      'insufficient_coins',
      'sender_is_creator',
      'streak_changed',
      'unknown_gift_type',
    ]);
    const deadLetters = sumOf(books.map((one) => one.deadLetters));
    expect(often(deadLetters, 20)).toEqual(['identity_conflict', 'source_not_registered']);
  });

  test('show every answer to a reversal, whole and in part', () => {
    const ofKind = (kind: string, answer: ReversalAnswer): number =>
      answers.filter((one) => one.reversal.kind === kind && one.answer === answer).length;
    expect(ofKind('refund', 'reversed')).toBeGreaterThan(500);
    expect(ofKind('refund', 'purchase_already_reversed')).toBeGreaterThan(50);
    expect(ofKind('moderation', 'reversed')).toBeGreaterThan(300);
    expect(ofKind('moderation', 'gift_already_reversed')).toBeGreaterThan(50);
    const inPart = answers.filter(({ reversal, answer }) => answer === 'reversed' && 'coins' in reversal);
    expect(inPart.length).toBeGreaterThan(100);
  });
});
