import { ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { freshDatabase } from '@carat/test-bed';
import { DataSource, type MigrationInterface } from 'typeorm';
import { payoutService } from '../src/payout-service.module.js';

export interface LedgerDatabase {
  readonly db: DataSource;
  readonly url: string;
  /** Ends the connections and drops the database. */
  close(): Promise<void>;
}

/** A database of one spec's own with the journal and the ledger in it, both empty, and what else it asks for. */
export async function openLedgerDatabase(
  more: readonly (new () => MigrationInterface)[] = [],
): Promise<LedgerDatabase> {
  const database = await freshDatabase();
  const db = await new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [...journalMigrations, ...payoutService.migrations, ...more],
    migrationsTableName: 'migration',
    poolSize: 12,
  }).initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    { topic: 'diamond.events.v1', partitions: 4 },
    { topic: 'award.events.v1', partitions: 4 },
    { topic: 'redemption.events.v1', partitions: 4 },
  ]);
  return {
    db,
    url: database.url,
    close: async () => {
      await db.destroy();
      await database.drop();
    },
  };
}
