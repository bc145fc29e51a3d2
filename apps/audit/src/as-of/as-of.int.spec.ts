import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogReader, type NewRecord, type Offsets, type Recorded, readPart } from '@carat/event-log';
import { append, ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { type KafkaLog, openKafkaLog } from '@carat/event-log/kafka';
import { openJournalReader } from '@carat/event-log/readers';
import { encode, partitionOf, type Reach } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { event, histories } from '@carat/payout-service/test/ledger-events';
import { type NaiveBalance, naiveBalances } from '@carat/payout-service/test/naive-ledger';
import { freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { HALF, inForce } from '../../test/gift-log.js';
import { openLogSource } from '../log-source/log-source.worker.js';
import { balanceAsOf, type KeptLog, liabilityAsOf, ratesAsOf } from './as-of.flow.js';
import { openSealedBalances } from './sealed-balances.store.js';

const PARTITIONS = 3;
const [DIAMONDS, AWARDS, REDEMPTIONS] = balanceTopics;
const RATES = 'rate.events.v1';
const CREATORS = ['creator-0', 'creator-1', 'creator-2', 'creator-3', 'creator-4'];
const ZEROS = naiveBalances([event('carat.diamonds.credited.v1', { millidiamonds: 0 })]).get('creator-7');

type BookEvent = ReturnType<typeof event>;
type Logged = Recorded<(typeof balanceTopics)[number]>;

// A journal holds an event once: what is drawn again has the identity of what is there.
const drawn = fc.sample(histories(), { seed: 11, numRuns: 250 }).flat();
const books = [...new Map(drawn.map((each) => [each.id, each])).values()];
const topicOf = ({ type }: BookEvent): (typeof balanceTopics)[number] => {
  if (type === 'carat.diamonds.awarded.v1' || type === 'carat.award.revoked.v1') return AWARDS;
  return type.startsWith('carat.diamonds.') ? DIAMONDS : REDEMPTIONS;
};

let database: TestDatabase;
let db: DataSource;
let folder: string;
let reader: Awaited<ReturnType<typeof openJournalReader>>;
let logged: Logged[];

const kept = (of: LogReader, more: Partial<KeptLog> = {}): KeptLog => ({
  reader: of,
  hasAllPartitions: true,
  nowMs: Date.now(),
  ...more,
});

async function readBack(log: LogReader): Promise<Logged[]> {
  const found: Logged[] = [];
  for await (const batch of log.read(balanceTopics, {}, await log.ends(balanceTopics)))
    found.push(...(readPart(batch, { lastSequence: null, journal: null }, false).events as Logged[]));
  return found;
}

beforeAll(async () => {
  database = await freshDatabase();
  db = new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] });
  await db.initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    ...balanceTopics.map((topic) => ({ topic, partitions: PARTITIONS })),
    { topic: RATES, partitions: 1 },
  ]);
  await db.transaction((tx) => append(tx, RATES, inForce(HALF)));
  for (let at = 0; at < books.length; at += 7)
    for (const topic of balanceTopics) {
      const some = books.slice(at, at + 7).filter((each) => topicOf(each) === topic);
      await db.transaction((tx) => append(tx, topic, some));
    }
  reader = await openJournalReader(database.url);
  logged = await readBack(reader);
  folder = await mkdtemp(join(tmpdir(), 'carat-as-of-'));
}, 60_000);

