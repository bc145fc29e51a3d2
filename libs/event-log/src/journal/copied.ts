// Signature and flags, then the length of an extension: what every COPY in binary format begins with.
const HEADER_BYTES = 19;
// Postgres counts microseconds from the year 2000.
const EPOCH_MS = Date.UTC(2000);

/**
 * The rows of a COPY in Postgres' binary format, read field by field where they lie. (Format: the Postgres manual,
 * COPY, "Binary Format".) Every read throws a RangeError where the bytes end before the rows do.
 */
export class Copied {
  /** Where the next field begins. Whoever has kept a place may go back to it. */
  at: number;
  // Numbers of 64 bits are read by the engine itself through a view: a Buffer puts them together from halves.
  private readonly view: DataView;

  /** @param at where to begin; without it, behind the header that every COPY begins with */
  constructor(
    private readonly copied: Buffer,
    at = HEADER_BYTES + copied.readInt32BE(HEADER_BYTES - 4),
  ) {
    this.at = at;
    this.view = new DataView(copied.buffer, copied.byteOffset, copied.length);
  }

  /** Goes to the next row; false after the last. */
  nextRow(): boolean {
    const fields = this.view.getInt16(this.at);
    this.at += 2;
    return fields !== -1;
  }

  /** A field as it is, a piece of what was copied; null where it is absent. */
  bytes(): Buffer | null {
    const length = this.view.getInt32(this.at);
    this.at += 4;
    if (length === -1) return null;
    const end = this.at + length;
    if (end > this.copied.length) throw new RangeError('a copied row ends before its fields do');
    const bytes = this.copied.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  /** Goes behind the next field if it has just these bytes. */
  skipIf(bytes: Buffer): boolean {
    const from = this.at + 4;
    const end = from + bytes.length;
    if (this.view.getInt32(this.at) !== bytes.length || end > this.copied.length) return false;
    if (this.copied.compare(bytes, 0, bytes.length, from, end) !== 0) return false;
    this.at = end;
    return true;
  }

  /** Leaves a field out. */
  skip(): void {
    this.at += 4 + Math.max(this.view.getInt32(this.at), 0);
  }

  /** A text that is not null. */
  text(): string {
    const from = this.at + 4;
    this.at = from + this.view.getInt32(this.at);
    return this.copied.toString('utf8', from, this.at);
  }

  /** An int that is not null. */
  int(): number {
    this.at += 8;
    return this.view.getInt32(this.at - 4);
  }

  /** A bigint that is not null. */
  bigint(): bigint {
    const value = this.view.getBigInt64(this.at + 4);
    this.at += 12;
    return value;
  }

  /** A timestamptz that is not null, cut to whole milliseconds, as `Date` does. */
  timeMs(): number {
    const microseconds = this.bigint();
    return EPOCH_MS + Math.floor(Number(microseconds) / 1000);
  }
}
