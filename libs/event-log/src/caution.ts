/** How the records that stand first are to be handled. */
export interface Caution {
  /** Records in one transaction. */
  readonly size: number;
  /** How many records, from the first on, are handled with this much care. */
  readonly window: number;
  /** What the count of tries is set to after each part but the last of the window: what was learned is kept. */
  readonly keptTries: number;
  /** The first record has killed the process alone, again and again: it is not handled any more. */
  readonly isDeadly: boolean;
}

const SIZES = [1000, 125, 15, 1] as const;
const TRIES_TOGETHER = 3;
const TRIES_ALONE = 3;
const FIRST_TRY_ALONE = TRIES_TOGETHER + SIZES.length - 1;

/** True when the next try is one to be made with care: nobody else in the process at the same time. */
export const isSuspicious = (triesBefore: number): boolean => triesBefore >= TRIES_TOGETHER;

/**
 * The care that the `tries`-th try at the same first record asks for, when none before it came to an end: not even to
 * an error, so the process has died, on one of these records or of something else. After three tries parts shrink, from
 * a thousand records to one, each within the part that failed last; a record that stood alone three times and never
 * came to an end is deadly. Deaths from outside do not add up to that: any record handled in between starts it anew.
 */
export function cautionAt(tries: number): Caution {
  const step = Math.min(Math.max(tries - TRIES_TOGETHER, 0), SIZES.length - 1);
  const size = SIZES[step] ?? 1;
  return {
    size,
    window: SIZES[step - 1] ?? size,
    keptTries: Math.min(tries, FIRST_TRY_ALONE) - 1,
    isDeadly: tries >= FIRST_TRY_ALONE + TRIES_ALONE,
  };
}
