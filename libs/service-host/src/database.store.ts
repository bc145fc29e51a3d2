import { journalMigrations } from '@carat/event-log/journal';
import { accessMigrations } from '@carat/http-edge';
import { DataSource } from 'typeorm';
import { HostFailure } from './host-failure.js';
import type { Service } from './service.js';

const MOST_CONNECTIONS = 20;
// Any number that nothing else locks: the first eight letters of "carathost" as bytes.
const START_LOCK = '7161130705398656884';

/** Connects to the one database of the process: the union of the services' entities and migrations, and the log's. */
export async function openDatabase(url: string, services: readonly Service[]): Promise<DataSource> {
  const db = new DataSource({
    type: 'postgres',
    url,
    applicationName: 'carat',
    entities: services.flatMap(({ entities = [] }) => [...entities]),
    migrations: [...journalMigrations, ...accessMigrations, ...services.flatMap(({ migrations }) => [...migrations])],
    migrationsTableName: 'carat_migration',
    migrationsTransactionMode: 'each',
    extra: { max: MOST_CONNECTIONS, connectionTimeoutMillis: 10_000 },
  });
  try {
    return await db.initialize();
  } catch (error) {
    throw new HostFailure(`The database does not answer (${(error as Error).message}): see DATABASE_URL.`, error);
  }
}

/**
 * Does something that only one process at a time may do to a database while it starts: several services share one, and
 * they start at once. The lock ends with the session, so a killed process leaves none behind.
 */
export async function underStartLock<T>(db: DataSource, work: () => Promise<T>): Promise<T> {
  const session = db.createQueryRunner();
  try {
    await session.query('SELECT pg_advisory_lock($1)', [START_LOCK]);
    try {
      return await work();
    } finally {
      await session.query('SELECT pg_advisory_unlock($1)', [START_LOCK]);
    }
  } finally {
    await session.release();
  }
}

/** Runs the migrations that this database has not had. Each is known by its name, so services may come in any order. */
export async function migrate(db: DataSource): Promise<void> {
  await db.runMigrations();
}

/** Every service's seeds, each service in a transaction of its own. */
export async function seed(db: DataSource, services: readonly Service[]): Promise<void> {
  for (const service of services)
    if (service.seed !== undefined) await db.transaction(async (tx) => service.seed?.(tx));
}

/** How far the groups are: the next offset per group, topic and partition of one log. */
export async function storedOffsets(
  db: DataSource,
  logId: string,
  groups: readonly string[],
): Promise<{ group: string; topic: string; partition: number; next: bigint }[]> {
  const rows = (await db.query(
    `SELECT grp, topic, part, next_offset FROM journal.consumer_offset WHERE log_id = $1 AND grp = ANY($2)`,
    [logId, groups],
  )) as { grp: string; topic: string; part: number; next_offset: string }[];
  return rows.map((row) => ({
    group: row.grp,
    topic: row.topic,
    partition: row.part,
    next: BigInt(row.next_offset),
  }));
}
