// What a record leaves behind lies for the most part outside of V8's heap: V8 hardly counts it, and lets it lie.
const LOOKED_AFTER_RECORDS = 150_000;
// Collecting everything takes as long as some thousand records: a process that has less is left alone.
const MOST_BYTES = 240 * 1024 * 1024;

/**
 * Tells of records as they are read, and has all garbage collected every now and then where the process has come to
 * hold much, so that memory does not follow the length of the log. Where V8 was not started to be told when to collect
 * (`--expose-gc`), it decides by itself.
 * @param residentBytes what the process holds, all of its threads
 */
export function collected(
  onRecords: (records: number) => void,
  residentBytes: () => number = process.memoryUsage.rss,
): (records: number) => void {
  const collect = (): void => {
    if (residentBytes() > MOST_BYTES) globalThis.gc?.();
  };
  collect();
  let left = 0;
  return (records) => {
    onRecords(records);
    left += records;
    if (left < LOOKED_AFTER_RECORDS) return;
    left = 0;
    collect();
  };
}
