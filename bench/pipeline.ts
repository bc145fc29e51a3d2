// GiftSent in Kafka → credited → balance in Postgres: Carat's services against the same path in the least JavaScript.
// Broker, Postgres and all processes share this machine. `carat bench pipeline [gifts]`.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { journalMigrations, recordOf } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import { freePort } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { giftSent } from './harness/gifts.ts';
import { benchKafka, benchPostgres, median, perSecond, report, say } from './harness/parts.ts';

const GIFTS = Number(process.argv[2] ?? 200_000);
const RUNS = 3;
const PARTITIONS = 12;
const ROOT = resolve(import.meta.dirname, '..');

const broker = await benchKafka();
const postgres = await benchPostgres().catch(async (error: Error) => {
  await broker.stop();
  throw error;
});
const home = await mkdtemp(join(tmpdir(), 'carat-bench-'));
const admin = await new DataSource({ type: 'postgres', url: postgres.url }).initialize();

interface Way {
  readonly name: string;
  readonly processes: readonly { readonly script: string; readonly args: readonly string[] }[];
  /** How many gifts the balances hold, and what they add up to. */
  readonly counted: string;
}

const carat: Way = {
  name: 'carat',
  processes: ['conversion-service', 'payout-service'].map((app) => ({ script: `apps/${app}/dist/main.js`, args: [] })),
  counted: `SELECT (SELECT count(*) FROM payout.transfer)::int AS gifts,
                   (SELECT coalesce(sum(earned), 0) FROM payout.balance)::float8 AS millidiamonds`,
};
const plain: Way = {
  name: 'plain',
  processes: ['convert', 'book'].map((role) => ({ script: 'bench/baselines/plain-pipeline.ts', args: [role] })),
  counted: `SELECT (SELECT count(*) FROM public.plain_transfer)::int AS gifts,
                   (SELECT coalesce(sum(earned), 0) FROM public.plain_balance)::float8 AS millidiamonds`,
};

function start(script: string, args: readonly string[], environment: Record<string, string>): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', resolve(ROOT, script), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((ready, failed) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) ready(child);
    });
    child.once('exit', (code) => failed(new Error(`${script} ended with ${code}`)));
  });
}

/** Gifts a second from the first booking to the last, over a log that was filled before. */
async function run(way: Way, round: number): Promise<number> {
  const name = `bench_${way.name}_${round}`;
  const prefix = `${name}.`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(postgres.url);
  url.pathname = `/${name}`;
  const db = await new DataSource({ type: 'postgres', url: url.href, migrations: [...journalMigrations] }).initialize();
  const log = await openKafkaLog({
    brokers: [broker.address],
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: (group, alarm) => say(`${group}: ${alarm.message}`),
    onFatal: (error) => say(error.message),
  });
  if (way === plain)
    await db.query(`CREATE TABLE public.plain_transfer (id uuid PRIMARY KEY, creator_id text, millidiamonds bigint);
                    CREATE TABLE public.plain_balance (creator_id text PRIMARY KEY, earned bigint)`);
  await log.ensureTopics([
    'gift.events.v1',
    'diamond.events.v1',
    'award.events.v1',
    ...(way === plain ? ['plain.credits'] : []),
  ]);
  let coins = 0;
  for (let at = 0; at < GIFTS; at += 5000) {
    const events = Array.from({ length: Math.min(5000, GIFTS - at) }, (_, n) => giftSent(at + n));
    for (const { data } of events) coins += data.coins;
    await log.publish('gift.events.v1', events.map(recordOf));
  }
  const environment = async (): Promise<Record<string, string>> => ({
    BROKERS: broker.address,
    PREFIX: prefix,
    KAFKA_BROKERS: broker.address,
    KAFKA_TOPIC_PREFIX: prefix,
    KAFKA_PARTITIONS: String(PARTITIONS),
    DATABASE_URL: url.href,
    CARAT_HOME: home,
    PORT: String(await freePort()),
  });
  const children: ChildProcess[] = [];
  for (const { script, args } of way.processes) children.push(await start(script, args, await environment()));
  let first = { atMs: 0, gifts: 0 };
  let last = first;
  let millidiamonds = 0;
  while (last.gifts < GIFTS) {
    await sleep(100);
    const [row] = (await db.query(way.counted)) as [{ gifts: number; millidiamonds: number }];
    last = { atMs: performance.now(), gifts: row.gifts };
    millidiamonds = row.millidiamonds;
    if (first.gifts === 0) first = last;
  }
  if (millidiamonds !== coins * 500) throw new Error(`${way.name}: ${millidiamonds} millidiamonds for ${coins} coins`);
  for (const child of children) child.kill('SIGKILL');
  await log.close();
  await db.destroy();
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  return perSecond(last.gifts - first.gifts, last.atMs - first.atMs);
}

try {
  const rounds: { carat: number; plain: number }[] = [];
  for (let round = 1; round <= RUNS; round++) {
    rounds.push({ carat: await run(carat, round), plain: await run(plain, round) });
    say(`round ${round} of ${RUNS}: ${JSON.stringify(rounds.at(-1))} gifts/s`);
  }
  const ours = median(rounds.map((round) => round.carat));
  const baseline = median(rounds.map((round) => round.plain));
  report('pipeline', {
    gifts: GIFTS,
    giftsPerSecond: ours,
    plainGiftsPerSecond: baseline,
    ratio: Number((ours / baseline).toFixed(2)),
  });
} finally {
  await admin.destroy().catch(() => undefined);
  await postgres.stop();
  await broker.stop();
  await rm(home, { recursive: true, force: true });
}
