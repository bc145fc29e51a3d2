import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, type LogReader, type Offsets } from '@carat/event-log';
import { ManyEvents } from '@carat/events/decode-many';
import { LEDGER_GROUP } from '@carat/payout-service/ledger-group';
import { BooksPass, checkConservation } from '../booked/booked-passes.js';
import type { Books } from '../booked/books.store.js';
import { compareCarried } from '../carried/compare-carried.flow.js';
import type { JournalRows } from '../carried/journal-rows.store.js';
import { nameMisfiled } from '../carried/misfiled-rows.flow.js';
import { throughHoles } from '../holes/through-holes.flow.js';
import { type BookedKeptBalances, differingPlaces } from '../kept-balances/kept-balances.js';
import { nameKeptBalances } from '../kept-balances/name-kept-balances.flow.js';
import { type LaneResult, type LaneTask, laneTopics } from '../lanes/lane-task.js';
import type { LanesTask } from '../lanes/read-lanes.flow.js';
import { ownEvents } from '../log-source/own-events.flow.js';
import { compareLots } from '../passes/compare-lots.flow.js';
import type { CreatorBooks } from '../passes/ledger.js';
import { Lots } from '../passes/lots.js';
import { compareCashRates, comparePrices, RatesPass } from '../passes/rates.js';
import { compareRedemptions, type RedeemedRows, readRedeemed } from '../redeemed/compare-redemptions.flow.js';
import type { ByState } from '../redeemed/redemptions.js';
import type { OnProven, RunLanes } from '../run-verify/run-lanes.worker.js';
import { sharesOf } from '../run-verify/shares.js';
import type { Seal, SealContent } from '../seals/seal.js';
import type { SealMalformed } from '../seals/seal-line.js';
import type { AuditReport } from './audit-report.js';
import { reportOf } from './conclude.js';
import { Findings } from './findings.js';
import { nameTransfers } from './name-transfers.flow.js';
import { deadLetterPlaces, endsInBooks, endsOfPresent, placesIn, recordsUpTo, untilRelayed } from './positions.flow.js';
import { checkSeries, checkSums, type Trusted } from './seal-series.js';

/** What is verified, and with what. */
export interface VerifyInput {
  readonly log: LogReader & { readonly id: string };
  readonly kind: 'journal' | 'kafka' | 'file';
  /** The rows that were booked; undefined when there is no database to look into. */
  readonly books: Books | undefined;
  /** How far the relay is by now, asked anew. */
  readonly relayed: () => Promise<ReadonlyMap<string, bigint>>;
  /** The journal that the log was relayed from, to look rows up in. */
  readonly openRows: () => Promise<JournalRows>;
  readonly seals: readonly Seal[];
  /** What stands among them and is none. */
  readonly malformed: readonly SealMalformed[];
  /** Whether somebody counts on seals, and a log without any proves less than was asked. */
  readonly areSealsAsked: boolean;
  /** How many seals there must be, as other rows say that were written with them. */
  readonly sealsAtLeast: number;
  readonly trusted: Trusted;
  readonly run: RunLanes;
  /** Random text of this run, at least 16 bytes. */
  readonly key: string;
  /** How many partitions are proven at once, where the log gives its records as they come. */
  readonly threads: number;
  onRecords(done: number, of: number): void;
}

/**
 * Streams the log once and checks all that it can prove by itself, then holds the rows of the books against it.
 * @throws FlowHalted where nothing can be concluded: topics of creators with different numbers of partitions, a relay
 * that stands still
 */
export async function verify(input: VerifyInput): Promise<AuditReport> {
  const { books, seals, sealsAtLeast, trusted, malformed } = input;
  const [log, isRelayed] = [throughHoles(input.log), input.kind === 'kafka'];
  const findings = new Findings();
  const to = await endsOf(input);
  const partitions = partitionsOf(to);
  checkSeries(seals, { trusted, logId: log.id, atLeast: sealsAtLeast, malformed }, findings);
  const [rates, deadLetters] = await Promise.all([readRates(log, isRelayed, to, findings), deadLetterPlaces(log)]);
  const tasks = lanesOf(input, to, partitions, { rates, deadLetters });
  const total = recordsUpTo(to);
  let done = 0;
  const rows = new BooksPass(findings);
  const lanes: LaneResult[] = [];
  const lots = new Lots();
  const proven: OnProven = {
    records: (records) => {
      done += records;
      input.onRecords(done, Number(total));
    },
    result: (result) => {
      lots.merge(result.lots);
      lanes.push(...result.lanes);
      for (const { found } of [result, ...result.lanes]) findings.merge(found);
    },
  };
  const [beside] = await Promise.all([readBooks(input, rows, findings), input.run(tasks, proven)]);
  lots.check(findings);
  checkSums(
    seals,
    lanes.map(({ sums }) => sums),
    findings,
  );
  const creators = creatorsOf(lanes);
  checkConservation(creators, statesOfAll(lanes), findings);
  if (books !== undefined && beside !== undefined) {
    const compared = { log, to, tasks: tasks.flatMap((task) => task.lanes), lanes, findings };
    await compareCarried({ ...compared, rows: beside.journaled, openRows: input.openRows });
    if (books.hasWallets) await compareLots(books.lots(), lots, findings);
    await compareBooks(log, books, rows, { creators, seqs: seqsOfAll(lanes), findings, to });
    comparePrices(await books.rates(), fractionsOf(lanes), findings);
    compareCashRates(await books.cashRates(), rates, areRatesRead(books, to), findings);
    await compareRedemptions({ ...compared, books, rows: beside.redeemed });
    if (beside.kept !== undefined)
      await nameKeptBalances(differingPlaces(beside.kept, lanes, findings), {
        ...{ log, books, to, findings, isRelayed },
        seals: seals.map(({ content }) => content),
      });
  }
  return reportOf({
    log: log.id,
    kind: input.kind,
    hasBooks: books !== undefined,
    areSealsAsked: input.areSealsAsked,
    to,
    seals,
    lanes,
    creators,
    findings,
  });
}

