import type { LogReader, RawRecord } from '@carat/event-log';
import { decode, type Event, type Topic } from '@carat/events';
import { sealedRecordIn } from '../inclusion-proof/prove.flow.js';
import { Books, isOfLedger } from '../recomputed/books.js';
import { creditIn, creditKeyOf, giftKeyOf } from '../recomputed/credits.js';
import { hexOf } from '../seals/digest.js';
import { EMPTY_CHAIN } from '../seals/record-chain.js';
import { hashOfSeal, NO_SEAL, type Seal, type SealedPartition } from '../seals/seal.js';
import { type BundleLine, type Manifest, writeBalance, writeRecord } from './bundle-line.js';
import { eventSchemas } from './event-schemas.js';
import { offsetsOf, type Period, type SealSource, topicsOf } from './period.js';

export { type Mark, markOf, NoSuchPeriod, type Period, periodOf, type SealSource } from './period.js';
export { writeBundle } from './write-bundle.worker.js';

const RATES = 'rate.events.v1';
/** So many records are read at once, and held: to open a reading costs a second on Kafka. One seal may have more. */
const RECORDS_AT_ONCE = 50_000;

/** The program that makes a bundle. */
export type CodeVersion = Manifest['code'];

/** The log up to the opening seal. */
interface Opened {
  readonly books: Books;
  /** Gifts without a credit yet, by the key of the credit that they wait for. */
  readonly waiting: Map<string, { readonly partition: number; readonly offset: bigint }>;
}

/**
 * The lines of a bundle for a period. The log is read from its begin, for the balances at the opening seal; of what is
 * before the period only those, and gifts that are credited in it, are in the bundle. `onProgress` hears how many of
 * how many records are read.
 * @throws FlowHalted when a consumer of this log would stop, or when there are more events than can be told apart
 */
export async function* bundleLines(
  log: LogReader,
  seals: SealSource,
  period: Period,
  code: CodeVersion,
  onProgress: (read: number, of: number) => void = () => undefined,
): AsyncGenerator<BundleLine> {
  const { opening, closing } = period;
  const all = Number(recordsUpTo(closing));
  let read = 0;
  const progress = (records: number): void => {
    read += records;
    onProgress(read, all);
  };
  const opened = await openedAt(log, opening, progress);
  const schemas = eventSchemas();
  const balances = [...opened.books.balances()];
  const relayed = [...opened.books.seen()];
  yield manifestOf(period, code, { schemas: schemas.size, balances: balances.length, seen: relayed.length });
  for (const [type, schema] of schemas) yield { kind: 'schema', type, schema };
  for await (const { records } of log.read([RATES], {}, { [RATES]: offsetsOf(closing)[RATES] ?? [] }))
    for (const record of records) yield { kind: 'rate', record: writeRecord(RATES, 0, record) };
  if (opening !== undefined) yield { kind: 'seal', seal: opening };
  for (const { partition, ...balance } of balances)
    yield { kind: 'balance', partition, balance: writeBalance(balance) };
  for (const { topic, partition, seen } of relayed)
    yield { kind: 'seen', topic, partition, lastSequence: String(seen.lastSequence), journal: seen.journal ?? '' };
  let before = opening;
  for await (const lot of lotsOf(seals, period)) {
    yield* linesOf(log, seals, before, lot, opened);
    before = lot.at(-1);
    progress(lot.reduce((sum, seal) => sum + addedBy(seal), 0));
  }
}

const recordsUpTo = (seal: Seal | undefined): bigint =>
  (seal?.content.partitions ?? []).reduce((sum, { records }) => sum + BigInt(records), 0n);
const addedBy = ({ content }: Seal): number => content.partitions.reduce((sum, { added }) => sum + added, 0);

function manifestOf(
  { opening, closing }: Period,
  code: CodeVersion,
  counts: Pick<Manifest['counts'], 'schemas' | 'balances' | 'seen'>,
): Manifest {
  const rates = closing.content.partitions.find(({ topic }) => topic === RATES);
  return {
    kind: 'manifest',
    format: 'carat bundle v2',
    log: closing.content.log,
    opening: opening?.content.number ?? 0,
    closing: closing.content.number,
    code,
    expected: {
      openingSeal: opening === undefined ? NO_SEAL : hashOfSeal(opening.content),
      closingSeal: hashOfSeal(closing.content),
      balances: closing.content.balances,
      rateBook: rates?.chain ?? hexOf(EMPTY_CHAIN),
    },
    counts: {
      ...counts,
      rates: Number(rates?.records ?? 0),
      seals: closing.content.number - (opening?.content.number ?? 0),
      records: Number(recordsUpTo(closing) - recordsUpTo(opening)),
    },
  };
}

