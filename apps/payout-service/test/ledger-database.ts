import { ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { freshDatabase } from '@carat/test-bed';
import { DataSource, type MigrationInterface } from 'typeorm';
import { DiamondLedger1764000200000 } from '../src/migrations/1764000200000-diamond-ledger.js';
import { Redemptions1764000200001 } from '../src/migrations/1764000200001-redemptions.js';

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
    migrations: [...journalMigrations, DiamondLedger1764000200000, Redemptions1764000200001, ...more],
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
