import type { EventLog } from '@carat/event-log';
import {
  ensureJournalTopics,
  journalMigrations,
  openJournalLog,
  readHeads,
  readJournal,
} from '@carat/event-log/journal';
import { decode, type Event, type GiftRequest, type Topic } from '@carat/events';
import { freshDatabase } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { CurrentCatalogue, seedCatalogue } from '../src/gift-catalogue/catalogue.store.js';
import { type GiftEnvironment, giftEnvironment } from '../src/gift-environment.worker.js';
import { giftService } from '../src/gift-service.module.js';
import { SendGiftStore } from '../src/send-gift/send-gift.store.js';

const PARTITIONS = 4;
const A_CENTURY_MS = 36_525 * 86_400_000;

/** A database with the service's schema and seeds, and one way to send gifts into it. */
export interface GiftDatabase {
  readonly db: DataSource;
  readonly log: EventLog;
  readonly environment: GiftEnvironment;
  readonly gifts: SendGiftStore;
  /** The same database under other rules, as after a restart. */
  giftsUnder(environment: Partial<GiftEnvironment>): SendGiftStore;
  /** Every event that the service wrote to `gift.events.v1`. */
  giftEvents(): Promise<Event<'gift.events.v1'>[]>;
  /** Every event that the service wrote to `catalogue.events.v1`. */
  catalogueEvents(): Promise<Event<'catalogue.events.v1'>[]>;
  /** Every event that the service wrote to `coin.events.v1`. */
  coinEvents(): Promise<Event<'coin.events.v1'>[]>;
  drop(): Promise<void>;
}

const SOURCES = JSON.stringify({
  '/live': { attestExternal: true },
  '/video': { attestExternal: true },
  '/quiet': {},
  '/capped': { attestExternal: true, dailyCoinCap: 100 },
  '/deep': { attestExternal: true, dailyCoinCap: 1_000_000_000 },
});

/** @param extraMigrations of other schemas that a spec needs beside the service's own */
export async function giftDatabase(extraMigrations: readonly (new () => object)[] = []): Promise<GiftDatabase> {
  const database = await freshDatabase();
  const migrations = [...journalMigrations, ...giftService.migrations, ...extraMigrations] as (new () => object)[];
  const db = new DataSource({ type: 'postgres', url: database.url, migrations, poolSize: 20 });
  await db.initialize();
  await db.runMigrations();
  const topics = [...giftService.journals, ...giftService.reads, 'carat.gift.intake.dlq.v1'];
  await ensureJournalTopics(
    db,
    topics.map((topic) => ({ topic, partitions: PARTITIONS })),
  );
  await db.transaction(seedCatalogue);
  const environment = giftEnvironment({ standalone: false }).parse({ SOURCES });
  // Specs send gifts of fixed times: this catalogue covers them, whatever the clock says.
  const catalogue = new CurrentCatalogue(db, { ...environment, CATALOGUE_LEAD: A_CENTURY_MS });
  const giftsUnder = (other: Partial<GiftEnvironment>) => new SendGiftStore(catalogue, { ...environment, ...other });
  const log = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  return {
    db,
    log,
    environment,
    gifts: giftsUnder({}),
    giftsUnder,
    giftEvents: () => eventsOf(db, 'gift.events.v1'),
    catalogueEvents: () => eventsOf(db, 'catalogue.events.v1'),
    coinEvents: () => eventsOf(db, 'coin.events.v1'),
    drop: async () => {
      await log.close();
      await db.destroy();
      await database.drop();
    },
  };
}

async function eventsOf<T extends Topic>(db: DataSource, topic: T): Promise<Event<T>[]> {
  const events: Event<T>[] = [];
  for (const { partition, next } of await readHeads(db.manager, [topic])) {
    for (const { value } of await readJournal(db.manager, topic, partition, 0n, Number(next))) {
      const decoded = decode(topic, value);
      if ('undecodable' in decoded) throw new Error(decoded.undecodable.detail);
      events.push(decoded.event);
    }
  }
  return events;
}

/** A well-formed request for one rose. */
export const rose = (reference: string, more: Partial<GiftRequest> = {}): GiftRequest => ({
  giftTypeId: 'rose',
  quantity: 1,
  senderId: 'viewer-1',
  creatorId: 'creator-7',
  context: { kind: 'live', id: 'live-1' },
  market: '*',
  funding: { kind: 'external', reference },
  ...more,
});
