// Signature and flags, then the length of an extension: what every COPY in binary format begins with.
const HEADER_BYTES = 19;
// Postgres counts microseconds from the year 2000.
const EPOCH_MS = Date.UTC(2000);

/**
 * The rows of a COPY in Postgres' binary format, read field by field where they lie. (Format: the Postgres manual,
 * COPY, "Binary Format".) Every read throws a RangeError where the bytes end before the rows do.
 */
export class Copied {
  private at: number;

  constructor(private readonly copied: Buffer) {
    this.at = HEADER_BYTES + copied.readInt32BE(HEADER_BYTES - 4);
  }

  /** Goes to the next row; false after the last. */
  nextRow(): boolean {
    const fields = this.copied.readInt16BE(this.at);
    this.at += 2;
    return fields !== -1;
  }

  /** A field as it is, a piece of what was copied; null where it is absent. */
  bytes(): Buffer | null {
    const length = this.copied.readInt32BE(this.at);
    this.at += 4;
    if (length === -1) return null;
    const end = this.at + length;
    if (end > this.copied.length) throw new RangeError('a copied row ends before its fields do');
    const bytes = this.copied.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  /** A bigint that is not null. */
  bigint(): bigint {
    const value = this.copied.readBigInt64BE(this.at + 4);
    this.at += 12;
    return value;
  }

  /** A timestamptz that is not null, cut to whole milliseconds, as `Date` does. */
  timeMs(): number {
    const microseconds = this.bigint();
    return EPOCH_MS + Math.floor(Number(microseconds) / 1000);
  }
}