/** How many of them are in one partition of every topic. */
const recordsOf = (to: Offsets, partition: number): number =>
  Number(laneTopics.reduce((sum, topic) => sum + (to[topic]?.[partition] ?? 0n), 0n));

async function endsOf({ log, kind, books, relayed }: VerifyInput): Promise<Offsets> {
  if (kind === 'journal' && books !== undefined) return endsInBooks(books);
  if (kind === 'kafka' && books !== undefined) await untilRelayed(books, relayed);
  // Effects before causes: whatever follows from what is read later is not missed.
  return endsOfPresent(log, [
    'redemption.events.v1',
    'award.events.v1',
    'diamond.events.v1',
    'gift.events.v1',
    'coin.events.v1',
    'catalogue.events.v1',
    'rate.events.v1',
    'gift.requests.v1',
  ]);
}

/** The topics that creators key have equally many partitions, or a creator's events are in more than one lane. */
function partitionsOf(to: Offsets): number {
  const counts = (['diamond.events.v1', 'gift.events.v1', 'award.events.v1', 'redemption.events.v1'] as const)
    .map((topic) => to[topic]?.length ?? 0)
    .filter((count) => count > 0);
  if (new Set(counts).size > 1)
    throw new FlowHalted(
      `topics of creators have ${[...new Set(counts)].join(' and ')} partitions; they need equally many`,
    );
  return Math.max(...laneTopics.map((topic) => to[topic]?.length ?? 0), 1);
}

/** What has to be known before a gift is priced. */
async function readRates(log: LogReader, isRelayed: boolean, to: Offsets, findings: Findings): Promise<RateBook> {
  const rates = new RatesPass(findings);
  for await (const { event, position } of ownEvents(log, 'rate.events.v1', to, isRelayed, new ManyEvents()))
    rates.add(event, position);
  return rates.end();
}

/** What a seal says of one partition: all of every seal would be in memory for each thread. */
const partOf = (content: SealContent, only: number): SealContent => ({
  ...content,
  partitions: content.partitions.filter(({ partition }) => partition === only),
  balances: content.balances.filter(({ partition }) => partition === only),
});

// Each gift takes 50 bytes for as long as its partition is proven.
const MOST_RECORDS_AT_ONCE = 500_000n;

/** A task for each thread, with its share of the partitions; more of them where that would not fit into memory. */
function lanesOf(
  { kind, books, seals, key, threads }: VerifyInput,
  to: Offsets,
  partitions: number,
  known: Pick<LaneTask, 'rates' | 'deadLetters'>,
): LanesTask[] {
  const placed = (offsets: ReadonlyMap<string, bigint> | undefined, partition: number, prefix = '') =>
    Object.fromEntries(
      laneTopics.flatMap((topic) => {
        const offset = offsets?.get(`${prefix}${topic}/${partition}`);
        return offset === undefined ? [] : [[topic, offset]];
      }),
    );
  const lanes = Array.from({ length: partitions }, (_, partition): LaneTask => {
    const heads = placed(books?.heads, partition);
    const consumed = placed(books?.consumed, partition, `${LEDGER_GROUP} `);
    const booked = { 'diamond.events.v1': 0n, 'award.events.v1': 0n, ...consumed };
    return {
      ...known,
      ownUpTo: heads['redemption.events.v1'],
      places: books && placesIn(books, partition),
      partition,
      partitions,
      gifts: Number(to['gift.events.v1']?.[partition] ?? 0n),
      key,
      seals: seals.map(({ content }) => partOf(content, partition)),
      log: kind === 'kafka' ? { kind: 'relayed', from: books?.journal } : { kind },
      bookedUpTo: books === undefined ? {} : { ...booked, 'redemption.events.v1': heads['redemption.events.v1'] ?? 0n },
      takenInUpTo: books && (books.consumed.get(`carat.gift.intake gift.requests.v1/${partition}`) ?? 0n),
      convertedUpTo:
        books && (books.consumed.get(`carat.conversion.credit-diamonds gift.events.v1/${partition}`) ?? 0n),
      journaledUpTo: kind === 'kafka' ? heads : {},
      relayedUpTo: kind === 'kafka' ? placed(books?.relayed, partition) : {},
    };
  });
  const total = recordsUpTo(to);
  const groups = Math.min(partitions, Math.max(threads, Number(total / MOST_RECORDS_AT_ONCE)));
  return sharesOf(
    lanes.map(({ partition }) => recordsOf(to, partition)),
    groups,
  ).map((share) => ({ lanes: share.map((partition) => lanes[partition] as LaneTask), to }));
}

