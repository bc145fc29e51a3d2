// `carat audit verify` over a whole log with every pass: from the journal and from Kafka, beside nothing but reading
// the same records. `carat bench verify [gifts] [rounds]`; 450,000 gifts are a million records.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openKafkaLog } from '@carat/event-log/kafka';
import { openJournalReader } from '@carat/event-log/readers';
import { isJournaled, type Topic, topicNames } from '@carat/events';
import { giftService } from '@carat/gift-service';
import { payoutService } from '@carat/payout-service';
import { migrate, openDatabase } from '@carat/service-host';
import { freePort } from '@carat/test-bed';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { type WorldRecord, world } from '../apps/audit/test/world.ts';
import { loadWorld } from '../apps/audit/test/world-database.ts';
import { benchKafka, benchPostgres, median, perSecond, report, say } from './harness/parts.ts';

const [GIFTS = 450_000, ROUNDS = 3] = process.argv.slice(2).map(Number);
const PARTITIONS = 12;
const SIZE = { seed: 1, gifts: GIFTS, creators: 2_000, viewers: 20_000, partitions: PARTITIONS };
const MAIN = (app: string): string => resolve(import.meta.dirname, `../apps/${app}/dist/main.js`);

interface Measured {
  readonly ms: number;
  readonly peakMegabytes: number;
}

/** The highest resident memory of a process and of those that it started, in megabytes, as Linux says it. */
async function residentMegabytes(pid: number | undefined): Promise<number> {
  const read = (path: string): Promise<string> => readFile(`/proc/${path}`, 'utf8').catch(() => '');
  const children = (await read(`${pid}/task/${pid}/children`)).split(' ').filter((each) => each !== '');
  const statuses = await Promise.all([String(pid), ...children].map((each) => read(`${each}/status`)));
  return statuses.reduce((sum, status) => sum + Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024, 0);
}

/** Runs the command until it ends. */
async function audit(variables: Record<string, string>): Promise<Measured> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [MAIN('carat'), 'audit', 'verify'], {
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  let peakMegabytes = 0;
  const watching = setInterval(async () => {
    peakMegabytes = Math.max(peakMegabytes, await residentMegabytes(child.pid));
  }, 50);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(watching);
  if (code !== 0) throw new Error(`carat audit verify ended with ${code}:\n${said}`);
  return { ms: performance.now() - startedMs, peakMegabytes: Math.round(peakMegabytes) };
}

/** A notary at work until everything is sealed. */
async function seal(databaseUrl: string, records: number, variables: Record<string, string>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'carat-bench-notary-'));
  const child: ChildProcess = spawn(process.execPath, [MAIN('audit')], {
    env: {
      ...process.env,
      ...variables,
      DATABASE_URL: databaseUrl,
      CARAT_HOME: home,
      PORT: String(await freePort()),
      SEAL_INTERVAL: '2s',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 2, 'inherit'],
  });
  const client = new pg.Client(databaseUrl);
  // What ends the database early is told by the question that it leaves without an answer.
  client.on('error', () => undefined);
  await client.connect();
  const sealed = async (): Promise<number> => {
    const { rows } = await client
      .query<{ content: string }>('SELECT content::text FROM audit.seal ORDER BY number DESC LIMIT 1')
      .catch(() => ({ rows: [] }));
    const { partitions = [] } = JSON.parse(rows[0]?.content ?? '{}') as { partitions?: { records: string }[] };
    return partitions.reduce((sum, of) => sum + Number(of.records), 0);
  };
  while ((await sealed()) < records) {
    if (child.exitCode !== null) throw new Error(`the notary ended with ${child.exitCode}`);
    await sleep(500);
  }
  child.kill('SIGTERM');
  await once(child, 'exit');
  await client.end();
  await rm(home, { recursive: true, force: true });
}

/** Nothing but reading every record of the journal. */
async function readJournal(url: string): Promise<number> {
  const startedMs = performance.now();
  const log = await openJournalReader(url);
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ topic: Topic }>('SELECT DISTINCT topic FROM journal.log_head');
  const topics = rows.map(({ topic }) => topic).filter((topic) => topicNames.includes(topic));
  for await (const _ of log.read(topics, {}, await log.ends(topics)));
  await Promise.all([client.end(), log.close()]);
  return performance.now() - startedMs;
}

/** Nothing but a kafkajs consumer that gets every record. */
async function readKafka(broker: string, prefix: string, records: number): Promise<number> {
  const startedMs = performance.now();
  const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({
    groupId: `bench-${startedMs}`,
    maxWaitTimeInMs: 100,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: topicNames.map((topic) => `${prefix}${topic}`), fromBeginning: true });
  let count = 0;
  await new Promise<void>((done) => {
    void consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        count += batch.messages.length;
        if (count >= records) done();
      },
    });
  });
  const ms = performance.now() - startedMs;
  await consumer.disconnect();
  return ms;
}

