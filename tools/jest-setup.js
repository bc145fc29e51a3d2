import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Starts one Postgres and one Kafka for all integration specs, which find them through the environment. */
export default async function setup() {
  // `npm test` has built already; a spec run by hand in a fresh clone has not.
  if (!existsSync(new URL('../libs/test-bed/dist/index.js', import.meta.url)))
    spawnSync(process.execPath, ['tools/build.js'], { cwd: root, stdio: 'inherit' });
  const { startKafka, startPostgres } = await import('../libs/test-bed/dist/index.js');
  const parts = await Promise.allSettled([startPostgres(), startKafka()]);
  globalThis.caratTestBed = parts.flatMap((part) => (part.status === 'fulfilled' ? [part.value] : []));
  const failed = parts.find((part) => part.status === 'rejected');
  if (failed !== undefined) {
    // Jest runs no teardown after a setup that failed.
    await Promise.all(globalThis.caratTestBed.map((part) => part.stop()));
    throw failed.reason;
  }
  const [postgres, kafka] = globalThis.caratTestBed;
  process.env.TEST_DATABASE_URL = postgres.address;
  process.env.TEST_KAFKA_BROKERS = kafka.address;
}
