import { addFractions, type Fraction, fraction, type Millidiamonds, millidiamonds, minus, plus } from '@carat/amounts';
import { creditDiamonds, type GiftEvent, givenAtMs } from '@carat/conversion-service/credit-diamonds';
import { type RateBook, withDraft } from '@carat/conversion-service/rate-book';
import { type Fault, FlowHalted, faultOf, type Position, type Recorded } from '@carat/event-log';
import type { DraftRate } from './draft-rate.js';

/** An amount under the rate book, and what it would be under the draft. */
export interface Change {
  /** Credited less reversed, recomputed. */
  readonly booked: Millidiamonds;
  readonly drafted: Millidiamonds;
}

/** A record that no figure includes, and why. */
export interface LeftOut extends Fault {
  readonly position: Position;
}

/** What a draft would change. Exact if and only if nothing was left out. */
export interface WhatIf {
  readonly draft: DraftRate;
  readonly byCreator: ReadonlyMap<string, Change>;
  readonly total: Change;
  /** What rounding cut off, in millidiamonds: exact worth = millidiamonds + residue. */
  readonly residue: { readonly booked: Fraction; readonly drafted: Fraction };
  /** Gifts and reversals that the figures include; those of them that the draft prices; repeats, which count once. */
  readonly counts: { readonly priced: number; readonly underDraft: number; readonly repeated: number };
  /** How many records were left out, and the first of them. */
  readonly leftOut: { readonly count: number; readonly first: readonly LeftOut[] };
}

const LEFT_OUT_NAMED = 100;
/** A V8 set ends at 2^24 members; each of ours takes about 80 bytes. */
const MOST_GIFTS = 16_000_000;

type DiamondsMoved = Extract<ReturnType<typeof creditDiamonds>[number], { data: { rate: object } }>;

/**
 * Prices gifts twice, with conversion's own function: under the rate book, and under the book with the draft in the
 * line of its market for gifts whose own time is in the draft's window. A gift counts once, as in the ledger: by the id
 * of its credit. Events of one creator come in the order of the log.
 */
export class WhatIfReplay {
  private readonly draftBook: RateBook;
  private readonly seen = new Set<string>();
  private readonly byCreator = new Map<string, Change>();
  private readonly residue = { booked: new Residues(), drafted: new Residues() };
  private readonly leftOut: LeftOut[] = [];
  private readonly counts = { priced: 0, underDraft: 0, repeated: 0 };
  private leftOutCount = 0;

  constructor(
    private readonly rates: RateBook,
    private readonly draft: DraftRate,
    private readonly mostGifts = MOST_GIFTS,
  ) {
    const { numerator, denominator, rounding, market } = draft;
    const rate = { id: 'draft', numerator, denominator, rounding };
    this.draftBook = withDraft(rates, 'gift-to-diamond', market, rate);
  }

  /** @throws FlowHalted past the most gifts that a replay can tell apart */
  take(gift: Recorded<'gift.events.v1'>): void {
    const timeMs = givenAtMs(gift);
    if (timeMs === undefined) return;
    try {
      const booked = priceOf(gift, this.rates);
      const inWindow = timeMs >= this.draft.fromMs && timeMs < this.draft.toMs;
      const drafted = inWindow ? priceOf(gift, this.draftBook) : booked;
      this.count(booked, drafted);
    } catch (error) {
      // Whatever it is, conversion would have set this gift aside for it.
      if (error instanceof FlowHalted) throw error;
      this.leaveOut({ position: gift.position, ...faultOf(error) });
    }
  }

  /** Names a record that no figure can include. */
  leaveOut(record: LeftOut): void {
    this.leftOutCount += 1;
    if (this.leftOut.length < LEFT_OUT_NAMED) this.leftOut.push(record);
  }

  result(): WhatIf {
    return {
      draft: this.draft,
      byCreator: this.byCreator,
      total: [...this.byCreator.values()].reduce(sum, NOTHING),
      residue: { booked: this.residue.booked.sum(), drafted: this.residue.drafted.sum() },
      counts: this.counts,
      leftOut: { count: this.leftOutCount, first: this.leftOut },
    };
  }

  private count(booked: DiamondsMoved, drafted: DiamondsMoved): void {
    const id = bytesOf(booked.id);
    if (this.seen.has(id)) {
      this.counts.repeated += 1;
      return;
    }
    if (this.seen.size >= this.mostGifts)
      throw new FlowHalted(`the log holds more gifts than the ${this.mostGifts} that one replay can tell apart`);
    this.seen.add(id);
    const { creatorId } = booked.data;
    const moved = { booked: movedBy(booked), drafted: movedBy(drafted) };
    this.byCreator.set(creatorId, sum(this.byCreator.get(creatorId) ?? NOTHING, moved));
    this.residue.booked.add(booked);
    this.residue.drafted.add(drafted);
    this.counts.priced += 1;
    if (drafted.data.rate.id !== booked.data.rate.id) this.counts.underDraft += 1;
  }
}

const NOTHING: Change = { booked: millidiamonds(0n), drafted: millidiamonds(0n) };
const sum = (a: Change, b: Change): Change => ({
  booked: plus(a.booked, b.booked),
  drafted: plus(a.drafted, b.drafted),
});

/** How much more the draft gives; less than zero where it gives less. */
export const differenceOf = ({ booked, drafted }: Change): Millidiamonds => minus(drafted, booked);

/** Creators by how much the draft changes, the largest change first; where it is the same, by id. */
export const byDifference = ({ byCreator }: WhatIf): (readonly [creatorId: string, change: Change])[] =>
  [...byCreator].sort(([idA, a], [idB, b]) => {
    const [sizeA, sizeB] = [sizeOf(a), sizeOf(b)];
    return sizeA === sizeB ? (idA < idB ? -1 : 1) : sizeA > sizeB ? -1 : 1;
  });

const sizeOf = (change: Change): bigint => {
  const difference = differenceOf(change);
  return difference < 0n ? -difference : difference;
};

/** A gift that was sent or reversed is one credit or one reversal. */
function priceOf(gift: GiftEvent, rates: RateBook): DiamondsMoved {
  const [moved] = creditDiamonds(gift, rates);
  if (moved === undefined || moved.type === 'carat.diamonds.corrected.v1')
    throw new Error(`${gift.type} ${gift.id} was not priced`);
  return moved;
}

const signOf = (moved: DiamondsMoved): bigint => (moved.type === 'carat.diamonds.credited.v1' ? 1n : -1n);
const movedBy = (moved: DiamondsMoved): Millidiamonds =>
  millidiamonds(signOf(moved) * BigInt(moved.data.millidiamonds));

// Sixteen bytes where the text has thirty-six.
const bytesOf = (uuid: string): string => Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1');

/** A sum of fractions, by denominator: there are as many as the rates' denominators have divisors. */
class Residues {
  private readonly numerators = new Map<number, bigint>();

  add(moved: DiamondsMoved): void {
    const { numerator, denominator } = moved.data.residue;
    if (numerator === 0) return;
    const before = this.numerators.get(denominator) ?? 0n;
    this.numerators.set(denominator, before + signOf(moved) * BigInt(numerator));
  }

  sum(): Fraction {
    return [...this.numerators]
      .map(([denominator, numerator]) => fraction(numerator, BigInt(denominator)))
      .reduce(addFractions, fraction(0n, 1n));
  }
}
