import { type Digest, Scratch } from '../seals/digest.js';

const ABSENT = -1;
const WORDS_BYTES = 8;
// How Postgres numbers its types, in every database (its catalogue, `pg_type.dat`).
const [BYTEA, BIGINT, INTEGER, TEXT] = [17, 20, 23, 25] as const;

/**
 * The SQL expression of a row's keyed hash, which `RowHash` comes to from what an event says.
 * @param key of the run @param row `ROW(…)`, or the name of a subquery: all of its columns are hashed, in their order
 */
export const hashOfRow = (key: string, row: string): string =>
  `sha256('\\x${Buffer.from(key, 'latin1').toString('hex')}'::bytea || record_send(${row}))`;

/**
 * Hashes what events say of rows over the bytes that Postgres makes of a row: the number of its fields, and every field
 * behind its type and its length. (Format: `record_send` in `rowtypes.c` of Postgres, the same since version 8.)
 */
export class RowHash {
  private readonly scratch = new Scratch();
  private readonly begin: number;
  private length = 0;

  /** @param key of the run, at least 16 random bytes as text, or none @param fields how many a row has */
  constructor(key: string, fields: number) {
    this.begin = key.length + 4;
    this.scratch.reach(this.begin);
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

  protected bytes(bytes: Buffer | null): void {
    this.words(BYTEA, bytes?.length ?? ABSENT);
    if (bytes !== null) this.length += bytes.copy(this.scratch.bytes, this.length);
  }

  /** Bytes of which the first is told, and the others stand in a buffer from a place on. */
  protected byteAndRest(first: number, rest: Buffer, from: number): void {
    this.words(BYTEA, 1 + rest.length - from);
    this.scratch.bytes[this.length] = first;
    this.length += 1 + rest.copy(this.scratch.bytes, this.length + 1, from);
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

  /** A field's type and length, and room for what it holds. */
  private words(type: number, length: number): void {
    this.scratch.reach(this.length + WORDS_BYTES + length);
    this.scratch.view.setInt32(this.length, type);
    this.scratch.view.setInt32(this.length + 4, length);
    this.length += WORDS_BYTES;
  }
}
