import { type Digest, Scratch } from '../seals/digest.js';

// Of a text of an event, which is at most that long, or of a number.
const LONGEST_FIELD_BYTES = 4 + 256;
const ABSENT = -1;

/**
 * Hashes rows, and what events say of them, over the bytes that Postgres copies of a row in binary format: every field
 * behind its length.
 */
export class RowHash {
  private readonly scratch = new Scratch();
  private readonly begin: number;
  private length = 0;

  /** @param key of the run, at least 16 random bytes as text @param fields the most that a row has */
  constructor(key: string, fields: number) {
    this.begin = key.length;
    this.scratch.reach(this.begin + fields * LONGEST_FIELD_BYTES);
    this.scratch.bytes.write(key, 'latin1');
  }

  /** @param row what `rowsCopied` gives */
  ofRow(row: Buffer): Digest {
    const end = this.begin + row.length;
    this.scratch.reach(end);
    row.copy(this.scratch.bytes, this.begin);
    return this.scratch.digest(end);
  }

  protected start(): void {
    this.length = this.begin;
  }

  /** Texts of events are ASCII; a row that holds another is another. */
  protected text(text: string | undefined): void {
    this.word(text?.length ?? ABSENT);
    if (text !== undefined) this.length += this.scratch.bytes.write(text, this.length, 'latin1');
  }

  protected bigint(value: bigint | undefined): void {
    this.word(value === undefined ? ABSENT : 8);
    if (value === undefined) return;
    this.scratch.view.setBigInt64(this.length, value);
    this.length += 8;
  }

  protected integer(value: number): void {
    this.word(4);
    this.word(value);
  }

  protected digest(): Digest {
    return this.scratch.digest(this.length);
  }

  /** A length, or a number of as many bytes as a length has. */
  private word(value: number): void {
    this.scratch.view.setInt32(this.length, value);
    this.length += 4;
  }
}
