// What a record leaves behind lies for the most part outside of V8's heap: V8 hardly counts it, and lets it lie.
const COLLECTED_AFTER_RECORDS = 500_000;

/**
 * Tells of records as they are read, and has all garbage collected every now and then, so that memory does not follow
 * the length of the log. Where V8 was not started to be told when to collect (`--expose-gc`), it decides by itself.
 */
export function collected(onRecords: (records: number) => void): (records: number) => void {
  globalThis.gc?.();
  let left = 0;
  return (records) => {
    onRecords(records);
    left += records;
    if (left < COLLECTED_AFTER_RECORDS) return;
    left = 0;
    globalThis.gc?.();
  };
}
