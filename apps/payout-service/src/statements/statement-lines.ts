import { type RateOnEvent, timeOfId } from '@carat/events';
import { addTerms, changesBy, DoesNotAddUp, type Moved, type Terms, terms } from '../diamond-ledger/terms.js';
import type { TransferCode } from '../diamond-ledger/transfers-of.js';
import { type ConvertedAtRate, convertedAt, type Rate, type Statement } from './statement.js';

/** What was asked for. It stays what it is, whatever becomes of the redemption. */
export interface AskedRedemption {
  readonly requestedAt: string;
  readonly payout: { readonly currency: string; readonly amountMinor: number };
  readonly rate: RateOnEvent;
}

/** A transfer in the period that is no gift's credit, as the ledger has it. */
export interface BookedTransfer extends Moved {
  readonly eventId: string;
  readonly bookedAt: string;
  /** The account that is not the creator's own; of a payout, the one that it goes to. */
  readonly account: string;
  readonly giftId: string | null;
  readonly coins: bigint | null;
  readonly rate: Rate;
  readonly redemptionId: string | null;
  /** The code of the last transfer in the period of the same redemption. */
  readonly lastCode: TransferCode;
  readonly asked: AskedRedemption | null;
}

interface AnyLine {
  /** RFC 3339; of gifts the day alone, which sorts before every time of that day. */
  readonly at: string;
  /** What it changes of each term. All lines together change what the statement says was moved. */
  readonly changes: Terms;
}

/** The gifts of one UTC day at one rate. */
export interface GiftsLine extends AnyLine, ConvertedAtRate {
  readonly kind: 'gifts';
}

/** One transfer of anything else. */
export interface TransferLine extends AnyLine {
  readonly kind: Exclude<TransferCode, 'credit'>;
  readonly eventId: string;
  /** The time that the event's id begins with, where the id is one of ours. */
  readonly eventAt: string | null;
  readonly giftId: string | null;
  readonly programmeId: string | null;
  /** Of a reversal: what it took back. */
  readonly reversed: ConvertedAtRate | null;
  readonly redemption: StatedRedemption | null;
}

/** The redemption that a transfer is about. */
interface StatedRedemption {
  readonly redemptionId: string;
  /** By what was booked until the end of the period. */
  readonly stateAtEnd: StateAtEnd;
  readonly asked: AskedRedemption | null;
}

export type Line = GiftsLine | TransferLine;

/** What a redemption is by its last transfer. */
const states = { hold: 'held', release: 'released', pay: 'paid', late_pay: 'paid_late', unpay: 'returned' } as const;
export const statesAtEnd = Object.values(states);
type StateAtEnd = (typeof statesAtEnd)[number];

const isOfRedemption = (code: TransferCode): code is keyof typeof states => code in states;

const UUID_V8 = /^.{14}8/;
const AWARDS = 'awards:';

/**
 * The line of a transfer.
 * @throws DoesNotAddUp when its accounts contradict its code, or it is a credit, which is in the line of its day
 */
export function lineOf(transfer: BookedTransfer): TransferLine {
  const { code, eventId, bookedAt, account, giftId, rate, redemptionId, lastCode, asked } = transfer;
  if (code === 'credit') throw new DoesNotAddUp(`${eventId} is a credit and no line of its own`);
  const isRedemption = redemptionId !== null && isOfRedemption(lastCode);
  return {
    kind: code,
    at: bookedAt,
    eventId,
    eventAt: UUID_V8.test(eventId) ? new Date(timeOfId(eventId)).toISOString() : null,
    giftId,
    programmeId: account.startsWith(AWARDS) ? account.slice(AWARDS.length) : null,
    reversed: code === 'reverse' ? { rate, ...convertedAt(rate, { ...transfer, count: 1 }) } : null,
    redemption: isRedemption ? { redemptionId, stateAtEnd: states[lastCode], asked } : null,
    changes: changesBy([transfer]),
  };
}

const giftsLines = ({ gifts }: Statement): GiftsLine[] =>
  gifts.map(({ day, millidiamonds, ...gift }) => ({
    ...gift,
    kind: 'gifts',
    at: day,
    millidiamonds,
    changes: changesBy([{ code: 'credit', side: 'gained', millidiamonds }]),
  }));

/**
 * Every line of a statement in the order of time. `others`: those that are not of gifts, in that order.
 * @throws DoesNotAddUp after the last line, when together they changed anything else than the statement says
 */
export async function* linesInOrder(statement: Statement, others: AsyncIterable<Line>): AsyncGenerator<Line> {
  let changed = changesBy([]);
  const next = (line: Line): Line => {
    changed = addTerms(changed, line.changes);
    return line;
  };
  const gifts = giftsLines(statement);
  let nextGifts = 0;
  for await (const other of others) {
    for (let line = gifts[nextGifts]; line !== undefined && line.at <= other.at; line = gifts[++nextGifts])
      yield next(line);
    yield next(other);
  }
  for (const line of gifts.slice(nextGifts)) yield next(line);
  const wrong = terms.filter((term) => changed[term] !== statement.movements[term]);
  if (wrong.length > 0) throw new DoesNotAddUp(`${statement.creatorId}: the lines come to other ${wrong.join(', ')}`);
}
