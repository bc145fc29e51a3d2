import type { Break, BreakOutcome } from '../breaks/break.js';
import { type RedemptionStatus, SENT, UNDECIDED, WITHDRAWN } from '../redeem-diamonds/redemption-machine.js';
import type { SaidAgain } from '../settlement-files/known-lines.js';

/** Money that went out to a creator, or came back. */
type Kind = 'payout' | 'return';
const KINDS: readonly Kind[] = ['payout', 'return'];

/** A payout as our books have it, and what the provider's own record said of it. */
export interface OurPayout {
  readonly payoutId: string;
  readonly status: RedemptionStatus;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint | undefined;
  readonly providerReference: string | undefined;
  /** When our books paid it. */
  readonly paidAtMs: number | undefined;
  /** When we learned that it came back. Where it was never paid in our books, they booked neither. */
  readonly returnedAtMs: number | undefined;
}

/** A settlement line, and the file that it first stood in. */
export interface TheirLine {
  readonly line: string;
  readonly fileId: string;
  readonly row: number;
  readonly payoutId: string;
  readonly providerReference: string;
  readonly kind: Kind;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly valueDate: string;
  /** The day that the file is of. */
  readonly day: string;
  /** What was said under its number beside: the same twice in one file, or anything else in any. */
  readonly again: readonly SaidAgain[];
}

/** All that is known of one payout. `ours` undefined: no payout of ours has this id. */
export interface Item {
  readonly ours: OurPayout | undefined;
  readonly lines: readonly TheirLine[];
  /** Of which movements a line had been missing when it was looked at before. */
  readonly missed: readonly Kind[];
}

/** `pending`: nothing is wrong, and something has still to come. */
export type ItemOutcome = 'matched' | 'pending' | BreakOutcome;

/** What a finding explains of the clearing account, signed: what our books have there and no line took out. */
export interface Effect {
  readonly outcome: Exclude<ItemOutcome, 'matched'>;
  readonly currency: string;
  readonly minor: bigint;
}

export interface Reconciled {
  /** The worst of what was found. */
  readonly outcome: ItemOutcome;
  readonly breaks: readonly Break[];
  /** Breaks of before that have ended of themselves. */
  readonly ended: readonly Pick<Break, 'outcome' | 'redemptionId' | 'about'>[];
  readonly effects: readonly Effect[];
}

interface Finding {
  readonly outcome: Effect['outcome'];
  /** What it is about, and what tells it from another of the same payout. */
  readonly about: string;
  readonly evidence: object;
  readonly effects: readonly Pick<Effect, 'currency' | 'minor'>[];
}

const WORST_FIRST: readonly ItemOutcome[] = [
  'missing_here',
  'incident',
  'duplicate',
  'status_conflicts',
  'amount_differs',
  'missing_at_provider',
  'fee_differs',
  'late',
  'pending',
];

/** The payout was sent, and what becomes of it is open. */
export const isOnItsWay = (status: RedemptionStatus): boolean => (SENT as readonly RedemptionStatus[]).includes(status);

const NEVER_SENT: readonly RedemptionStatus[] = [...UNDECIDED, ...WITHDRAWN];
/** Which way a movement goes in the clearing account when our books have it. A line goes the other way. */
const SIGN = { payout: 1n, return: -1n } as const;

const timeOf = (atMs: number | undefined) => (atMs === undefined ? null : new Date(atMs).toISOString());

const oursAsEvidence = (ours: OurPayout) => ({
  state: ours.status,
  providerReference: ours.providerReference ?? null,
  currency: ours.currency,
  amountMinor: String(ours.amountMinor),
  feeMinor: ours.feeMinor === undefined ? null : String(ours.feeMinor),
  paidAt: timeOf(ours.paidAtMs),
  returnedAt: timeOf(ours.returnedAtMs),
});

const lineAsEvidence = ({ again: _, amountMinor, feeMinor, day, ...line }: TheirLine) => ({
  ...line,
  amountMinor: String(amountMinor),
  feeMinor: String(feeMinor),
  fileDay: day,
});

/** A finding for each thing that was said under the line's number beside. It was not booked, so it explains nothing. */
const findingsOfSaidAgain = (line: TheirLine, evidence: object): Finding[] =>
  line.again.map((said) => {
    const { payoutId, providerReference, kind, currency, amountMinor, feeMinor, valueDate } = said;
    const content = [payoutId, providerReference, kind, currency, amountMinor, feeMinor, valueDate];
    const about = `${line.line} again: ${content.join(' ')}`;
    return { outcome: 'duplicate', about, evidence: { ...evidence, again: said }, effects: [] };
  });

interface OneKind {
  readonly ours: OurPayout;
  readonly kind: Kind;
  /** When the movement happened by our books; undefined: by them it did not. */
  readonly heldAtMs: number | undefined;
  readonly wasMissing: boolean;
}

/** What a line is that tells a movement which our books do not have. */
function unheldOf({ status }: OurPayout): 'pending' | 'incident' | 'status_conflicts' {
  // What is still on its way the provider tells us later; the line has told it earlier, that is all.
  if (isOnItsWay(status)) return 'pending';
  // Nothing of it was ever sent, and the provider has paid something all the same.
  return NEVER_SENT.includes(status) ? 'incident' : 'status_conflicts';
}

/**
 * What is wrong with a line; `nth`: which of its kind it is. Every line is taken for our amount first: one that should
 * not be there explains that much, and what it is off by is a finding of its own. That a movement should not be is
 * found once, whichever line tells it: lines come in any order, and the breaks are the same in the end.
 */
