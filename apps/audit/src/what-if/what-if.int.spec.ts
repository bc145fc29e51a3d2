import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlowHalted, type LogReader, type NewRecord, type OpenReader } from '@carat/event-log';
import { append, appendAll, ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { type KafkaLog, openKafkaLog } from '@carat/event-log/kafka';
import { type Event, encode, partitionOf } from '@carat/events';
import { asKafkaAdmin, freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { EVENING_MS, HALF, inForce, reversed, sent, timeOf } from '../../test/gift-log.js';
import { logSourceOf, openLogSource } from '../log-source/log-source.worker.js';
import type { DraftRate } from './draft-rate.js';
import { replayWhatIf, type WhatIf } from './what-if.flow.js';

const PARTITIONS = 3;
const GIFTS = 'gift.events.v1';
const RATES = 'rate.events.v1';
const DRAFT: DraftRate = {
  numerator: 3,
  denominator: 7,
  rounding: 'floor',
  market: '*',
  fromMs: EVENING_MS + 100,
  toMs: EVENING_MS + 900,
};

const rates = [...inForce(HALF), ...inForce({ ...HALF, id: 'fr', market: 'FR', denominator: 3 })];
const given = Array.from({ length: 1200 }, (_, n) =>
  sent({
    id: `${n}`,
    creatorId: `creator-${n % 17}`,
    coins: 1 + (n % 13),
    market: n % 5 === 0 ? 'FR' : 'DE',
    timeMs: EVENING_MS + n,
  }),
);
const gifts: Event<'gift.events.v1'>[] = given.flatMap((gift, n) =>
  n % 9 === 0 ? [gift, reversed(gift, gift.data.coins, 0)] : [gift],
);

let database: TestDatabase;
let db: DataSource;
let kafka: KafkaLog;
let prefix: string;
let folder: string;

const keyOf = ({ subject = '' }: { readonly subject?: string | undefined }): Buffer => Buffer.from(subject);
const placed = <E extends { readonly subject?: string | undefined }>(events: readonly E[], partitions: number): E[][] =>
  Array.from({ length: partitions }, (_, partition) =>
    events.filter((event) => partitionOf(keyOf(event), partitions) === partition),
  );

/** As a relay writes them that was killed and started again: some twice, and each with its place in the journal. */
const relayed = (events: readonly Event[], partitions: number): NewRecord[] =>
  placed(events, partitions).flatMap((own, partition) => {
    const records = own.map((event, sequence) => ({
      key: keyOf(event),
      value: encode({ sequence: String(sequence), journal: 'the-journal', ...event }),
      partition,
    }));
    return [...records.slice(0, 60), ...records.slice(30, 50), ...records.slice(60)];
  });

beforeAll(async () => {
  database = await freshDatabase();
  db = new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] });
  await db.initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    { topic: GIFTS, partitions: PARTITIONS },
    { topic: RATES, partitions: 1 },
  ]);
  await db.transaction((tx) => append(tx, RATES, rates));
  await db.transaction((tx) => append(tx, GIFTS, gifts));

  prefix = freshPrefix();
  const quiet = { onAlarm: () => undefined, onFatal: () => undefined };
  kafka = await openKafkaLog({ brokers: kafkaBrokers(), prefix, partitions: PARTITIONS, replication: 1, db, ...quiet });
  await kafka.ensureTopics([GIFTS, RATES]);
  await kafka.publish(RATES, relayed(rates, 1));
  await kafka.publish(GIFTS, relayed(gifts, PARTITIONS));

  folder = await mkdtemp(join(tmpdir(), 'carat-what-if-'));
  const lines = [
    ...rates.map((event, offset) => lineOf(RATES, 0, offset, event)),
    ...placed(gifts, PARTITIONS).flatMap((own, partition) =>
      own.map((event, offset) => lineOf(GIFTS, partition, offset, event)),
    ),
  ];
  await writeFile(join(folder, 'log.jsonl'), lines.join(''));
}, 90_000);