afterAll(async () => {
  await reader?.close();
  await db?.destroy();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const before = (offsets: Offsets): Map<string, NaiveBalance> =>
  naiveBalances(
    logged.filter(({ position: { topic, partition, offset } }) => offset < (offsets[topic]?.[partition] ?? 0n)),
  );

const allReaches = (offsets: Offsets): Reach[] =>
  balanceTopics.flatMap((topic) =>
    (offsets[topic] ?? []).map((nextOffset, partition) => ({ topic, partition, nextOffset })),
  );
const ownReaches = (creatorId: string, offsets: Offsets): Reach[] =>
  allReaches(offsets).filter(({ partition }) => partition === partitionOf(creatorId, PARTITIONS));

const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const shares = fc.array(share, { minLength: 3 * PARTITIONS, maxLength: 3 * PARTITIONS });
/** Any position, of each partition as much as a share says. */
const cutAt = (ends: Offsets, parts: readonly number[]): Offsets =>
  Object.fromEntries(
    balanceTopics.map((topic, t) => [
      topic,
      (ends[topic] ?? []).map((next, p) => BigInt(Math.round(Number(next) * (parts[t * PARTITIONS + p] ?? 0)))),
    ]),
  );

describe('the books of a journal', () => {
  test('are at any position exactly what the events before it come to, of one creator and of all', async () => {
    const ends = await reader.ends(balanceTopics);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...CREATORS), shares, async (creatorId, parts) => {
        const offsets = cutAt(ends, parts);
        const naive = before(offsets);
        const own = ownReaches(creatorId, offsets);
        const balance = await balanceAsOf(kept(reader), creatorId, { reaches: own });
        expect(balance).toMatchObject({ ...ZEROS, ...naive.get(creatorId) });
        expect(balance.reaches).toEqual(own);

        const liability = await liabilityAsOf(kept(reader), { reaches: allReaches(offsets) });
        for (const figure of ['available', 'held', 'recoverable'] as const)
          expect(liability[figure]).toBe([...naive.values()].reduce((sum, of) => sum + of[figure], 0n));
        expect(liability.creators).toBe(naive.size);
      }),
      { numRuns: 60 },
    );
  });

  test('are at any time what was recorded strictly before it', async () => {
    const times = [...new Set(logged.map(({ recordedAtMs }) => recordedAtMs))].sort((a, b) => a - b);
    for (const [index, timeMs] of times.filter((_, n) => n % Math.ceil(times.length / 12) === 0).entries()) {
      const creatorId = CREATORS[index % CREATORS.length] as string;
      const naive = naiveBalances(logged.filter(({ recordedAtMs }) => recordedAtMs < timeMs));
      const balance = await balanceAsOf(kept(reader), creatorId, { timeMs });
      expect(balance).toMatchObject({ ...ZEROS, ...naive.get(creatorId) });
      expect(await balanceAsOf(kept(reader), creatorId, { reaches: balance.reaches })).toEqual(balance);
    }
  });

  test('are not answered for what is not there yet', async () => {
    const ends = await reader.ends(balanceTopics);
    const [first, ...rest] = ownReaches('creator-1', ends) as [Reach, ...Reach[]];
    const beyond = { reaches: [{ ...first, nextOffset: first.nextOffset + 1n }, ...rest] };
    await expect(balanceAsOf(kept(reader), 'creator-1', beyond)).rejects.toThrow(
      `position_not_reached: ${DIAMONDS}/${first.partition} ends at ${first.nextOffset}`,
    );
    await expect(balanceAsOf(kept(reader), 'creator-1', { timeMs: Date.now() + 60_000 })).rejects.toThrow(
      'position_not_reached: --at is a time that is still to come',
    );
    await expect(balanceAsOf(kept(reader), 'creator-1', { reaches: rest })).rejects.toThrow(
      '--at does not say how far',
    );
  });

  test('hold the rates that were approved by then', async () => {
    const reaches = (nextOffset: bigint) => ({ reaches: [{ topic: RATES, partition: 0, nextOffset } as Reach] });
    expect((await ratesAsOf(kept(reader), reaches(1n))).lines).toEqual([]);
    expect((await ratesAsOf(kept(reader), reaches(2n))).lines).toMatchObject([{ rateId: 'half', approvedBy: 'omar' }]);
    expect((await ratesAsOf(kept(reader, { nowMs: Infinity }), { timeMs: Date.now() })).lines).toMatchObject([
      { inForce: true },
    ]);
  });
});

describe('where a notary has sealed balances', () => {
  /** Seals as a notary writes them: a row for each creator whose balance is another than at the seal before. */
  async function seal(number: number, offsets: Offsets, changed: readonly string[]): Promise<void> {
    const partitions = allReaches(offsets).map(({ nextOffset, ...place }) => ({
      ...place,
      nextOffset: String(nextOffset),
      records: '0',
      chain: '0'.repeat(64),
      root: '0'.repeat(64),
      added: 0,
    }));
    const sealedAt = '2026-11-20T19:00:00Z';
    const content = {
      version: 2,
      number,
      previous: '0'.repeat(64),
      log: 'log',
      sealedAt,
      partitions,
      sums: {},
      balances: [],
    };
    await db.query('INSERT INTO audit.seal VALUES ($1, $2)', [number, JSON.stringify(content)]);
    for (const creatorId of changed) {
      const { earned, awarded, adjusted, reversed, held, redeemed } = before(offsets).get(creatorId) as NaiveBalance;
      await db.query('INSERT INTO audit.balance_at_seal VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)', [
        creatorId,
        partitionOf(creatorId, PARTITIONS),
        number,
        ...[earned, awarded, adjusted, reversed, held, redeemed],
      ]);
    }
  }

  test('the newest seal before a moment is where its answer begins, and the answer is the same', async () => {
    expect(await openSealedBalances(database.url)).toBeUndefined();
    await db.query('CREATE SCHEMA audit');
    await db.query('CREATE TABLE audit.seal (number bigint PRIMARY KEY, content text)');
    await db.query(`
      CREATE TABLE audit.balance_at_seal (creator_id text, partition int, seal_number bigint, earned bigint,
        awarded bigint, adjusted bigint, reversed bigint, held bigint, redeemed bigint)`);
    const ends = await reader.ends(balanceTopics);
    const at = (part: number) => cutAt(ends, Array(9).fill(part));
    for (const [index, part] of [0.2, 0.4, 0.6].entries()) await seal(index + 1, at(part), CREATORS);
    await seal(4, at(0.6), []);
    const snapshots = await openSealedBalances(database.url);
    try {
      for (const [part, from] of [
        [0.1, undefined],
        [0.2, 1],
        [0.6, 4],
        [0.59, 2],
      ] as const) {
        for (const creatorId of CREATORS) {
          const moment = { reaches: ownReaches(creatorId, at(part)) };
          const answer = await balanceAsOf(kept(reader, { snapshots }), creatorId, moment);
          expect(answer.seal).toBe(from);
          if (part === 0.2 || part === 0.6) expect(answer.counts.records).toBe(0);
          expect(answer).toMatchObject({ ...ZEROS, ...before(at(part)).get(creatorId) });
        }
        const liability = await liabilityAsOf(kept(reader, { snapshots }), { reaches: allReaches(at(part)) });
        const zero = await liabilityAsOf(kept(reader), { reaches: allReaches(at(part)) });
        expect(liability.seal).toBe(from);
        expect(liability.available).toBe(zero.available);
      }
    } finally {
      await snapshots?.close();
    }
  });
});

