import { hash } from 'node:crypto';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long after an attempt the next one is made. After the last of them there is none. */
const WAITS_MS = [
  5 * SECOND_MS,
  30 * SECOND_MS,
  2 * MINUTE_MS,
  10 * MINUTE_MS,
  HOUR_MS,
  6 * HOUR_MS,
  DAY_MS,
  DAY_MS,
  DAY_MS,
] as const;

/** An endpoint that has taken nothing for so long when a delivery is given up is not asked any more. */
const FAILING_AT_MOST_MS = 3 * DAY_MS;
const GONE = 410;

/**
 * When a delivery is tried again after its `attempt`th attempt (from 1 on) ended without success; undefined when it is
 * given up. Up to a quarter is added to the wait, another one for each delivery, so that what failed together does not
 * come back together.
 */
export function nextAttemptAt(attempt: number, deliveryId: string, endedAtMs: number): number | undefined {
  const waitMs = WAITS_MS[attempt - 1];
  if (waitMs === undefined) return undefined;
  const drawn = Number.parseInt(hash('sha256', `${deliveryId}\n${attempt}`, 'hex').slice(0, 8), 16);
  return endedAtMs + waitMs + (drawn % (waitMs / 4 + 1));
}

/** One attempt, as it is kept. */
export interface Attempt {
  /** RFC 3339. */
  readonly at: string;
  /** Absent when there was no answer. */
  readonly status?: number;
  /** What went wrong, as a code. */
  readonly error?: string;
  readonly durationMs: number;
}

/** What an attempt comes to, for the delivery and for its endpoint. */
export interface Outcome {
  readonly state: 'delivered' | 'pending' | 'failed';
  /** While it is pending. */
  readonly nextAttemptAtMs?: number;
  readonly endpoint: 'works' | 'fails' | 'is_gone' | 'fails_for_good';
}

/** What was known when the attempt began. */
export interface Attempted {
  readonly deliveryId: string;
  /** Which one it was, from 1 on. */
  readonly attempt: number;
  /** Since when its endpoint has taken nothing; undefined when it took the last thing it got. */
  readonly failingSinceMs: number | undefined;
}

/**
 * Decides on an attempt. 2xx is delivered, 410 wants no more of anything, and all else is tried again for a while. When
 * that while is over and the endpoint took nothing else in days, it is not asked any more.
 */
export function outcomeOf(
  { status, at, durationMs }: Attempt,
  { deliveryId, attempt, failingSinceMs }: Attempted,
): Outcome {
  if (status !== undefined && status >= 200 && status < 300) return { state: 'delivered', endpoint: 'works' };
  if (status === GONE) return { state: 'failed', endpoint: 'is_gone' };
  const endedAtMs = Date.parse(at) + durationMs;
  const nextAttemptAtMs = nextAttemptAt(attempt, deliveryId, endedAtMs);
  if (nextAttemptAtMs !== undefined) return { state: 'pending', nextAttemptAtMs, endpoint: 'fails' };
  const isForGood = failingSinceMs !== undefined && endedAtMs - failingSinceMs >= FAILING_AT_MOST_MS;
  return { state: 'failed', endpoint: isForGood ? 'fails_for_good' : 'fails' };
}

const MOST_ATTEMPTS_KEPT = 20;

/** The attempts with one more. Resent again and again a delivery has many; the newest are kept. */
export const withAttempt = (attempts: readonly Attempt[], newest: Attempt): readonly Attempt[] =>
  [...attempts, newest].slice(-MOST_ATTEMPTS_KEPT);
