import { convertedGiftId, creditDiamonds, type GiftEvent } from '@carat/conversion-service/credit-diamonds';
import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, faultOf, type Position } from '@carat/event-log';
import { type Event, uuidOf } from '@carat/events';
import type { ManyEvents } from '@carat/events/decode-many';
import { firstDifference } from '../booked/first-difference.js';
import type { Findings } from '../verify/findings.js';
import { IdTable } from './id-table.js';

export type DiamondEvent = Event<'diamond.events.v1'>;

/** A credit or a reversal that a gift's event asks for. */
interface Due {
  readonly event: DiamondEvent;
  readonly gift: Position;
}

/** What stands in a table of worths for an event that is not in the log yet: no worth, for a correction has any. */
const DUE = Number.NEGATIVE_INFINITY;
const IN_TURN = 1_024;

/**
 * What is due, in the order in which its gifts came: in that order it nearly always stands in the log, too. A map would
 * be built anew all the time, and whatever an old one of its tables held would be taken for alive.
 */
class DueInTurn {
  private readonly turns = new Array<Due | undefined>(IN_TURN).fill(undefined);
  private first = 0;
  private count = 0;
  /** What came out of turn, or found no room. */
  private readonly others = new Map<string, Due>();

  get size(): number {
    return this.count + this.others.size;
  }

  add(due: Due): void {
    if (this.count === IN_TURN) this.others.set(due.event.id, due);
    else this.turns[(this.first + this.count++) % IN_TURN] = due;
  }

  isNext(id: string): boolean {
    return this.turns[this.first]?.event.id === id;
  }

  /** Those before it had their turn, and come later, if at all. Undefined: it is not due. */
  find(id: string): Due | undefined {
    const other = this.others.get(id);
    if (other !== undefined) return other;
    for (;;) {
      const due = this.turns[this.first];
      if (due === undefined || due.event.id === id) return due;
      this.others.set(due.event.id, due);
      this.next();
    }
  }

  take(id: string): Due | undefined {
    const due = this.find(id);
    if (due !== undefined && !this.others.delete(id)) this.next();
    return due;
  }

  *all(): Generator<Due> {
    yield* this.others.values();
    for (let turn = 0; turn < this.count; turn++) yield this.turns[(this.first + turn) % IN_TURN] as Due;
  }

  private next(): void {
    this.turns[this.first] = undefined;
    this.first = (this.first + 1) % IN_TURN;
    this.count -= 1;
  }
}

/** One that stands in the log, and whose gift was not read yet. */
interface Early {
  readonly event: DiamondEvent;
  readonly position: Position;
}

interface Told {
  /** Every event of the topic, once, as it stands in the log: what the ledger books. */
  booked(event: DiamondEvent, position: Position): void;
  /** An event that stands in the log again. */
  repeated(event: DiamondEvent): void;
}

interface Reading {
  readonly events: ManyEvents;
  /** How many gifts there are about. */
  readonly gifts: number;
}

interface Accounted {
  /** True for a gift's event that its consumer has set aside as a dead letter. */
  isDeadLetter(position: Position): boolean;
  /** True for a gift's event that conversion has not come to yet. */
  isAhead(position: Position): boolean;
}

const DIAMONDS = 'diamond.events.v1';
// How our own events begin: the id is read without parsing the rest.
const HEAD = Buffer.from('{"specversion":"1.0","id":"', 'latin1');
const UUID_LENGTH = 36;

const scratch = Buffer.alloc(16_384);

/** True when these are the bytes of an event. Of a credit all of them are ASCII; were one not, it would not be true. */
function isWritten(event: DiamondEvent, value: Buffer): boolean {
  const text = JSON.stringify(event);
  if (text.length !== value.length || text.length > scratch.length) return false;
  scratch.write(text, 0, 'latin1');
  return scratch.compare(value, 0, value.length, 0, value.length) === 0;
}

const idIn = (value: Buffer): string | undefined =>
  value.length > HEAD.length + UUID_LENGTH && value.compare(HEAD, 0, HEAD.length, 0, HEAD.length) === 0
    ? value.toString('latin1', HEAD.length, HEAD.length + UUID_LENGTH)
    : undefined;

/**
 * Every gift is credited once, at the right rate, with the right rounding and residue; every reversal takes back what
 * it has to; and nothing else stands in `diamond.events.v1`. What is due is worked out by conversion's own function and
 * held against the bytes of the log. Gifts and diamonds of one partition may come in any interleaving: what waits for
 * its counterpart is held, and nothing else.
 */
