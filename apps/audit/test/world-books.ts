import { journalMigrations } from '@carat/event-log/journal';
import { giftService } from '@carat/gift-service';
import { payoutService } from '@carat/payout-service';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { type WorldSize, world } from './world.js';
import { loadWorld } from './world-database.js';

// Of a small world, so that some creators have several.
const GIFTS_TO_A_SNAPSHOT = 15;

/** A database with the journal and the books of a small world, to which nobody is connected: a template for others. */
export async function worldBooks(size: WorldSize): Promise<TestDatabase> {
  const database = await freshDatabase();
  const db = await new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [...journalMigrations, ...giftService.migrations, ...payoutService.migrations],
    migrationsTableName: 'carat_migration',
  }).initialize();
  await db.runMigrations();
  await db.destroy();
  await onDatabase(database, (client) =>
    loadWorld({ query: (text, values) => client.query(text, values) }, world(size), GIFTS_TO_A_SNAPSHOT),
  );
  return database;
}

/** Works on a database with a session of its own. */
export async function onDatabase<T>({ url }: TestDatabase, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