function findingsOfLine({ ours, kind, heldAtMs }: OneKind, line: TheirLine, nth: number): Finding[] {
  const evidence = { line: lineAsEvidence(line), ours: oursAsEvidence(ours) };
  const found = (outcome: Effect['outcome'], effects: Finding['effects'] = [], about = `${kind} ${line.line}`) => ({
    ...{ outcome, about, evidence, effects },
  });
  const sign = SIGN[kind];
  const asOurs = { currency: ours.currency, minor: -sign * ours.amountMinor };
  const asItIs = { currency: line.currency, minor: -sign * line.amountMinor };
  const isOfMoney = line.currency !== ours.currency || line.amountMinor !== ours.amountMinor;
  const isOfFee = kind === 'payout' && ours.feeMinor !== undefined && line.feeMinor !== ours.feeMinor;
  return [
    ...(nth > 0
      ? [found('duplicate', [asOurs])]
      : heldAtMs === undefined
        ? [found(unheldOf(ours), [asOurs], kind)]
        : []),
    ...findingsOfSaidAgain(line, evidence),
    ...(isOfMoney ? [found('amount_differs', [{ ...asOurs, minor: -asOurs.minor }, asItIs])] : []),
    ...(isOfFee ? [found('fee_differs')] : []),
  ];
}

/** A movement that was told too late is late once, however many lines tell it. */
function findingsOfDelay({ ours, kind, wasMissing }: OneKind, lines: readonly TheirLine[]): Finding[] {
  const line = lines.find(({ valueDate, day }) => valueDate < day) ?? (wasMissing ? lines[0] : undefined);
  if (line === undefined) return [];
  const evidence = { line: lineAsEvidence(line), ours: oursAsEvidence(ours), wasMissing };
  return [{ outcome: 'late', about: kind, evidence, effects: [] }];
}

/** What our books moved and no line says: missing, once the line has had its time. */
function findingsOfNoLine({ ours, kind, heldAtMs }: OneKind, overdueBeforeMs: number): Finding[] {
  if (heldAtMs === undefined) return [];
  const outcome = heldAtMs < overdueBeforeMs ? 'missing_at_provider' : 'pending';
  const evidence = { missing: kind, ours: oursAsEvidence(ours) };
  return [
    { outcome, about: kind, evidence, effects: [{ currency: ours.currency, minor: SIGN[kind] * ours.amountMinor }] },
  ];
}

/** When each movement happened by our books. What came back before we knew it was paid moved both ways, or neither. */
function heldAt({ paidAtMs, returnedAtMs }: OurPayout, isInLines: boolean): Record<Kind, number | undefined> {
  if (paidAtMs !== undefined) return { payout: paidAtMs, return: returnedAtMs };
  const bothAtMs = isInLines ? returnedAtMs : undefined;
  return { payout: bothAtMs, return: bothAtMs };
}

function summed(findings: readonly Finding[]): Effect[] {
  const sums = new Map<string, Effect>();
  for (const { outcome, effects } of findings)
    for (const { currency, minor } of effects) {
      const key = `${outcome} ${currency}`;
      sums.set(key, { outcome, currency, minor: (sums.get(key)?.minor ?? 0n) + minor });
    }
  return [...sums.values()].filter(({ minor }) => minor !== 0n);
}

function concluded(findings: readonly Finding[], redemptionId?: string): Omit<Reconciled, 'ended'> {
  const breaks = findings.flatMap(({ outcome, about, evidence }) =>
    outcome === 'pending' ? [] : [{ outcome, redemptionId, about, evidence }],
  );
  const outcome = WORST_FIRST.find((worst) => findings.some((finding) => finding.outcome === worst)) ?? 'matched';
  return { outcome, breaks, effects: summed(findings) };
}

/** In an order of their own, whatever files brought them and in whatever order. */
const inOrder = (one: TheirLine, other: TheirLine): number =>
  one.valueDate === other.valueDate ? (one.line < other.line ? -1 : 1) : one.valueDate < other.valueDate ? -1 : 1;

/**
 * Compares one payout with all that the provider's lines say of it. Each finding is a break of its own, `pending` is
 * none; `matched` is a payout of which both sides say the same, to the unit. The effects add up to just what the ledger
 * of money has of this payout in the clearing account.
 * @param overdueBeforeMs what we moved before this moment should stand in a file by now
 */
export function reconcileItem({ ours, lines, missed }: Item, overdueBeforeMs: number): Reconciled {
  const ordered = [...lines].sort(inOrder);
  if (ours === undefined) {
    const findings = ordered.flatMap((line): Finding[] => {
      const evidence = { line: lineAsEvidence(line) };
      const effects = [{ currency: line.currency, minor: -SIGN[line.kind] * line.amountMinor }];
      const here = { outcome: 'missing_here', about: line.line, evidence, effects } as const;
      return [here, ...findingsOfSaidAgain(line, evidence)];
    });
    return { ...concluded(findings), ended: [] };
  }
  const held = heldAt(ours, ordered.length > 0);
  const findings = KINDS.flatMap((kind) => {
    const of = { ours, kind, heldAtMs: held[kind], wasMissing: missed.includes(kind) };
    const its = ordered.filter((line) => line.kind === kind);
    if (its.length === 0) return findingsOfNoLine(of, overdueBeforeMs);
    return [...its.flatMap((line, nth) => findingsOfLine(of, line, nth)), ...findingsOfDelay(of, its)];
  });
  const { outcome, ...rest } = concluded(findings, ours.payoutId);
  const isOpen = outcome === 'matched' && isOnItsWay(ours.status);
  const ended = missed
    .filter((kind) => ordered.some((line) => line.kind === kind))
    .map((about) => ({ outcome: 'missing_at_provider' as const, redemptionId: ours.payoutId, about }));
  return { outcome: isOpen ? 'pending' : outcome, ...rest, ended };
}
