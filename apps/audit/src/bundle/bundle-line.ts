import { isUtf8 } from 'node:buffer';
import type { RawRecord } from '@carat/event-log';
import { Id, type Topic, topicNames } from '@carat/events';
import { type Terms, terms } from '@carat/payout-service/terms';
import { z } from 'zod';
import type { SealedBalance } from '../merkle-trees/balance-tree.js';
import { RECORDS_A_PAGE, type RecordPath } from '../merkle-trees/record-tree.js';
import { digestOf, hexOf } from '../seals/digest.js';
import { type RecordEntry } from '../seals/record-chain.js';
import { Seal } from '../seals/seal.js';

/** A line of a bundle is never longer: the largest record that Carat's topics take is half of it in base64. */
export const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

const Hex = z.string().regex(/^[0-9a-f]{64}$/);
const Offset = z.string().regex(/^\d{1,18}$/);
const Amount = z.string().regex(/^(0|-?[1-9]\d{0,29})$/);
const Count = z.int().min(0);
const Partition = z.int().min(0).max(9_999);
const Digests = z.array(z.strictObject({ partition: Partition, digest: Hex })).readonly();

/** Bytes as text where they are UTF-8, else in base64. */
const Bytes = z.union([z.string(), z.strictObject({ base64: z.base64() })]).nullable();

/** A record, byte for byte, and where it stands. */
export const WrittenRecord = z.strictObject({
  topic: z.enum(topicNames),
  partition: Partition,
  offset: Offset,
  recordedAtMs: z.number(),
  key: Bytes,
  value: Bytes,
  headers: z.array(z.tuple([z.string(), Bytes.unwrap()])),
});
export type WrittenRecord = Readonly<z.infer<typeof WrittenRecord>>;

/** A creator's terms, each in decimal. */
export const WrittenBalance = z.strictObject({
  creatorId: Id,
  earned: Amount,
  awarded: Amount,
  adjusted: Amount,
  reversed: Amount,
  held: Amount,
  redeemed: Amount,
});
export type WrittenBalance = Readonly<z.infer<typeof WrittenBalance>>;

const WrittenEntry = z.strictObject({ offset: Offset, recordedAtMs: z.number(), digest: Hex });
const OthersOfPage = z
  .array(WrittenEntry)
  .max(RECORDS_A_PAGE - 1)
  .readonly();

/**
 * One record that a seal holds: which one it is of those since the seal before, the others of its page, and the
 * siblings of the page up to the root.
 */
export const SealedRecordProof = z.strictObject({
  seal: Seal,
  record: WrittenRecord,
  index: Count,
  before: OthersOfPage,
  after: OthersOfPage,
  siblings: z.array(Hex).max(64).readonly(),
});
export type SealedRecordProof = Readonly<z.infer<typeof SealedRecordProof>>;

const Manifest = z.strictObject({
  kind: z.literal('manifest'),
  format: z.literal('carat bundle v2'),
  /** The cluster's id, or the journal's epoch. */
  log: Id,
  /** The period is what was sealed after the opening seal, up to the closing one. Seal 0 is the begin of the log. */
  opening: Count,
  closing: z.int().min(1),
  code: z.strictObject({ version: z.string().max(100), commit: z.string().max(100).optional() }),
  /** What whoever verifies must come to: the seals by their hashes, the balances, the chain of the rate book. */
  expected: z.strictObject({ openingSeal: Hex, closingSeal: Hex, balances: Digests, rateBook: Hex }),
  counts: z.strictObject({ schemas: Count, rates: Count, balances: Count, seen: Count, seals: Count, records: Count }),
});
export type Manifest = Readonly<z.infer<typeof Manifest>>;

/**
 * What a bundle is made of, in this order: the manifest; the schemas; the rate book from its first event on; the
 * opening seal, the balances there and what was seen of relayed partitions; then every seal of the period, each before
 * the records that it sealed. An `earlier` names, before a record, an event that the log had before the period, and a
 * `gift` a gift of before the period that is credited in it.
 */
