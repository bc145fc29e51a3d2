import type { Transfer, TransferCode } from './transfers-of.js';

/** The terms of a balance that transfers move. What is available or owed follows from them. */
export const terms = ['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed'] as const;
type Term = (typeof terms)[number];

/** Millidiamonds of each term: how many there are, or how many more. */
export type Terms = Readonly<Record<Term, bigint>>;

/** Diamonds that moved by one transfer, or by several of one code. */
export interface Moved {
  readonly code: TransferCode;
  /** What became of the creator's net account: it gained the millidiamonds, it lost them, or it had no part in it. */
  readonly side: 'gained' | 'lost' | 'none';
  /** Never negative. */
  readonly millidiamonds: bigint;
}

/** Two ways to count the same diamonds came out differently. */
export class DoesNotAddUp extends Error {}

/** Of each term nothing. */
export const nothing: Terms = { earned: 0n, awarded: 0n, adjusted: 0n, reversed: 0n, held: 0n, redeemed: 0n };

/** Of a code, how each term changes: by the amount, by its negative, or by what the creator gained. */
const effects: Readonly<Record<TransferCode, Partial<Record<Term, 1n | -1n | 'gain'>>>> = {
  credit: { earned: 1n },
  reverse: { reversed: 1n },
  correct: { adjusted: 'gain' },
  award: { awarded: 1n },
  award_revoked: { awarded: -1n },
  adjust: { adjusted: 'gain' },
  hold: { held: 1n },
  release: { held: -1n },
  pay: { held: -1n, redeemed: 1n },
  late_pay: { redeemed: 1n },
  unpay: { redeemed: -1n },
};

/** Every code that a transfer can have. */
export const transferCodes = Object.keys(effects) as TransferCode[];

/** A transfer as what its creator's accounts moved by. */
export const movedBy = ({ code, debit, credit, millidiamonds }: Transfer): Moved => ({
  code,
  side: credit === 'creator' ? 'gained' : debit === 'creator' ? 'lost' : 'none',
  millidiamonds,
});

/** What the creator's net account gained: negative where it lost. */
export const gainOf = ({ side, millidiamonds }: Moved): bigint =>
  side === 'gained' ? millidiamonds : side === 'lost' ? -millidiamonds : 0n;

/** All that a creator has or owes, in one figure (the rules of money, 4). */
const netOf = ({ earned, awarded, adjusted, reversed, held, redeemed }: Terms): bigint =>
  earned + awarded + adjusted - reversed - redeemed - held;

/** A net is available where it is positive, and recoverable where it is negative. */
export const balanceOf = (of: Terms): Terms & { readonly available: bigint; readonly recoverable: bigint } => {
  const net = netOf(of);
  return { ...of, available: net > 0n ? net : 0n, recoverable: net < 0n ? -net : 0n };
};

/** The sum, term by term. */
export const addTerms = (a: Terms, b: Terms): Terms => ({
  earned: a.earned + b.earned,
  awarded: a.awarded + b.awarded,
  adjusted: a.adjusted + b.adjusted,
  reversed: a.reversed + b.reversed,
  held: a.held + b.held,
  redeemed: a.redeemed + b.redeemed,
});

function changesOf(moved: Moved): Terms {
  const gain = gainOf(moved);
  const changes = { ...nothing };
  for (const [term, effect] of Object.entries(effects[moved.code]))
    changes[term as Term] = effect === 'gain' ? gain : effect * moved.millidiamonds;
  if (netOf(changes) !== gain)
    throw new DoesNotAddUp(`${moved.code} of ${moved.millidiamonds}: by its accounts the creator gains ${gain}`);
  return changes;
}

/**
 * What transfers change of each term.
 * @throws DoesNotAddUp when the accounts of one say otherwise than its code
 */
export const changesBy = (all: readonly Moved[]): Terms =>
  all.reduce((sum, moved) => addTerms(sum, changesOf(moved)), nothing);
