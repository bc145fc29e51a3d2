// How fast the journal takes events, against a plain INSERT of the same rows: what order and gap-free offsets cost.
import { append, ensureJournalTopics, journalMigrations, recordOf } from '@carat/event-log/journal';
import { DataSource } from 'typeorm';
import { giftSent } from './harness/gifts.ts';
import { benchPostgres, median, perSecond, report, say } from './harness/parts.ts';

const SECONDS = 4;
const RUNS = 3;

const postgres = await benchPostgres();
const db = new DataSource({
  type: 'postgres',
  url: postgres.url,
  migrations: [...journalMigrations],
  extra: { max: 10 },
});

const PLAIN = `INSERT INTO public.plain (event_id, key, value)
  SELECT event_id, convert_to(key, 'UTF8'), convert_to(value, 'UTF8') FROM unnest($1::uuid[], $2::text[], $3::text[])
  AS t(event_id, key, value)`;

/** Events a second that `writers` together get down in batches, each in a transaction. */
async function measure(
  writers: number,
  batch: number,
  write: (events: ReturnType<typeof giftSent>[]) => Promise<void>,
) {
  const batches = Array.from({ length: 8 }, (_, b) => Array.from({ length: batch }, (_, n) => giftSent(b * batch + n)));
  const started = performance.now();
  let events = 0;
  const writer = async (_: unknown, first: number): Promise<void> => {
    for (let turn = first; performance.now() - started < SECONDS * 1000; turn++) {
      await write(batches[turn % batches.length] ?? []);
      events += batch;
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return perSecond(events, performance.now() - started);
}

const journal = (events: ReturnType<typeof giftSent>[]): Promise<void> =>
  db.transaction((tx) => append(tx, 'gift.events.v1', events));
const plain = (events: ReturnType<typeof giftSent>[]): Promise<void> =>
  db.transaction(async (tx) => {
    const records = events.map(recordOf);
    await tx.query(PLAIN, [
      records.map(({ eventId }) => eventId),
      records.map(({ key }) => String(key)),
      records.map(({ value }) => String(value)),
    ]);
  });

try {
  await db.initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [{ topic: 'gift.events.v1', partitions: 12 }]);
  await db.query(
    'CREATE TABLE public.plain (event_id uuid, key bytea, value bytea, logged_at timestamptz DEFAULT now())',
  );
  for (const [name, writers, batch] of [
    ['1 writer, batches of 2000', 1, 2000],
    ['8 writers, batches of 500', 8, 500],
  ] as const) {
    const rounds: [number, number][] = [];
    for (let round = 1; round <= RUNS; round++) {
      say(`${name}: round ${round} of ${RUNS}`);
      rounds.push([await measure(writers, batch, journal), await measure(writers, batch, plain)]);
    }
    const appended = median(rounds.map(([ours]) => ours));
    const baseline = median(rounds.map(([, theirs]) => theirs));
    report('journal-append', {
      what: name,
      eventsPerSecond: appended,
      plainInsertsPerSecond: baseline,
      ratio: Number((appended / baseline).toFixed(2)),
    });
  }
  const [{ holes }] = (await db.query(`SELECT coalesce(sum(hi + 1 - n), 0)::int AS holes FROM
    (SELECT max("offset") AS hi, count(*) AS n FROM journal.log_record GROUP BY topic, part) x`)) as [
    { holes: number },
  ];
  if (holes !== 0) throw new Error(`the journal has ${holes} holes`);
} finally {
  await db.destroy().catch(() => undefined);
  await postgres.stop();
}
