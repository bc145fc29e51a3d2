import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { deadLetterTopicOf } from '@carat/events';
import { eventually, freshDatabase } from '@carat/test-bed';
import { expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { gift } from './event-log.contract.js';
import { appendAll, ensureJournalTopics, journalMigrations, readJournal, recordOf } from './journal/index.js';

const SCRIPT = resolve(import.meta.dirname, '../test/deadly.process.ts');

test('a record that kills its process again and again becomes a dead letter; else only what waits for it', async () => {
  const database = await freshDatabase();
  const migrations = [...journalMigrations];
  const db = await new DataSource({ type: 'postgres', url: database.url, migrations }).initialize();
  await db.runMigrations();
  await db.query('CREATE TABLE public.seen (coins bigint)');
  await ensureJournalTopics(db, [{ topic: 'gift.events.v1', partitions: 1 }]);
  const records = Array.from({ length: 20 }, (_, n) => recordOf(gift(n)));
  await db.transaction((tx) => appendAll(tx, [{ topic: 'gift.events.v1', records }]));

  let deaths = 0;
  let isAlive = false;
  const run = () => {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT], {
      env: { PATH, HOME, DATABASE_URL: database.url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    isAlive = true;
    child.once('exit', () => {
      isAlive = false;
      deaths += 1;
    });
    return child;
  };
  const seen = async (): Promise<number[]> =>
    ((await db.query('SELECT coins::int FROM public.seen ORDER BY 1')) as { coins: number }[]).map(
      ({ coins }) => coins,
    );
  const others = Array.from({ length: 20 }, (_, n) => n).filter((n) => n % 7 !== 4);

  let child = run();
  try {
    await eventually(
      async () => {
        if (!isAlive && deaths < 20) child = run();
        expect(await seen()).toEqual(others);
      },
      { withinMs: 60_000 },
    );
    const letters = await readJournal(db.manager, deadLetterTopicOf('test.rows'), 0, 0n);
    expect(letters.map(({ value }) => value)).toEqual([4, 11, 18].map((n) => recordOf(gift(n)).value));
    const told = (name: string) =>
      letters.map(({ headers }) => headers.find(([each]) => each === name)?.[1].toString());
    const wait = 'waits_for_parked_key';
    expect(told('carat-error-class')).toEqual(['crashed_process', wait, wait]);
    expect(told('carat-attempts')[0]).toBe('9');
    expect(deaths).toBeGreaterThanOrEqual(6);
  } finally {
    const gone = isAlive ? once(child, 'exit') : Promise.resolve();
    child.kill('SIGKILL');
    await gone;
    await db.destroy();
    await database.drop();
  }
}, 90_000);
