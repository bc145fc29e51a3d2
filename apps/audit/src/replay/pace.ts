/** How long to wait before more is read, so that no more than `recordsPerSecond` are read on average. */
export const pauseMs = (records: number, elapsedMs: number, recordsPerSecond: number): number =>
  Math.max(0, (1000 * records) / recordsPerSecond - elapsedMs);
