import type { SettlementLine } from './settlement-line.js';

/** What was said under a line's number beside what counts, where it stands, amounts as decimal texts. */
export interface SaidAgain {
  readonly fileId: string;
  readonly row: number;
  readonly providerReference: string;
  readonly payoutId: string;
  readonly kind: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
  readonly valueDate: string;
}

/** A line as the first file that had it says it: that is what counts. `row` is its place in that file. */
export interface KnownLine extends SettlementLine {
  readonly again: readonly SaidAgain[];
}

/** What a file adds to what was known. */
export interface Known {
  /** Lines that no file had brought before, each once. */
  readonly fresh: readonly KnownLine[];
  /** Lines of before under whose number this file says something else, or the same twice. */
  readonly saidAgain: readonly KnownLine[];
  /** The payouts that the file's lines are counted for, each once. */
  readonly payoutIds: readonly string[];
}

interface Knowing {
  readonly first: SettlementLine;
  readonly again: Map<string, SaidAgain>;
}

/**
 * Which lines of a file are new, and what it says again. The number of a line is its identity: the same in another file
 * is that line once more and nothing new, while twice in one file, or with other words, is the provider's mistake.
 * @param before what is known of the numbers in the file
 */
export function knownAfter(
  fileId: string,
  lines: readonly SettlementLine[],
  before: ReadonlyMap<string, KnownLine>,
): Known {
  const known = new Map<string, Knowing>();
  const inThisFile = new Set<string>();
  for (const line of lines) {
    const knowing = known.get(line.line) ?? knowingOf(before.get(line.line) ?? { ...line, again: [] });
    known.set(line.line, knowing);
    const text = textOf(line);
    const isNews = inThisFile.has(text) || text !== textOf(knowing.first);
    // What was said before keeps the place where it was said.
    if (isNews && !knowing.again.has(text)) knowing.again.set(text, saidAgain(fileId, line));
    inThisFile.add(text);
  }
  const all = [...known.values()].map(({ first, again }) => ({ ...first, again: [...again.values()] }));
  return {
    fresh: all.filter(({ line }) => !before.has(line)),
    saidAgain: all.filter(({ line, again }) => again.length > (before.get(line)?.again.length ?? again.length)),
    payoutIds: [...new Set(all.map(({ payoutId }) => payoutId))],
  };
}

const knowingOf = ({ again, ...first }: KnownLine): Knowing => ({
  first,
  again: new Map(again.map((said) => [textOf({ ...said, line: first.line }), said])),
});

const saidAgain = (fileId: string, { line: _, amountMinor, feeMinor, ...rest }: SettlementLine): SaidAgain => ({
  ...rest,
  fileId,
  amountMinor: String(amountMinor),
  feeMinor: String(feeMinor),
});

type Said = Record<Exclude<keyof SettlementLine, 'row'>, string | bigint>;

/** What a line says, wherever it stands. No cell has a line feed, so two that differ never join alike. */
const textOf = (said: Said): string =>
  [
    said.line,
    said.providerReference,
    said.payoutId,
    said.kind,
    said.currency,
    said.amountMinor,
    said.feeMinor,
    said.valueDate,
  ].join('\n');