describe('the same books elsewhere', () => {
  const keyOf = ({ subject = '' }: { readonly subject?: string | undefined }): Buffer => Buffer.from(subject);

  test('on Kafka count once what a relay or a transform repeats, and not what somebody else wrote', async () => {
    const prefix = freshPrefix();
    const quiet = { onAlarm: () => undefined, onFatal: () => undefined };
    const options = { brokers: kafkaBrokers(), prefix, partitions: PARTITIONS, replication: 1, db, ...quiet };
    const kafka: KafkaLog = await openKafkaLog(options);
    try {
      await kafka.ensureTopics([...balanceTopics, RATES]);
      for (const topic of balanceTopics) await kafka.publish(topic, asOnKafka(topic));
      const forged = event('carat.balance.adjusted.v1', { n: 4711, creatorId: 'creator-1', millidiamonds: 1_000_000 });
      await kafka.publish(REDEMPTIONS, [{ key: Buffer.from('creator-1'), value: encode(forged) }]);
      const source = { kind: 'kafka', brokers: kafkaBrokers() } as const;
      const environment = { home: folder, brokers: undefined, databaseUrl: undefined, kafka: { prefix } };
      const log = await openLogSource(source, async () => environment);
      const onKafka = kept(log, { nowMs: Date.now() + 60_000 });
      const naive = naiveBalances(logged);
      const balance = await balanceAsOf(onKafka, 'creator-1', { timeMs: Date.now() + 30_000 });
      expect(balance).toMatchObject({ ...naive.get('creator-1') });
      expect(balance.counts).toMatchObject({ foreign: 1 });
      const liability = await liabilityAsOf(onKafka, { timeMs: Date.now() + 30_000 });
      expect(liability.available).toBe([...naive.values()].reduce((sum, of) => sum + of.available, 0n));
      expect(liability.counts.repeated).toBeGreaterThan(0);
      await log.close();
    } finally {
      await kafka.close();
    }
  }, 60_000);

  /** Diamonds by a transform that was killed, the rest by a relay that was: some of it stands there twice. */
  function asOnKafka(topic: (typeof balanceTopics)[number]): NewRecord[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => {
      const own = logged.filter(({ position }) => position.topic === topic && position.partition === partition);
      const records = own.map(({ position: _position, recordedAtMs: _at, ...each }, sequence) => {
        const relayed = topic === DIAMONDS ? {} : { sequence: String(sequence), journal: 'the-journal' };
        return { key: keyOf(each), value: encode({ ...relayed, ...each }), partition };
      });
      return [...records.slice(0, 30), ...records.slice(10, 20), ...records.slice(30)];
    }).flat();
  }

  test('in a file are read whole, for it may lack partitions', async () => {
    const lines = logged.map(({ position, recordedAtMs, ...each }) =>
      JSON.stringify({
        ...position,
        // As of a log of twelve partitions, of which the file has some.
        partition: position.partition === 0 ? 11 : position.partition,
        offset: Number(position.offset),
        key: each.subject,
        value: JSON.stringify(each),
        recordedAt: new Date(recordedAtMs).toISOString(),
      }),
    );
    await writeFile(join(folder, 'log.jsonl'), lines.join('\n'));
    const environment = async () => ({
      home: folder,
      brokers: undefined,
      databaseUrl: undefined,
      kafka: { prefix: '' },
    });
    const log = await openLogSource({ kind: 'file', path: join(folder, 'log.jsonl') }, environment);
    const inFile = kept(log, { hasAllPartitions: false });
    const naive = naiveBalances(logged);
    for (const creatorId of CREATORS)
      expect(await balanceAsOf(inFile, creatorId, { timeMs: inFile.nowMs })).toMatchObject({ ...naive.get(creatorId) });
  });
});