/** Reads everything up to the opening seal: the balances there, and which gifts wait for their credit. */
async function openedAt(
  log: LogReader,
  opening: Seal | undefined,
  progress: (records: number) => void,
): Promise<Opened> {
  const opened: Opened = { books: new Books(), waiting: new Map() };
  if (opening === undefined) return opened;
  for await (const { topic, partition, records } of log.read(topicsOf(opening), {}, offsetsOf(opening))) {
    for (const { offset, value } of records) {
      const decoded = decode(topic, value);
      if ('undecodable' in decoded || opened.books.take(topic, partition, decoded.event) === 'repeated') continue;
      const gift = giftKeyOf(partition, decoded.event);
      if (gift !== undefined) opened.waiting.set(gift, { partition, offset });
    }
    progress(records.length);
  }
  // Topics are read in any order, so that a credit may come before its gift.
  for (const key of opened.waiting.keys()) {
    const { partition, eventId } = creditIn(key);
    if (opened.books.isBooked(partition, eventId)) opened.waiting.delete(key);
  }
  return opened;
}

/** The seals of a period in lots, each of so many records as are read at once. */
async function* lotsOf(seals: SealSource, { opening, closing }: Period): AsyncGenerator<Seal[]> {
  let lot: Seal[] = [];
  let records = 0;
  const after = opening?.content.number ?? 0;
  if (after < closing.content.number)
    for await (const seal of seals(after + 1)) {
      const added = addedBy(seal);
      if (lot.length > 0 && records + added > RECORDS_AT_ONCE) {
        yield lot;
        [lot, records] = [[], 0];
      }
      lot.push(seal);
      records += added;
      if (seal.content.number >= closing.content.number) break;
    }
  if (lot.length > 0) yield lot;
}

/** Some seals that follow each other, each with its records behind it. */
async function* linesOf(
  log: LogReader,
  seals: SealSource,
  before: Seal | undefined,
  lot: readonly Seal[],
  opened: Opened,
): AsyncGenerator<BundleLine> {
  const last = lot.at(-1) as Seal;
  const records = new Map<string, RawRecord[]>();
  for await (const batch of log.read(topicsOf(last), offsetsOf(before), offsetsOf(last))) {
    const place = placeOf(batch);
    const ofPlace = records.get(place);
    if (ofPlace === undefined) records.set(place, [...batch.records]);
    else for (const record of batch.records) ofPlace.push(record);
  }
  const taken = new Map<string, number>();
  for (const seal of lot) {
    yield { kind: 'seal', seal };
    for (const sealed of seal.content.partitions) {
      const place = placeOf(sealed);
      const ofPlace = records.get(place) ?? [];
      let at = taken.get(place) ?? 0;
      for (; at < ofPlace.length && (ofPlace[at] as RawRecord).offset < BigInt(sealed.nextOffset); at++)
        yield* linesOfRecord(log, seals, sealed, ofPlace[at] as RawRecord, opened);
      taken.set(place, at);
    }
  }
}

const placeOf = ({ topic, partition }: Pick<SealedPartition, 'topic' | 'partition'>): string => `${topic}/${partition}`;

/** A record; before it what the log had before the period and this record needs to be understood. */
async function* linesOfRecord(
  log: LogReader,
  seals: SealSource,
  { topic, partition }: { topic: Topic; partition: number },
  record: RawRecord,
  { books, waiting }: Opened,
): AsyncGenerator<BundleLine> {
  const event = isOfLedger(topic) ? eventIn(topic, record) : undefined;
  if (event !== undefined && books.isBooked(partition, event.id))
    yield { kind: 'earlier', partition, eventId: event.id };
  const key = event && creditKeyOf(partition, event);
  const gift = key === undefined ? undefined : waiting.get(key);
  if (key !== undefined && gift !== undefined) {
    waiting.delete(key);
    yield { kind: 'gift', proof: await sealedRecordIn(log, seals, { topic: 'gift.events.v1', ...gift }) };
  }
  yield { kind: 'record', record: writeRecord(topic, partition, record) };
}

function eventIn(topic: Topic, { value }: RawRecord): Event | undefined {
  const decoded = decode(topic, value);
  return 'event' in decoded ? decoded.event : undefined;
}
