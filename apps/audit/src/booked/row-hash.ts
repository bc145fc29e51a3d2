import { type Digest, Scratch } from '../seals/digest.js';

// A type, a length, and a text of an event, which is at most that long, or a number.
const LONGEST_FIELD_BYTES = 4 + 4 + 256;
const ABSENT = -1;
// How Postgres numbers its types, in every database (its catalogue, `pg_type.dat`).
const [BIGINT, INTEGER, TEXT] = [20, 23, 25] as const;

/**
 * The SQL expression of a row's keyed hash, which `RowHash` comes to from what an event says.
 * @param key of the run @param row the name of a subquery: all of its columns are hashed, in their order
 */
export const hashOfRow = (key: string, row: string): string => keyedHash(key, `record_send(${row})`);

/** The SQL expression of a hash over the key of the run and some bytes. */
export const keyedHash = (key: string, bytes: string): string =>
  `sha256('\\x${Buffer.from(key, 'latin1').toString('hex')}'::bytea || ${bytes})`;

/**
 * Hashes what events say of rows over the bytes that Postgres makes of a row: the number of its fields, and every field
 * behind its type and its length. (Format: `record_send` in `rowtypes.c` of Postgres, the same since version 8.)
 */
export class RowHash {
  private readonly scratch = new Scratch();
  private readonly begin: number;
  private length = 0;

  /** @param key of the run, at least 16 random bytes as text @param fields how many a row has */
  constructor(key: string, fields: number) {
    this.begin = key.length + 4;
    this.scratch.reach(this.begin + fields * LONGEST_FIELD_BYTES);
    this.scratch.bytes.write(key, 'latin1');
    this.scratch.view.setInt32(key.length, fields);
  }

  protected start(): void {
    this.length = this.begin;
  }

  /** Texts of events are ASCII; a row that holds another is another. */
  protected text(text: string | undefined): void {
    this.words(TEXT, text?.length ?? ABSENT);
    if (text !== undefined) this.length += this.scratch.bytes.write(text, this.length, 'latin1');
  }

  protected bigint(value: bigint | undefined): void {
    this.words(BIGINT, value === undefined ? ABSENT : 8);
    if (value === undefined) return;
    this.scratch.view.setBigInt64(this.length, value);
    this.length += 8;
  }

  protected integer(value: number): void {
    this.words(INTEGER, 4);
    this.scratch.view.setInt32(this.length, value);
    this.length += 4;
  }

  protected digest(): Digest {
    return this.scratch.digest(this.length);
  }

  /** A field's type and length. */
  private words(type: number, length: number): void {
    this.scratch.view.setInt32(this.length, type);
    this.scratch.view.setInt32(this.length + 4, length);
    this.length += 8;
  }
}