/** Creators by what all partitions give them; each is in one, unless a record stands where it does not belong. */
const creatorsOf = (lanes: readonly LaneResult[]): ReadonlyMap<string, CreatorBooks> =>
  new Map(lanes.flatMap((lane) => [...lane.creators]));

/** What redemptions of all partitions hold and have redeemed, by creator. */
function statesOfAll(lanes: readonly LaneResult[]): ReadonlyMap<string, ByState> {
  const sums = new Map<string, ByState>();
  for (const [creatorId, { held, redeemed }] of lanes.flatMap((lane) => [...lane.byState])) {
    const before = sums.get(creatorId) ?? { held: 0n, redeemed: 0n };
    sums.set(creatorId, { held: before.held + held, redeemed: before.redeemed + redeemed });
  }
  return sums;
}

/** The number of the last event of each creator's own. */
const seqsOfAll = (lanes: readonly LaneResult[]): ReadonlyMap<string, number> =>
  new Map(lanes.flatMap((lane) => [...lane.ledgerSeqs]));

/** By the ids of rates, all fractions that booked events say of them. */
function fractionsOf(lanes: readonly LaneResult[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const [id, fractions] of lanes.flatMap(({ rates }) => [...rates]))
    all.set(id, new Set([...(all.get(id) ?? []), ...fractions]));
  return all;
}

interface ToCompare {
  readonly creators: ReadonlyMap<string, CreatorBooks>;
  readonly seqs: ReadonlyMap<string, number>;
  readonly findings: Findings;
  readonly to: Offsets;
}

/** Rows that were summed up while the log was read. */
interface ReadBeside {
  readonly redeemed: RedeemedRows;
  readonly journaled: ReadonlyMap<string, string>;
  /** Undefined where there is no seal that a notary would keep balances beside. */
  readonly kept: readonly BookedKeptBalances[] | undefined;
}

/** While others read the log: the rows of ledger and journal are of the moment at which the books were opened. */
async function readBooks(
  { books, kind, key, seals }: VerifyInput,
  rows: BooksPass,
  findings: Findings,
): Promise<ReadBeside | undefined> {
  if (books === undefined) return undefined;
  for await (const transfers of books.transfers(key)) rows.transfers(transfers);
  rows.entries(await books.entries());
  for await (const snapshots of books.snapshots()) rows.snapshots(snapshots);
  const redeemed = await readRedeemed(books, key, findings);
  // Beside Kafka the bags of whole rows tell it, too.
  if (kind === 'journal') await nameMisfiled(books.filedOtherwise(), findings);
  const journaled = kind === 'kafka' ? await books.journaled(key) : new Map<string, string>();
  const kept = books.hasNotary && seals.length > 0 ? await books.keptBalances(key, seals.length) : undefined;
  return { redeemed, journaled, kept };
}

const CASH_RATES_GROUP = 'carat.payout.cash-rates';

/** Whether the service that keeps the rates to cash has read all that the book has. */
const areRatesRead = ({ consumed }: Books, to: Offsets): boolean =>
  (to['rate.events.v1'] ?? []).every(
    (end, partition) => (consumed.get(`${CASH_RATES_GROUP} rate.events.v1/${partition}`) ?? 0n) >= end,
  );

async function compareBooks(
  log: LogReader,
  books: Books,
  rows: BooksPass,
  { creators, seqs, findings, to }: ToCompare,
): Promise<void> {
  for (const place of await books.unreadRows())
    findings.add('offsets', 'row_past_end', place, 'the journal has rows outside of the offsets that it has given');
  for await (const balances of books.balances()) rows.balances(balances, creators, seqs);
  rows.end(creators);
  await nameTransfers(log, books, rows.differing(creators), to, findings);
}
