import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import { emptyRateBook, evolve } from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import { type Event, encode } from '@carat/events';
import { ManyEvents } from '@carat/events/decode-many';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { HALF, inForce, reversed, sent } from '../../test/gift-log.js';
import { Findings } from '../verify/findings.js';
import { CreditsPass } from './credits.js';

const rates = { ...inForce(HALF).reduce(evolve, emptyRateBook), completeUntilMs: Infinity };
const gift = sent({ id: 'gift-1', coins: 7 });
const [credit] = creditDiamonds(gift, rates) as [Event<'diamond.events.v1'>];

const at = (topic: Position['topic'], offset: bigint): Position => ({ topic, partition: 0, offset });
const nobody = { isDeadLetter: () => false, isAhead: () => false };

/** What a pass says of gifts and of diamonds, in the order in which they are read. */
function found(
  records: readonly (typeof gift | ReturnType<typeof reversed> | Buffer)[],
  accounted: Parameters<CreditsPass['end']>[0] = nobody,
) {
  const findings = new Findings();
  const booked: number[] = [];
  const repeated: string[] = [];
  const pass = new CreditsPass(
    rates,
    findings,
    { events: new ManyEvents(), gifts: 0 },
    {
      booked: ({ data }) => booked.push(data.millidiamonds),
      repeated: ({ id }) => repeated.push(id),
    },
  );
  for (const [offset, record] of records.entries())
    if (Buffer.isBuffer(record)) pass.diamond(record, at('diamond.events.v1', BigInt(offset)));
    else pass.gift(record, at('gift.events.v1', BigInt(offset)));
  pass.end(accounted);
  return { codes: findings.of('credits').named.map(({ code }) => code), booked, repeated, waiting: pass.waiting };
}

describe('many gifts and their credits', () => {
  const gifts = Array.from({ length: 1_500 }, (_, n) => sent({ id: `gift-${n}`, coins: (n % 9) + 1 }));
  const credits = gifts.map((each) => encode(creditDiamonds(each, rates)[0] as object));

  test.each<[string, number, (n: number) => number]>([
    ['in the order of the gifts', 0, (n) => n],
    ['all of them last', 1_500, (n) => n],
    ['in the reverse order', 1_500, (n) => 1_499 - n],
    ['each a few too late', 40, (n) => (n % 2 === 0 ? n + 1 : n - 1)],
  ])('belong together: %s', (_, behind, turn) => {
    const records = gifts.flatMap((each, n) => (n < behind ? [each] : [each, credits[turn(n - behind)] as Buffer]));
    const rest = Array.from(
      { length: Math.min(behind, 1_500) },
      (__, n) => credits[turn(1_500 - behind + n)] as Buffer,
    );
    expect(found([...records, ...rest])).toMatchObject({ codes: [], repeated: [], waiting: 0 });
  });

  test.prop([fc.shuffledSubarray([...gifts.slice(0, 40), ...credits.slice(0, 40)])], { numRuns: 200 })(
    'in any order, only those that are alone are found',
    (records) => {
      const alone = (has: readonly unknown[], needs: readonly unknown[]): number =>
        has.filter((each, n) => records.includes(each as Buffer) && !records.includes(needs[n] as Buffer)).length;
      const { codes, waiting } = found(records);
      const uncredited = alone(gifts.slice(0, 40), credits);
      const foreign = alone(credits.slice(0, 40), gifts);
      expect(codes.filter((code) => code === 'gift_not_credited')).toHaveLength(uncredited);
      expect(codes.filter((code) => code === 'foreign_writer')).toHaveLength(foreign);
      expect(waiting).toBe(uncredited + foreign);
    },
  );
});

describe('a gift and its credit', () => {
  test('belong together, whichever is read first, and are booked once', () => {
    const together = { codes: [], booked: [3500], repeated: [], waiting: 0 };
    expect(found([gift, encode(credit)])).toEqual(together);
    expect(found([encode(credit), gift])).toEqual(together);
  });

  test('may be written with its fields in another order, and with some that nobody knows', () => {
    const { data, ...envelope } = credit;
    expect(found([gift, encode({ data, extra: 'x', ...envelope })]).codes).toEqual([]);
  });

  test('that comes again is a repeat, in any place; one that says otherwise is found', () => {
    const again = { codes: [], booked: [3500], repeated: [credit.id], waiting: 0 };
    expect(found([gift, encode(credit), encode(credit)])).toEqual(again);
    expect(found([encode(credit), encode(credit), gift])).toEqual(again);
    const other = encode({ ...credit, data: { ...credit.data, millidiamonds: 1 } });
    expect(found([gift, encode(credit), other, encode(credit)])).toMatchObject({
      codes: ['repeat_differs'],
      booked: [3500],
    });
  });

  test.each([
    ['another amount', { millidiamonds: 3501 }],
    ['another creator', { creatorId: 'creator-2' }],
    ['another residue', { residue: { numerator: 1, denominator: 2 } }],
    ['another rate', { rate: { id: 'half', numerator: 2, denominator: 4, rounding: 'floor' } }],
  ])('differ by %s', (_, change) => {
    const wrong = encode({ ...credit, data: { ...credit.data, ...change } });
    expect(found([gift, wrong]).codes).toEqual(['credit_differs']);
    expect(found([wrong, gift]).codes).toEqual(['credit_differs']);
  });
});

describe('what is alone', () => {
  test('is a gift that was not credited, unless it is a dead letter or conversion has not come to it', () => {
    expect(found([gift]).codes).toEqual(['gift_not_credited']);
    expect(found([gift], { ...nobody, isDeadLetter: ({ offset }) => offset === 0n }).codes).toEqual([]);
    expect(found([gift], { ...nobody, isAhead: ({ offset }) => offset >= 0n }).codes).toEqual([]);
  });

  test('is a reversal that was not booked', () => {
    expect(found([gift, encode(credit), reversed(gift, 7, 2)]).codes).toEqual(['reversal_not_booked']);
  });

  test('is a credit that somebody else has written: it is booked, and found', () => {
    expect(found([encode(credit)])).toMatchObject({ codes: ['foreign_writer'], booked: [3500] });
  });

  test('is a gift without a price, which has to be a dead letter', () => {
    const priceless = sent({ id: 'gift-2', coins: Number.MAX_SAFE_INTEGER });
    expect(found([priceless]).codes).toEqual(['gift_not_credited']);
    expect(found([priceless], { ...nobody, isDeadLetter: () => true }).codes).toEqual([]);
  });
});
