// Ways run against each other, and measured.
import { deepStrictEqual as deepEqual } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { journalMigrations, recordOf } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import { type Event, isJournaled, partitionOf } from '@carat/events';
import { freePort } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { cpuMicrosByPart } from './cpu.ts';
import { benchKafka, benchPostgres, median, perSecond, report, say } from './parts.ts';
import type { Stage, Way } from './ways.ts';

const PARTITIONS = 12;
const ROOT = resolve(import.meta.dirname, '../..');
// Whoever attests gifts in a benchmark.
const SOURCES = '{"/live-platform": {"attestExternal": true}}';

interface Measured {
  readonly giftsPerSecond: number;
  /** By part: the stages, `postgres`, and `java` for the broker. */
  readonly cpuMicrosPerGift: Readonly<Record<string, number>>;
}

interface Track {
  run(way: Way, gifts: number, round: number): Promise<Measured>;
}

/** Brings up a broker and a Postgres for as long as `work` takes. */
async function withTrack(work: (track: Track) => Promise<void>): Promise<void> {
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const broker = await benchKafka();
    closing.unshift(() => broker.stop());
    const postgres = await benchPostgres();
    closing.unshift(() => postgres.stop());
    const home = await mkdtemp(join(tmpdir(), 'carat-bench-'));
    closing.unshift(() => rm(home, { recursive: true, force: true }));
    const admin = await new DataSource({ type: 'postgres', url: postgres.url }).initialize();
    closing.unshift(() => admin.destroy());
    await work({
      run: (way, gifts, round) =>
        runWay(way, gifts, { broker: broker.address, postgres: postgres.url, home, admin, round }),
    });
  } finally {
    for (const close of closing) await close().catch((error: Error) => say(error.message));
  }
}

interface Place {
  readonly broker: string;
  readonly postgres: string;
  readonly home: string;
  readonly admin: DataSource;
  readonly round: number;
}

/** Records of a journaled topic, as a relay writes them: one without a number would count for nothing. */
function numbering(): typeof recordOf {
  const next = Array<number>(PARTITIONS).fill(0);
  return (event) => {
    const partition = partitionOf(Buffer.from(event.subject ?? ''), PARTITIONS);
    const sequence = String(next[partition]);
    next[partition] = Number(sequence) + 1;
    return recordOf({ sequence, journal: 'bench', ...event } as Event);
  };
}

async function runWay(way: Way, gifts: number, { broker, postgres, home, admin, round }: Place): Promise<Measured> {
  const name = `bench_${way.name}_${round}`;
  const prefix = `${name}.`;
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(postgres);
  url.pathname = `/${name}`;
  const db = await new DataSource({ type: 'postgres', url: url.href, migrations: [...journalMigrations] }).initialize();
  const log = await openKafkaLog({
    brokers: [broker],
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: (group, alarm) => say(`${group}: ${alarm.message}`),
    onFatal: (error) => say(error.message),
  });
  const numbered = numbering();
  const children: ChildProcess[] = [];
  const start = async (stage: Stage): Promise<ChildProcess> =>
    startStage(stage, {
      BROKERS: broker,
      PREFIX: prefix,
      KAFKA_BROKERS: broker,
      KAFKA_TOPIC_PREFIX: prefix,
      KAFKA_PARTITIONS: String(PARTITIONS),
      DATABASE_URL: url.href,
      SOURCES,
      CARAT_HOME: home,
      PORT: String(await freePort()),
    });
  try {
    await log.ensureTopics(way.topics);
    const expected = await way.fill({
      db,
      write: (topic, events) => log.publish(topic, events.map(isJournaled(topic) ? numbered : recordOf)),
      prepare: async (stage) => end(await start(stage)),
    });
    for (const stage of way.stages) children.push(await start(stage));
    return await measure(way, gifts, { db, children, expected });
  } finally {
    await Promise.all(children.map(end));
    await log.close();
    await db.destroy();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
}

/** Ready when the process says so. NODE_OPTIONS reaches it: with `--cpu-prof` it tells where its time went. */
function startStage({ script, args = [] }: Stage, variables: Record<string, string>): Promise<ChildProcess> {
  const { PATH, HOME, NODE_OPTIONS = '' } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', resolve(ROOT, script), ...args], {
    env: { PATH, HOME, NODE_OPTIONS, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((ready, failed) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) ready(child);
    });
    // Not at its exit: what it printed last may still be on its way.
    child.once('close', (code) => failed(new Error(`${script} ended with ${code}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

interface Running {
  readonly db: DataSource;
  readonly children: readonly ChildProcess[];
  readonly expected: number;
}

/** From the first gift that moves to the last that is in a balance. */
async function measure(way: Way, gifts: number, { db, children, expected }: Running): Promise<Measured> {
  const names = new Map(way.stages.map(({ name }, index) => [children[index]?.pid ?? 0, name]));
  const ask = async <Row>(sql: string): Promise<Row> => ((await db.query(sql)) as [Row])[0];
  while (!(await ask<{ begun: boolean }>(way.begun)).begun) await sleep(20);
  const [begunAtMs, before] = [performance.now(), cpuMicrosByPart(names)];
  let earned = 0;
  while (earned < expected) {
    // Often only near the end: asking costs the database something, and less at the start of a slow run.
    const leftMs = ((expected - earned) / earned) * (performance.now() - begunAtMs);
    await sleep(Math.min(Math.max(leftMs / 4, 20), 1000));
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error(`${way.name}: a stage has ended`);
    earned = (await ask<{ millidiamonds: number }>(way.earned)).millidiamonds;
  }
  const [tookMs, after] = [performance.now() - begunAtMs, cpuMicrosByPart(names)];
  const books = { millidiamonds: earned, ...(await ask<Record<string, number>>(way.books.sql)) };
  deepEqual(books, { millidiamonds: expected, ...way.books.mustRead });
  return {
    giftsPerSecond: perSecond(gifts, tookMs),
    cpuMicrosPerGift: Object.fromEntries(
      [...after].map(([part, micros]) => [part, Math.round((micros - (before.get(part) ?? 0)) / gifts)]),
    ),
  };
}

/** Carat's way against the plain one, round by round, and the medians as the figures of `bench`. */
export async function race(
  bench: string,
  gifts: number,
  rounds: number,
  ways: { carat: Way; plain: Way },
): Promise<void> {
  const run: { carat: Measured; plain: Measured }[] = [];
  await withTrack(async (track) => {
    for (let round = 1; round <= rounds; round++) {
      run.push({
        carat: await track.run(ways.carat, gifts, round),
        plain: await track.run(ways.plain, gifts, round),
      });
      say(`round ${round} of ${rounds}: ${JSON.stringify(run.at(-1))}`);
    }
  });
  const ours = median(run.map(({ carat }) => carat.giftsPerSecond));
  const baseline = median(run.map(({ plain }) => plain.giftsPerSecond));
  const cpu = (of: 'carat' | 'plain') => mediansOf(run.map((round) => round[of].cpuMicrosPerGift));
  report(bench, {
    gifts,
    giftsPerSecond: ours,
    plainGiftsPerSecond: baseline,
    ratio: Number((ours / baseline).toFixed(2)),
    cpuMicrosPerGift: cpu('carat'),
    plainCpuMicrosPerGift: cpu('plain'),
  });
}

const mediansOf = (rounds: readonly Readonly<Record<string, number>>[]): Record<string, number> =>
  Object.fromEntries(Object.keys(rounds[0] ?? {}).map((part) => [part, median(rounds.map((each) => each[part] ?? 0))]));
