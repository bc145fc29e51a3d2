import type { Break, BreakOutcome } from '../breaks/break.js';
import { type RedemptionStatus, UNDECIDED, WITHDRAWN } from '../redeem-diamonds/redemption-machine.js';

/** A payout as our books have it, and what the provider's own record said of its fee. */
export interface OurPayout {
  readonly payoutId: string;
  readonly status: RedemptionStatus;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint | undefined;
  /** When our books paid it, and when they took that back. */
  readonly paidAtMs: number | undefined;
  readonly returnedAtMs: number | undefined;
}

/** A settlement line, and the day of the file that it first stood in. */
export interface TheirLine {
  readonly line: string;
  readonly payoutId: string;
  readonly kind: 'payout' | 'return';
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly valueDate: string;
  readonly day: string;
  /** It stood in files more than once with other words, or with these twice. */
  readonly isRepeated: boolean;
}

/** `pending`: nothing is wrong, and something has still to come. */
export type ItemOutcome = 'matched' | 'pending' | BreakOutcome;

interface Finding {
  readonly outcome: BreakOutcome;
  /** What it is about, and what tells it from another of the same payout. */
  readonly about: string;
  readonly evidence: object;
}

const OPEN: readonly RedemptionStatus[] = ['submitted', 'in_transit', 'unknown'];
/** Nothing of it was ever sent. */
const NEVER_SENT: readonly RedemptionStatus[] = [...UNDECIDED, ...WITHDRAWN];

const moneyOf = (of: { readonly currency: string; readonly amountMinor: bigint }) => ({
  currency: of.currency,
  amountMinor: String(of.amountMinor),
});

const evidenceOf = (line: TheirLine, ours?: OurPayout) => ({
  line: {
    line: line.line,
    kind: line.kind,
    ...moneyOf(line),
    feeMinor: String(line.feeMinor),
    valueDate: line.valueDate,
    fileDay: line.day,
  },
  ...(ours === undefined
    ? {}
    : {
        ours: {
          state: ours.status,
          ...moneyOf(ours),
          feeMinor: ours.feeMinor === undefined ? null : String(ours.feeMinor),
        },
      }),
});

/** Paid and returned between two looks of ours, so our books have neither: the lines tell both, or one is to come. */
const cameBackUnseen = ({ status, paidAtMs }: OurPayout): boolean => status === 'returned' && paidAtMs === undefined;

const conflictOf = ({ status }: OurPayout): BreakOutcome =>
  NEVER_SENT.includes(status) ? 'incident' : 'status_conflicts';

/** What is wrong with one line of a payout that is ours; `nth`: which of its kind it is. */
function findingsOfLine(ours: OurPayout, line: TheirLine, nth: number): Finding[] {
  const evidence = evidenceOf(line, ours);
  const found = (outcome: BreakOutcome): Finding => ({ outcome, about: `${line.kind} ${line.line}`, evidence });
  const isOfMoney = line.currency !== ours.currency || line.amountMinor !== ours.amountMinor;
  const isOfFee = line.kind === 'payout' && ours.feeMinor !== undefined && line.feeMinor !== ours.feeMinor;
  const isAsWeHoldIt = line.kind === 'payout' ? ours.paidAtMs !== undefined : ours.returnedAtMs !== undefined;
  return [
    ...(line.isRepeated || nth > 0 ? [found('duplicate')] : []),
    ...(isOfMoney ? [found('amount_differs')] : []),
    ...(isOfFee ? [found('fee_differs')] : []),
    // What is still on its way the provider tells us later; the line has told it earlier, that is all.
    ...(isAsWeHoldIt || OPEN.includes(ours.status) || cameBackUnseen(ours) ? [] : [found(conflictOf(ours))]),
    ...(line.valueDate < line.day ? [found('late')] : []),
  ];
}

/** What our books moved and no line says, once it has had its time. */
function missingOf(ours: OurPayout, lines: readonly TheirLine[], overdueBeforeMs: number): Finding[] {
  const movements = [
    ['payout', ours.paidAtMs],
    ['return', ours.returnedAtMs],
  ] as const;
  return movements.flatMap(([kind, atMs]) => {
    const isMissing = atMs !== undefined && atMs < overdueBeforeMs && !lines.some((line) => line.kind === kind);
    const evidence = { ours: { state: ours.status, ...moneyOf(ours), movedAt: new Date(atMs ?? 0).toISOString() } };
    return isMissing ? [{ outcome: 'missing_at_provider' as const, about: kind, evidence }] : [];
  });
}

/** True while something that our books moved, or that a line says, has still to be said by the other side. */
function isPending(ours: OurPayout, lines: readonly TheirLine[]): boolean {
  const has = (kind: 'payout' | 'return') => lines.some((line) => line.kind === kind);
  const isPaid = ours.paidAtMs !== undefined;
  const isReturned = ours.returnedAtMs !== undefined;
  if (cameBackUnseen(ours)) return has('payout') !== has('return');
  return has('payout') !== isPaid || has('return') !== isReturned || OPEN.includes(ours.status);
}

/**
 * Compares one payout with all that the provider's lines say of it. Every break is opened on its own; `matched` is a
 * payout of which both sides say the same, to the unit.
 * @param ours undefined: no payout of ours has this id
 * @param overdueBeforeMs what we moved before this moment should stand in a file by now
 */
export function reconcileItem(
  ours: OurPayout | undefined,
  lines: readonly TheirLine[],
  overdueBeforeMs: number,
): { readonly outcome: ItemOutcome; readonly breaks: readonly Break[] } {
  if (ours === undefined) {
    const breaks = lines.map((line) => ({
      outcome: 'missing_here' as const,
      about: line.line,
      evidence: evidenceOf(line),
    }));
    return { outcome: breaks.length > 0 ? 'missing_here' : 'matched', breaks };
  }
  const nths = new Map<string, number>();
  const findings = [
    ...lines.flatMap((line) => {
      const nth = nths.get(line.kind) ?? 0;
      nths.set(line.kind, nth + 1);
      return findingsOfLine(ours, line, nth);
    }),
    ...missingOf(ours, lines, overdueBeforeMs),
  ];
  const breaks = findings.map((finding) => ({ redemptionId: ours.payoutId, ...finding }));
  const [first] = findings;
  return { outcome: first?.outcome ?? (isPending(ours, lines) ? 'pending' : 'matched'), breaks };
}
