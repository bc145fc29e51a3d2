import { Time } from '@carat/events';
import { z } from 'zod';

const DAY_MS = 86_400_000;
const LONGEST_DAYS = 400;

/** Half-open: from its first moment up to the one that is not in it any more, in milliseconds since 1970. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

// Nothing was booked before 1970, and what has more than four digits of a year is no RFC 3339 time.
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

const isTime = (text: string): boolean => {
  const timeMs = Date.parse(text);
  const isWellFormed = Time.safeParse(text).success || z.iso.date().safeParse(text).success;
  return isWellFormed && timeMs >= 0 && timeMs <= LATEST_MS;
};

const TimeOrDate = z.stringFormat('time', isTime);

/** The query of a statement. A date is its midnight in UTC, and what is finer than a millisecond is cut off. */
export const StatementQuery = z
  .object({
    from: TimeOrDate.meta({ description: 'RFC 3339 time, or a date: its midnight in UTC' }),
    to: TimeOrDate.meta({ description: 'likewise; not included, later than `from`, and at most 400 days later' }),
    format: z.enum(['json', 'csv']).optional().meta({ description: 'instead of `Accept`' }),
  })
  .check(({ value, issues }) => {
    if (issues.length > 0) return;
    const { fromMs, toMs } = periodOf(value);
    const at = { path: ['to'], input: value.to, origin: 'date' };
    if (toMs <= fromMs) issues.push({ ...at, code: 'too_small', minimum: fromMs, inclusive: false });
    if (toMs - fromMs > LONGEST_DAYS * DAY_MS)
      issues.push({ ...at, code: 'too_big', maximum: fromMs + LONGEST_DAYS * DAY_MS });
  });
export type StatementQuery = z.infer<typeof StatementQuery>;

export const periodOf = ({ from, to }: Pick<StatementQuery, 'from' | 'to'>): Period => ({
  fromMs: Date.parse(from),
  toMs: Date.parse(to),
});

const SAFELY_OVER_MS = 60_000;

/**
 * Whether nothing can be booked in the period any more, by the time up to which the ledger is closed. The minute
 * between them is for a database clock that is set back, or that of another server which takes its place.
 */
export const isFinal = ({ toMs }: Period, closedUntilMs: number): boolean => toMs <= closedUntilMs - SAFELY_OVER_MS;