const BundleLine = z.discriminatedUnion('kind', [
  Manifest,
  z.strictObject({ kind: z.literal('schema'), type: z.string().max(128), schema: z.record(z.string(), z.unknown()) }),
  z.strictObject({ kind: z.literal('rate'), record: WrittenRecord }),
  z.strictObject({ kind: z.literal('seal'), seal: Seal }),
  z.strictObject({ kind: z.literal('balance'), partition: Partition, balance: WrittenBalance }),
  z.strictObject({
    kind: z.literal('seen'),
    topic: z.enum(topicNames),
    partition: Partition,
    lastSequence: Offset,
    journal: z.string().max(128),
  }),
  z.strictObject({ kind: z.literal('earlier'), partition: Partition, eventId: Id }),
  z.strictObject({ kind: z.literal('gift'), proof: SealedRecordProof }),
  z.strictObject({ kind: z.literal('record'), record: WrittenRecord }),
]);
export type BundleLine = Readonly<z.infer<typeof BundleLine>>;

/** Text that is not what it has to be, and why. */
export class Malformed extends Error {}

/**
 * The JSON of a text, as a schema has it.
 * @throws Malformed
 */
export function readJson<S extends z.ZodType>(schema: S, text: string): z.infer<S> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Malformed((error as Error).message.slice(0, 200));
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Malformed(`/${issue?.path.map(String).join('/')}: ${issue?.message.slice(0, 200)}`);
}

/**
 * What a line says.
 * @throws Malformed
 */
export const readBundleLine = (text: string): BundleLine => readJson(BundleLine, text);

type WrittenBytes = NonNullable<WrittenRecord['value']>;

const written = (bytes: Buffer): WrittenBytes => {
  if (!isUtf8(bytes)) return { base64: bytes.toString('base64') };
  const text = bytes.toString('utf8');
  // A control character takes six bytes in JSON, and the longest record must still fit a line.
  return Buffer.byteLength(JSON.stringify(text)) > 64 + 1.4 * bytes.length
    ? { base64: bytes.toString('base64') }
    : text;
};
const read = (bytes: WrittenBytes): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : Buffer.from(bytes.base64, 'base64');

export const writeRecord = (topic: Topic, partition: number, record: RawRecord): WrittenRecord => ({
  topic,
  partition,
  offset: String(record.offset),
  recordedAtMs: record.recordedAtMs,
  key: record.key && written(record.key),
  value: record.value && written(record.value),
  headers: record.headers.map(([name, content]) => [name, written(content)]),
});

export const readRecord = ({ offset, recordedAtMs, key, value, headers }: WrittenRecord): RawRecord => ({
  offset: BigInt(offset),
  recordedAtMs,
  key: key === null ? null : read(key),
  value: value === null ? null : read(value),
  headers: headers.map(([name, content]) => [name, read(content)]),
});

const writeEntry = ({ offset, recordedAtMs, digest }: RecordEntry): z.infer<typeof WrittenEntry> => ({
  offset: String(offset),
  recordedAtMs,
  digest: hexOf(digest),
});

const readEntry = ({ offset, recordedAtMs, digest }: z.infer<typeof WrittenEntry>): RecordEntry => ({
  offset: BigInt(offset),
  recordedAtMs,
  digest: digestOf(digest),
});

type WrittenPath = Omit<SealedRecordProof, 'seal' | 'record'>;

export const writePath = ({ index, before, after, siblings }: RecordPath): WrittenPath => ({
  index,
  before: before.map(writeEntry),
  after: after.map(writeEntry),
  siblings: siblings.map(hexOf),
});

export const readPath = ({ index, before, after, siblings }: WrittenPath): RecordPath => ({
  index,
  before: before.map(readEntry),
  after: after.map(readEntry),
  siblings: siblings.map(digestOf),
});

export const writeBalance = ({ creatorId, terms: of }: SealedBalance): WrittenBalance => ({
  creatorId,
  ...(Object.fromEntries(terms.map((term) => [term, String(of[term])])) as Record<keyof Terms, string>),
});

export const readBalance = ({ creatorId, ...of }: WrittenBalance): SealedBalance => ({
  creatorId,
  terms: Object.fromEntries(terms.map((term) => [term, BigInt(of[term])])) as Terms,
});
