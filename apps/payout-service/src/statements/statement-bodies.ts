import { Currency, Id, RateOnEvent, Time } from '@carat/events';
import { z } from 'zod';
import { Decimal } from '../balances/balance.js';
import { balanceOf, type Terms, terms, transferCodes } from '../diamond-ledger/terms.js';
import { Money } from '../quote-redemption/quote-bodies.js';
import type { AtRate, Converted, MoneyMoved, Rate, Statement } from './statement.js';
import { type GiftsLine, type Line, statesAtEnd, type TransferLine } from './statement-lines.js';

const Count = z.int().min(0);

/** The terms of a balance; `available` and `recoverable` are what the others come to. */
const StatedBalance = z.record(z.enum([...terms, 'available', 'recoverable']), Decimal);

const Changes = z
  .partialRecord(z.enum(terms), Decimal)
  .meta({ description: 'how much of each term is more or less; what is left alone is absent' });

const StatedConversion = z.object({
  count: Count,
  coins: Decimal.nullable(),
  millidiamonds: Decimal,
  residue: z.object({ numerator: Decimal, denominator: Decimal }).nullable(),
});
const StatedRate = RateOnEvent.nullable().meta({ description: 'null: booked before rates were kept' });
const StatedMoney = z.object({ count: Count, amountMinor: Decimal });

const StatedGifts = z.object({
  kind: z.literal('gifts'),
  day: z.iso.date(),
  rate: StatedRate,
  ...StatedConversion.shape,
  changes: Changes,
});

const StatedTransfer = z.object({
  kind: z.enum(transferCodes).exclude(['credit']),
  bookedAt: Time,
  eventAt: Time.optional().meta({ description: 'the time that the id of the event begins with' }),
  eventId: z.uuid(),
  giftId: Id.optional(),
  programmeId: Id.optional(),
  reversed: z.object({ rate: StatedRate, ...StatedConversion.shape }).optional(),
  redemption: z
    .object({
      redemptionId: Id,
      stateAtEnd: z.enum(statesAtEnd).meta({ description: 'at the end of the period' }),
      requestedAt: Time.optional(),
      payout: Money.optional(),
      rate: RateOnEvent.optional(),
    })
    .optional(),
  changes: Changes,
});

const StatedLine = z.discriminatedUnion('kind', [StatedGifts, StatedTransfer]);
type StatedLine = z.infer<typeof StatedLine>;

/** A statement as it is answered: amounts in decimal, millidiamonds unless they are called coins or minor units. */
export const StatedPeriod = z.object({
  creatorId: Id,
  unit: z.literal('millidiamond'),
  from: Time,
  to: Time,
  final: z.boolean().meta({ description: 'false while something may still be booked in the period' }),
  opening: StatedBalance,
  movements: StatedBalance,
  closing: StatedBalance,
  totals: z.record(z.enum(transferCodes), z.object({ count: Count, millidiamonds: Decimal })),
  rates: z.array(z.object({ rate: StatedRate, credited: StatedConversion, reversed: StatedConversion })),
  money: z.array(z.object({ currency: Currency, paid: StatedMoney, returned: StatedMoney })),
  lines: z.array(StatedLine),
  hasMoreLines: z.boolean().meta({ description: 'the rest of the lines is in the CSV' }),
});
export type StatedPeriod = Readonly<z.infer<typeof StatedPeriod>>;

type Written<Of> = { [Name in keyof Of]: string };

const written = <Of extends Readonly<Record<string, bigint>>>(figures: Of): Written<Of> =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, String(value)])) as Written<Of>;

const changesIn = (changes: Terms): Partial<Written<Terms>> =>
  written(Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== 0n)));

// Field by field, so that the same rate is always the same bytes, however its row was written.
const statedRate = ({ id, numerator, denominator, rounding }: RateOnEvent): RateOnEvent => ({
  id,
  numerator,
  denominator,
  rounding,
});
const rateOrNull = (rate: Rate): Rate => rate && statedRate(rate);

const statedConversion = ({ count, coins, millidiamonds, residue }: Converted) => ({
  count,
  coins: coins === null ? null : String(coins),
  millidiamonds: String(millidiamonds),
  residue: residue === null ? null : written({ ...residue }),
});

const statedAtRate = ({ rate, credited, reversed }: AtRate): StatedPeriod['rates'][number] => ({
  rate: rateOrNull(rate),
  credited: statedConversion(credited),
  reversed: statedConversion(reversed),
});

const statedMoney = ({ currency, paid, returned }: MoneyMoved): StatedPeriod['money'][number] => ({
  currency,
  paid: { ...paid, amountMinor: String(paid.amountMinor) },
  returned: { ...returned, amountMinor: String(returned.amountMinor) },
});

const statedGifts = ({ kind, at: day, rate, changes, ...conversion }: GiftsLine): StatedLine => ({
  kind,
  day,
  rate: rateOrNull(rate),
  ...statedConversion(conversion),
  changes: changesIn(changes),
});

const statedRedemption = ({ redemptionId, stateAtEnd, asked }: NonNullable<TransferLine['redemption']>) => {
  if (asked === null) return { redemptionId, stateAtEnd };
  const { requestedAt, payout, rate } = asked;
  const { currency, amountMinor } = payout;
  return { redemptionId, stateAtEnd, requestedAt, payout: { currency, amountMinor }, rate: statedRate(rate) };
};

function statedTransfer(line: TransferLine): StatedLine {
  const { kind, at: bookedAt, eventAt, eventId, giftId, programmeId, reversed, redemption, changes } = line;
  return {
    kind,
    bookedAt,
    ...(eventAt === null ? {} : { eventAt }),
    eventId,
    ...(giftId === null ? {} : { giftId }),
    ...(programmeId === null ? {} : { programmeId }),
    ...(reversed === null ? {} : { reversed: { rate: rateOrNull(reversed.rate), ...statedConversion(reversed) } }),
    ...(redemption === null ? {} : { redemption: statedRedemption(redemption) }),
    changes: changesIn(changes),
  };
}

/** A statement as its answer, with as many of its lines. */
export function statedPeriod(statement: Statement, lines: readonly Line[], hasMoreLines: boolean): StatedPeriod {
  const { creatorId, period, isFinal, opening, movements, closing, totals, rates, money } = statement;
  const [before, after] = [balanceOf(opening), balanceOf(closing)];
  return {
    creatorId,
    unit: 'millidiamond',
    from: new Date(period.fromMs).toISOString(),
    to: new Date(period.toMs).toISOString(),
    final: isFinal,
    opening: written(before),
    // What is available is cut off at zero, so how it moved is told by its two ends and by no sum.
    movements: written({
      ...movements,
      available: after.available - before.available,
      recoverable: after.recoverable - before.recoverable,
    }),
    closing: written(after),
    totals: Object.fromEntries(
      Object.entries(totals).map(([code, { count, millidiamonds }]) => [
        code,
        { count, millidiamonds: String(millidiamonds) },
      ]),
    ) as StatedPeriod['totals'],
    rates: rates.map(statedAtRate),
    money: money.map(statedMoney),
    lines: lines.map((line) => (line.kind === 'gifts' ? statedGifts(line) : statedTransfer(line))),
    hasMoreLines,
  };
}