export class CreditsPass {
  private readonly due = new DueInTurn();
  private readonly early = new Map<string, Early>();
  /** What the events that stand in the log are worth, by their ids; `DUE` for those that do not yet. */
  private readonly standing: IdTable;
  /** Gifts that nobody could price. */
  private readonly unpriced: { readonly position: Position; readonly id: string; readonly detail: string }[] = [];
  /** Records of events that stand in the log already: a transform writes at least once. */
  repeats = 0;

  constructor(
    private readonly rates: RateBook,
    private readonly findings: Findings,
    private readonly reading: Reading,
    private readonly told: Told,
  ) {
    this.standing = new IdTable(reading.gifts);
  }

  /** How many events wait for their counterpart. */
  get waiting(): number {
    return this.due.size + this.early.size;
  }

  gift(gift: GiftEvent, position: Position): void {
    if (convertedGiftId(gift) === undefined) return;
    this.findings.checked('credits');
    for (const event of this.dueFor(gift, position)) {
      const early = this.early.get(event.id);
      if (early !== undefined) {
        this.early.delete(event.id);
        this.compare(event, early.event, early.position);
      } else if (this.standing.add(event.id, DUE) === undefined) this.due.add({ event, gift: position });
    }
  }

  diamond(value: Buffer, position: Position): void {
    const id = idIn(value);
    const isDue = id !== undefined && (this.due.isNext(id) || this.standing.get(id) === DUE);
    const expected = isDue ? this.due.find(id) : undefined;
    // The same cause gives the same bytes, so nothing of the other event needs to be read.
    const isSame = expected !== undefined && isWritten(expected.event, value);
    const event = isSame ? expected.event : this.read(value, position);
    if (event === undefined) return;
    const worth = this.standing.set(event.id, event.data.millidiamonds);
    if (worth !== undefined && worth !== DUE) {
      this.again(event, worth, position);
      return;
    }
    this.told.booked(event, position);
    // The table knows an id by half of its digits.
    const due = worth === DUE ? this.due.take(event.id) : undefined;
    if (due === undefined) this.early.set(event.id, { event, position });
    else if (!isSame) this.compare(due.event, event, position);
  }

  /** Every record was read: what is still alone has no counterpart. */
  end({ isDeadLetter, isAhead }: Accounted): void {
    for (const { event, gift } of this.due.all())
      if (!isAhead(gift) && !isDeadLetter(gift))
        this.findings.add(
          'credits',
          event.type === 'carat.diamonds.credited.v1' ? 'gift_not_credited' : 'reversal_not_booked',
          idOf(event),
          `${event.type} of ${event.data.millidiamonds} millidiamonds is due, and neither in the log nor a dead letter`,
          gift,
        );
    for (const { position, id, detail } of this.unpriced)
      if (!isAhead(position) && !isDeadLetter(position))
        this.findings.add('credits', 'gift_not_credited', id, `${detail}; and it is no dead letter`, position);
    for (const { event, position } of this.early.values()) {
      const detail = `${event.type} of ${event.data.millidiamonds} millidiamonds follows from no event in the log`;
      this.findings.add('credits', 'foreign_writer', event.id, detail, position);
    }
    this.standing.release();
  }

  private dueFor(gift: GiftEvent, position: Position): readonly DiamondEvent[] {
    try {
      return creditDiamonds(gift, this.rates);
    } catch (error) {
      if (error instanceof FlowHalted) throw error;
      // Conversion could not price it either; then it has to be a dead letter.
      const { code, detail } = faultOf(error);
      this.unpriced.push({ position, detail: `${code}: ${detail}`, id: gift.id });
      return [];
    }
  }

  private compare(due: DiamondEvent, event: DiamondEvent, position: Position): void {
    // Nearly always they are the same, member by member.
    if (JSON.stringify(due) === JSON.stringify(event)) return;
    const differing = firstDifference(due, event);
    if (differing !== undefined) this.findings.add('credits', 'credit_differs', idOf(event), differing, position);
  }

  /** The ledger books the first of an id. A repeat that says otherwise was written by somebody else. */
  private again(event: DiamondEvent, worth: number, position: Position): void {
    this.repeats += 1;
    this.told.repeated(event);
    const { millidiamonds } = event.data;
    this.standing.set(event.id, worth);
    if (millidiamonds === worth) return;
    const detail = `the event with this id was worth ${worth} millidiamonds, this one ${millidiamonds}`;
    this.findings.add('credits', 'repeat_differs', event.id, detail, position);
  }

  private read(value: Buffer, position: Position): DiamondEvent | undefined {
    const decoded = this.reading.events.decode(DIAMONDS, value);
    if ('event' in decoded) return decoded.event;
    const { code, detail } = decoded.undecodable;
    this.findings.add('schema', code, `${DIAMONDS}/${position.partition}/${position.offset}`, detail, position);
    return undefined;
  }
}

const idOf = ({ id, data }: DiamondEvent): string => data.giftId ?? uuidOf(id);
