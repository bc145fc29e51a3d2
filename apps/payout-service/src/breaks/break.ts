import { derivedUuid, Id, Reason, Time } from '@carat/events';
import { z } from 'zod';

/**
 * How a payout of ours and what the provider says of it can fail to agree. `incident`: the provider speaks of a payout
 * that was never sent, or pays one that it had called failed.
 */
export const breakOutcomes = [
  'missing_at_provider',
  'missing_here',
  'amount_differs',
  'fee_differs',
  'status_conflicts',
  'duplicate',
  'late',
  'incident',
] as const;
export type BreakOutcome = (typeof breakOutcomes)[number];

/** Something that does not add up. It stays open until a person resolves it. */
export interface Break {
  readonly outcome: BreakOutcome;
  readonly redemptionId?: string | undefined;
  /** What tells this break from another of the same redemption: what was said, or the line that says it. */
  readonly about: string;
  /** What was seen, as JSON: whoever looks into it needs nothing else. */
  readonly evidence: object;
}

/** The same thing seen again is the same break. `atMs`: when whatever it is about came to be, not when it was seen. */
export const breakIdOf = (atMs: number, { outcome, redemptionId = '', about }: Omit<Break, 'evidence'>): string =>
  `brk_${derivedUuid(atMs, 'break', outcome, redemptionId, about)}`;

/** A break as it is answered. */
export const ListedBreak = z.object({
  breakId: Id,
  outcome: z.enum(breakOutcomes),
  state: z.enum(['open', 'resolved']),
  redemptionId: Id.optional(),
  owner: Id.meta({ description: 'who looks into it' }),
  evidence: z.record(z.string(), z.unknown()),
  openedAt: Time,
  resolution: z.string().optional(),
  resolvedBy: Id.optional(),
  resolvedAt: Time.optional(),
});
export type ListedBreak = Readonly<z.infer<typeof ListedBreak>>;

export const ListedBreaks = z.object({ items: z.array(ListedBreak), nextCursor: z.string().nullable() });
export type ListedBreaks = Readonly<z.infer<typeof ListedBreaks>>;

/** Which breaks are asked for. */
export const BreaksFilter = z.object({
  outcome: z.enum(breakOutcomes).optional(),
  state: z.enum(['open', 'resolved']).optional(),
  owner: Id.optional(),
  redemptionId: Id.optional(),
});
export type BreaksFilter = z.infer<typeof BreaksFilter>;

/** The body of an assignment. */
export const AssignmentBody = z.object({ owner: Id });
export type AssignmentBody = z.infer<typeof AssignmentBody>;

/** The body of a resolution: why it is so, and what was done about it. It moves no money. */
export const ResolutionBody = z.object({ resolution: Reason });
export type ResolutionBody = z.infer<typeof ResolutionBody>;
