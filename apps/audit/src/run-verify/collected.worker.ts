// What a record leaves behind lies for the most part outside of V8's heap: V8 hardly counts it, and lets it lie.
const LOOKED_AFTER_RECORDS = 50_000;
// Collecting everything takes as long as some thousand records: a process that has less is left alone, and only one
// that comes near to the 300 MB that it may take has it done at every look.
const MUCH_BYTES = 240 * 1024 * 1024;
const MOST_BYTES = 270 * 1024 * 1024;
const LOOKS_APART = 3;

/**
 * Tells of records as they are read, and has all garbage collected every now and then where the process has come to
 * hold much, so that memory does not follow the length of the log. Where V8 was not started to be told when to collect
 * (`--expose-gc`), it decides by itself.
 * @param residentBytes what the process holds, all of its threads @param lookedAfter how many records are worth a look
 */
export function collected(
  onRecords: (records: number) => void,
  residentBytes: () => number = process.memoryUsage.rss,
  lookedAfter: number = LOOKED_AFTER_RECORDS,
): (records: number) => void {
  let looks = LOOKS_APART - 1;
  const look = (): void => {
    looks += 1;
    const held = residentBytes();
    if (held <= MUCH_BYTES || (held <= MOST_BYTES && looks < LOOKS_APART)) return;
    looks = 0;
    globalThis.gc?.();
  };
  look();
  let left = 0;
  return (records) => {
    onRecords(records);
    left += records;
    if (left < lookedAfter) return;
    left = 0;
    look();
  };
}

// A row with the state of a redemption leaves behind what a dozen records do.
const LOOKED_AFTER_ROWS = 4_000;

/** The same while rows are read. */
export async function* collectedRows<T>(batches: AsyncIterable<readonly T[]>): AsyncGenerator<readonly T[]> {
  const told = collected(() => undefined, process.memoryUsage.rss, LOOKED_AFTER_ROWS);
  for await (const rows of batches) {
    yield rows;
    told(rows.length);
  }
}
