import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { gift } from '../event-log.contract.js';
import { append, appendAll, recordOf, SubjectMissing } from './append.store.js';
import { ensureJournalTopics, lockHead } from './heads.store.js';
import { journalMigrations } from './index.js';
import { JournalHole, readHeads, readJournal } from './read.store.js';

describe('the journal', () => {
  let database: TestDatabase;
  let db: DataSource;

  beforeAll(async () => {
    database = await freshDatabase();
    const migrations = [...journalMigrations];
    db = await new DataSource({ type: 'postgres', url: database.url, migrations, extra: { max: 20 } }).initialize();
    await db.runMigrations();
    await ensureJournalTopics(db, [
      { topic: 'gift.events.v1', partitions: 12 },
      { topic: 'catalogue.events.v1', partitions: 3 },
      { topic: 'rate.events.v1', partitions: 1 },
    ]);
  }, 60_000);

  afterAll(async () => {
    await db.destroy();
    await database.drop();
  });

  const holes = async (): Promise<number> => {
    const [row] = (await db.query(`
      SELECT coalesce(sum(hi + 1 - records), 0)::int AS holes FROM (
        SELECT max("offset") AS hi, count(*) AS records FROM journal.log_record GROUP BY topic, part) x`)) as [
      { holes: number },
    ];
    return row.holes;
  };

  test('eight writers on shared partitions neither deadlock nor leave a hole, though some roll back', async () => {
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 25; round++) {
        const events = Array.from({ length: 40 }, (_, n) => gift(writer * 10_000 + round * 40 + n));
        if (writer % 2 === 1) events.reverse();
        const rollsBack = round % 5 === 4;
        await db
          .transaction(async (tx) => {
            await append(tx, 'gift.events.v1', events);
            if (rollsBack) throw new Error('rolled back on purpose');
          })
          .catch((error: Error) => {
            if (error.message !== 'rolled back on purpose') throw error;
          });
      }
    });
    await Promise.all(writers);
    const [{ records }] = (await db.query('SELECT count(*)::int AS records FROM journal.log_record')) as [
      { records: number },
    ];
    expect(records).toBe(8 * 20 * 40);
    expect(await holes()).toBe(0);
    const heads = await readHeads(db.manager, ['gift.events.v1']);
    expect(heads.reduce((sum, { next }) => sum + next, 0n)).toBe(BigInt(records));
  }, 60_000);

  test('bytes come back as they went in, several topics at once, with and without key, value and headers', async () => {
    const odd = [
      { key: null, value: Buffer.from([0, 255, 128]), partition: 2, headers: [['h\0', Buffer.from([0, 1])]] as const },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), partition: 2 },
      { key: Buffer.from('k'), value: null, partition: 2 },
    ];
    await db.transaction((tx) =>
      appendAll(tx, [
        { topic: 'rate.events.v1', records: [{ ...recordOf(gift(1)), partition: 0 }] },
        { topic: 'catalogue.events.v1', records: odd },
      ]),
    );
    const read = await readJournal(db.manager, 'catalogue.events.v1', 2, 0n);
    expect(read.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
      odd.map(({ key, value, headers }) => ({ key, value, headers: headers ?? [] })),
    );
    const [own] = await readJournal(db.manager, 'rate.events.v1', 0, 0n);
    expect(own).toMatchObject({ offset: 0n, eventId: gift(1).id, value: recordOf(gift(1)).value });
  });

  test('an event without a subject has no key and is refused', () => {
    const { subject: _subject, ...bare } = gift(1);
    expect(() => append(db.manager, 'gift.events.v1', [bare])).toThrow(SubjectMissing);
  });

  test('a deleted row is a hole, and reading past it is refused', async () => {
    const heads = await readHeads(db.manager, ['gift.events.v1']);
    const { partition } = heads.find(({ next }) => next > 3n) ?? { partition: -1 };
    await db.query(`DELETE FROM journal.log_record WHERE topic = 'gift.events.v1' AND part = $1 AND "offset" = 1`, [
      partition,
    ]);
    await expect(readJournal(db.manager, 'gift.events.v1', partition, 0n)).rejects.toThrow(JournalHole);
  });

  test('a topic never changes its number of partitions', async () => {
    await expect(ensureJournalTopics(db, [{ topic: 'rate.events.v1', partitions: 2 }])).rejects.toThrow(
      'rate.events.v1 has 1 partitions in the journal, 2 are asked for: it never changes',
    );
  });

  test('a reader of a locked head waits for the writer, so its clock is not ahead of what it has seen', async () => {
    const { next: before } = await lockHead(db.manager, 'rate.events.v1', 0, 'share');
    const writer = db.createQueryRunner();
    await writer.startTransaction();
    const { clockMs: writersClockMs } = await lockHead(writer.manager, 'rate.events.v1', 0, 'update');
    const reading = db.transaction((tx) => lockHead(tx, 'rate.events.v1', 0, 'share'));
    await append(writer.manager, 'rate.events.v1', [{ ...gift(2), subject: 'rate-book' }]);
    await writer.commitTransaction();
    await writer.release();
    const { next, clockMs } = await reading;
    expect(next).toBe(before + 1n);
    expect(clockMs).toBeGreaterThanOrEqual(writersClockMs);
  });

  test('a writer that waited for a reader takes its clock after the wait', async () => {
    const reader = db.createQueryRunner();
    await reader.startTransaction();
    await lockHead(reader.manager, 'rate.events.v1', 0, 'share');
    const writing = db.transaction((tx) => lockHead(tx, 'rate.events.v1', 0, 'update'));
    await eventually(async () => {
      const waiting = await db.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      expect(waiting).toHaveLength(1);
    });
    const [{ now }] = (await reader.query('SELECT clock_timestamp() AS now')) as [{ now: Date }];
    await reader.commitTransaction();
    await reader.release();
    expect((await writing).clockMs).toBeGreaterThanOrEqual(now.getTime());
  });
});
