import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterTopicOf } from '@carat/events';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { claim } from './consumer-offset.store.js';
import { gift } from './event-log.contract.js';
import {
  type EventLog,
  OffsetMovedByAnother,
  type ProjectFlow,
  type RawBatch,
  type Recorded,
  type Tx,
  Unhandleable,
} from './event-log.js';
import { ensureJournalTopics, journalMigrations, readJournal, recordOf } from './journal/index.js';
import { project } from './project.store.js';

const GROUP = 'test.rows';
const TOPIC = 'gift.events.v1';

const batchOf = (from: number, to: number): RawBatch => ({
  topic: TOPIC,
  partition: 0,
  records: Array.from({ length: to - from }, (_, n) => ({
    offset: BigInt(from + n),
    recordedAtMs: 0,
    key: Buffer.from('creator-1'),
    value: recordOf(gift(from + n)).value,
    headers: [],
  })),
  nextOffset: BigInt(to),
  heartbeat: async () => undefined,
});

describe('the follower of a group', () => {
  let database: TestDatabase;
  let db: DataSource;

  beforeEach(async () => {
    database = await freshDatabase();
    db = await new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] }).initialize();
    await db.runMigrations();
    await db.query('CREATE TABLE public.seen (coins bigint)');
    await ensureJournalTopics(db, [{ topic: deadLetterTopicOf(GROUP), partitions: 1 }]);
  }, 60_000);

  afterEach(async () => {
    await db.destroy();
    await database.drop();
  });

  /** What a process would be given by its log: the follower itself, so that the test plays the log. */
  const join = async (
    dies: (events: readonly Recorded[], tx: Tx) => boolean | Promise<boolean> = () => false,
    { id = 'log-1', ...flow }: Pick<ProjectFlow<typeof TOPIC>, 'parkBy'> & { id?: string } = {},
  ) => {
    let follower: Parameters<EventLog['follow']>[2] | undefined;
    const log = {
      id,
      isRelayed: () => false,
      trouble: () => undefined,
      follow: async (_group: string, _topics: unknown, given: typeof follower) => (follower = given),
    };
    await project(log as unknown as EventLog, db, { group: GROUP, from: [TOPIC], ...flow }, async (events, tx) => {
      if (await dies(events, tx)) throw new OffsetMovedByAnother(GROUP, TOPIC, 0);
      await tx.query('INSERT INTO public.seen SELECT unnest($1::bigint[])', [
        events.map((event) => (event.type === 'carat.gift.sent.v1' ? event.data.coins : -1)),
      ]);
    });
    if (follower === undefined) throw new Error('project did not follow');
    return follower;
  };

  const seen = async (): Promise<number[]> =>
    ((await db.query('SELECT coins::int FROM public.seen ORDER BY 1')) as { coins: number }[]).map(
      ({ coins }) => coins,
    );

  test('given a zombie, when another instance has claimed its partition, then nothing it does is kept', async () => {
    const zombie = await join();
    await zombie.claimed(TOPIC, 0);
    await zombie.batch(batchOf(0, 3));
    const heir = await join();
    expect(await heir.claimed(TOPIC, 0)).toBe(3n);
    await expect(zombie.batch(batchOf(3, 6))).rejects.toThrow(OffsetMovedByAnother);
    await heir.batch(batchOf(3, 5));
    expect(await seen()).toEqual([0, 1, 2, 3, 4]);
  });

  test('a batch from before the stored offset is refused', async () => {
    const follower = await join();
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 3));
    await expect(follower.batch(batchOf(2, 6))).rejects.toThrow(OffsetMovedByAnother);
    expect(await seen()).toEqual([0, 1, 2]);
  });

  test('a fetch without records still moves the offset', async () => {
    const follower = await join();
    await follower.claimed(TOPIC, 0);
    await follower.batch({ ...batchOf(0, 0), nextOffset: 9n });
    expect((await claim(db.manager, GROUP, 'log-1', TOPIC, 0)).nextOffset).toBe(9n);
  });

  test('a record whose connection breaks between two statements is handled again, and is no dead letter', async () => {
    let breaks = 2;
    const follower = await join(async (_, tx) => {
      if (breaks-- > 0) {
        const [{ pid }] = (await tx.query('SELECT pg_backend_pid() AS pid')) as [{ pid: number }];
        await db.query('SELECT pg_terminate_backend($1, 5000)', [pid]);
        await sleep(50);
      }
      return false;
    });
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 1));
    expect(await seen()).toEqual([0]);
    expect(await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n)).toEqual([]);
  });

  test('offsets of another log do not count here', async () => {
    const follower = await join();
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 3));
    expect((await claim(db.manager, GROUP, 'another log', TOPIC, 0)).nextOffset).toBe(0n);
  });

  test('a key that was parked in another log is free here, where all is handled anew', async () => {
    const refuses = (): boolean => {
      throw new Unhandleable('bad_luck', 'it is bad luck');
    };
    const parkBy = (): string => 'one key';
    for (const [id, does, rows] of [
      ['log-1', refuses, []],
      ['log-2', () => false, [0, 1, 2]],
      ['log-1', () => false, [0, 1, 2]],
    ] as const) {
      const follower = await join(does, { id, parkBy });
      const from = Number(await follower.claimed(TOPIC, 0));
      await follower.batch(batchOf(from, from + 3));
      expect(await seen()).toEqual(rows);
    }
    expect(await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n)).toHaveLength(6);
  });

  test('a record at which parkBy throws is a dead letter that parks nothing, and its partition moves on', async () => {
    const parkBy = (event: Recorded): string => {
      if (event.position.offset === 1n) throw new Error('no key');
      return 'one key';
    };
    const follower = await join(undefined, { parkBy });
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 4));
    expect(await seen()).toEqual([0, 2, 3]);
    expect(await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n)).toHaveLength(1);
  });

  test('a flow that parks nothing never looks for parked keys', async () => {
    await db.query('DROP TABLE journal.parked_key');
    const follower = await join();
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 3));
    expect(await seen()).toEqual([0, 1, 2]);
  });

  test('tries that ended in an error are no deaths: they make no record suspect', async () => {
    for (let n = 0; n < 12; n++) {
      const follower = await join(() => true);
      await follower.claimed(TOPIC, 0);
      await expect(follower.batch(batchOf(0, 3))).rejects.toThrow(OffsetMovedByAnother);
    }
    const follower = await join();
    await follower.claimed(TOPIC, 0);
    await follower.batch(batchOf(0, 3));
    expect(await seen()).toEqual([0, 1, 2]);
    expect(await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n)).toEqual([]);
  });
});