/** The world as a relay and a transform have written it, and the rows that say how far everyone has read it. */
async function fillKafka(broker: string, prefix: string, url: string): Promise<void> {
  const db = await new DataSource({ type: 'postgres', url }).initialize();
  const log = await openKafkaLog({
    brokers: [broker],
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: (part, alarm) => say(`${part}: ${alarm.message}`),
    onFatal: (error) => say(error.message),
  });
  const [{ journal }] = (await db.query('SELECT id::text AS journal FROM journal.epoch')) as [{ journal: string }];
  await log.ensureTopics(
    topicNames.map((topic) => ({ topic, partitions: topic === 'rate.events.v1' ? 1 : PARTITIONS })),
  );
  const spliced = ({ topic, record }: WorldRecord): Buffer =>
    isJournaled(topic)
      ? Buffer.concat([
          Buffer.from(`{"sequence":"${record.offset}","journal":"${journal}",`),
          (record.value ?? Buffer.alloc(0)).subarray(1),
        ])
      : (record.value ?? Buffer.alloc(0));
  let waiting = new Map<Topic, WorldRecord[]>();
  let count = 0;
  const flush = async (): Promise<void> => {
    for (const [topic, records] of waiting)
      await log.publish(
        topic,
        records.map((each) => ({
          key: each.record.key,
          value: spliced(each),
          headers: each.record.headers,
          partition: each.partition,
        })),
      );
    waiting = new Map();
  };
  for (const each of world(SIZE)) {
    waiting.set(each.topic, [...(waiting.get(each.topic) ?? []), each]);
    if (++count % 2_000 === 0) await flush();
  }
  await flush();
  // Each of them has the offset on Kafka that it has in the journal.
  await db.query('UPDATE journal.consumer_offset SET log_id = $1', [log.id]);
  // What nobody journals is on Kafka alone.
  const elsewhere = topicNames.filter((topic) => !isJournaled(topic));
  for (const table of ['log_head', 'log_record'])
    await db.query(`DELETE FROM journal.${table} WHERE topic = ANY($1)`, [elsewhere]);
  await db.query('VACUUM FULL ANALYZE journal.log_record');
  await db.query(
    `INSERT INTO journal.relay_checkpoint (log_id, topic, part, next_offset)
     SELECT $1, topic, part, next FROM journal.log_head`,
    [log.id],
  );
  await log.close();
  await db.destroy();
}

async function race(name: string, records: number, carat: () => Promise<Measured>, plain: () => Promise<number>) {
  const rounds: (Measured & { plainMs: number })[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const plainMs = await plain();
    const measured = await carat();
    rounds.push({ ...measured, plainMs });
    say(`${name} ${round}: verified in ${(measured.ms / 1000).toFixed(1)} s, read in ${(plainMs / 1000).toFixed(1)} s`);
  }
  const ms = median(rounds.map((round) => round.ms));
  const plainMs = median(rounds.map((round) => round.plainMs));
  report(`verify-${name}`, {
    records,
    recordsPerSecond: perSecond(records, ms),
    seconds: Number((ms / 1000).toFixed(1)),
    baselinePerSecond: perSecond(records, plainMs),
    ratio: Number((plainMs / ms).toFixed(2)),
    peakMegabytes: Math.max(...rounds.map((round) => round.peakMegabytes)),
  });
}

const closing: (() => Promise<unknown>)[] = [];
try {
  const postgres = await benchPostgres();
  closing.unshift(() => postgres.stop());
  const db = await openDatabase(postgres.url, [giftService, payoutService]);
  await migrate(db);
  await db.destroy();
  const client = new pg.Client(postgres.url);
  await client.connect();
  say(`making a world of ${GIFTS} gifts`);
  const records = await loadWorld({ query: (text, values) => client.query(text, values) }, world(SIZE));
  await client.query('VACUUM ANALYZE');
  await client.end();
  // A copy of the books for Kafka: one database has the seals of one log.
  const onKafka = new URL(postgres.url);
  onKafka.pathname = '/on_kafka';
  const admin = new pg.Client(postgres.url.replace(/\/postgres$/, '/template1'));
  await admin.connect();
  await admin.query('CREATE DATABASE on_kafka TEMPLATE postgres');
  await admin.end();
  await seal(postgres.url, records, {});
  await race(
    'journal',
    records,
    () => audit({ DATABASE_URL: postgres.url }),
    () => readJournal(postgres.url),
  );

  const broker = await benchKafka();
  closing.unshift(() => broker.stop());
  const prefix = 'bench.';
  await fillKafka(broker.address, prefix, onKafka.href);
  const kafka = { KAFKA_BROKERS: broker.address, KAFKA_TOPIC_PREFIX: prefix, KAFKA_PARTITIONS: String(PARTITIONS) };
  await seal(onKafka.href, records, kafka);
  await race(
    'kafka',
    records,
    () => audit({ DATABASE_URL: onKafka.href, ...kafka }),
    () => readKafka(broker.address, prefix, records),
  );
} finally {
  for (const close of closing) await close().catch((error: Error) => say(error.message));
}