afterAll(async () => {
  await kafka?.close();
  await db?.destroy();
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

function lineOf(topic: string, partition: number, offset: number, event: Event): string {
  const [value, recordedAt] = [JSON.stringify(event), timeOf(EVENING_MS)];
  return `${JSON.stringify({ topic, partition, offset, key: event.id, value, recordedAt })}\n`;
}

async function withSource<T>(text: string, work: (log: OpenReader) => Promise<T>): Promise<T> {
  const source = logSourceOf(text);
  if (source === undefined) throw new Error(`${text} is no source`);
  const environment = { home: folder, brokers: undefined, databaseUrl: undefined, kafka: { prefix } };
  const log = await openLogSource(source, async () => environment);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}

const onJournal = <T>(work: (log: OpenReader) => Promise<T>): Promise<T> =>
  withSource(`postgres:${database.url}`, work);

const figuresOf = ({ byCreator, total, residue, counts, leftOut }: WhatIf) => ({
  byCreator: new Map([...byCreator].sort()),
  total,
  residue,
  counts,
  leftOut,
});

describe('a what-if over a real log', () => {
  test('comes to the same from the journal, from Kafka with what its relay repeated, and from a file', async () => {
    const journal = await onJournal((log) => replayWhatIf(log, DRAFT));
    // 3/7 is less than a half; gifts in FR keep their third.
    expect(journal.counts).toEqual({ priced: gifts.length, underDraft: expect.any(Number), repeated: 0 });
    expect(journal.total.drafted).toBeLessThan(journal.total.booked);
    const onKafka = await withSource(`kafka:${kafkaBrokers().join(',')}`, (log) => replayWhatIf(log, DRAFT));
    expect(figuresOf(onKafka)).toEqual(figuresOf(journal));
    const inFile = await withSource(`file:${join(folder, 'log.jsonl')}`, (log) => replayWhatIf(log, DRAFT));
    expect(figuresOf(inFile)).toEqual(figuresOf(journal));
    expect(inFile.positions).toEqual(journal.positions);
  }, 60_000);

  test('leaves the database and the cluster as they were', async () => {
    // A row's xmin tells a rewrite of the same content, too.
    const rowsOf = async (table: string): Promise<string> => {
      const [{ digest }] = (await db.query(
        `SELECT md5(string_agg(t.xmin::text || t::text, '' ORDER BY t::text)) AS digest FROM journal.${table} t`,
      )) as [{ digest: string }];
      return `${table} ${digest}`;
    };
    const tables = ['epoch', 'log_head', 'log_record', 'consumer_offset', 'relay_checkpoint'];
    const state = async () => ({
      rows: await Promise.all(tables.map(rowsOf)),
      topics: (await asKafkaAdmin((admin) => admin.listTopics())).filter((topic) => topic.startsWith(prefix)).sort(),
      groups: (await asKafkaAdmin((admin) => admin.listGroups())).groups.filter((g) => g.groupId.startsWith(prefix)),
      ends: await kafka.ends([GIFTS, RATES]),
    });
    const before = await state();
    await onJournal((log) => replayWhatIf(log, DRAFT));
    await withSource(`kafka:${kafkaBrokers().join(',')}`, (log) => replayWhatIf(log, DRAFT));
    expect(await state()).toEqual(before);
  }, 60_000);

  test('rests on the log as it was at the start, and tells how far it has read', async () => {
    const told: [number, number][] = [];
    const late = sent({ id: 'late', creatorId: 'late', timeMs: EVENING_MS + 500 });
    await onJournal(async (log) => {
      const growing: LogReader = {
        isRelayed: () => false,
        async ends(topics) {
          const ends = await log.ends(topics);
          await db.transaction((tx) => append(tx, GIFTS, [late]));
          return ends;
        },
        offsetsAt: (...moment) => log.offsetsAt(...moment),
        read: (...range) => log.read(...range),
      };
      const answer = await replayWhatIf(growing, DRAFT, (...progress) => void told.push(progress));
      expect(answer.byCreator.has('late')).toBe(false);
      expect((answer.positions[GIFTS] ?? []).reduce((sum, next) => sum + next, 0n)).toBe(BigInt(gifts.length));
    });
    expect(told.at(-1)).toEqual([gifts.length, gifts.length]);
    expect((await onJournal((log) => replayWhatIf(log, DRAFT))).byCreator.get('late')).toEqual({
      booked: 5000n,
      drafted: 4285n,
    });
  });
});

describe('a log that is not whole', () => {
  test('names a record that cannot be decoded, and answers without it', async () => {
    const garbage = { key: null, value: Buffer.from('{'), partition: 2 };
    const before = await onJournal((log) => replayWhatIf(log, DRAFT));
    await db.transaction((tx) => appendAll(tx, [{ topic: GIFTS, records: [garbage] }]));
    const answer = await onJournal((log) => replayWhatIf(log, DRAFT));
    const offset = before.positions[GIFTS]?.[2];
    expect(answer.leftOut).toMatchObject({
      count: 1,
      first: [{ position: { topic: GIFTS, partition: 2, offset }, code: 'malformed_json' }],
    });
    expect(answer.total).toEqual(before.total);
  });

  test('gives no answer past a gap in what a relay wrote, nor from a rate book that cannot be read', async () => {
    const [first, second, ...rest] = placed(gifts, PARTITIONS)[0] ?? [];
    if (first === undefined || second === undefined) throw new Error('no gifts');
    const written = (events: readonly [string, Event][]) =>
      events.map(([sequence, event], offset) =>
        lineOf(GIFTS, 0, offset, { ...event, sequence, journal: 'the-journal' }),
      );
    const bookLines = rates.map((event, offset) => lineOf(RATES, 0, offset, event));
    const file = join(folder, 'broken.jsonl');
    const answered = () => withSource(`file:${file}`, (log) => replayWhatIf(log, DRAFT));

    await writeFile(
      file,
      [
        ...bookLines,
        ...written([
          ['0', first],
          ['2', second],
        ]),
      ].join(''),
    );
    await expect(answered()).rejects.toThrow(FlowHalted);
    await expect(answered()).rejects.toThrow('sequence gap on gift.events.v1/0: 1 missing before 2');

    const unread = JSON.stringify({ ...JSON.parse(bookLines[0] ?? ''), value: '{}' });
    await writeFile(file, [`${unread}\n`, ...bookLines.slice(1), ...written([['0', rest[0] ?? first]])].join(''));
    await expect(answered()).rejects.toThrow('the rate book cannot be read: rate.events.v1/0 at 0');
  });
});
