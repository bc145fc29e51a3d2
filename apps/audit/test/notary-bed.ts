import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@carat/event-log';
import { appendAll, ensureJournalTopics, journalMigrations, openJournalLog } from '@carat/event-log/journal';
import { encode, partitionOf, type Topic, topicNames } from '@carat/events';
import { histories } from '@carat/payout-service/test/ledger-events';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { freshDatabase } from '@carat/test-bed';
import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { Seals1764000500000 } from '../src/migrations/1764000500000-seals.js';
import { Notary, type NotaryOptions } from '../src/notary/notary.worker.js';
import { openNotaryKey } from '../src/notary/notary-key.worker.js';
import type { Seal } from '../src/seals/seal.js';
import { readSeals } from '../src/seals/seals.store.js';
import { sent } from './gift-log.js';

export const PARTITIONS = 3;

/** A database of one spec's own with the journal and the schema audit, and a folder for keys and files. */
export interface NotaryBed {
  readonly db: DataSource;
  readonly url: string;
  readonly home: string;
  /** What stopped by itself, and why. */
  readonly alarms: string[];
  /** What went wrong and was tried again. */
  readonly troubles: string[];
  openLog(): Promise<EventLog>;
  /** A notary at work on a log, in this process. */
  start(log: EventLog, changed?: Partial<NotaryOptions>): Promise<Notary>;
  seals(): Promise<Seal[]>;
  /** The lines of the one file of seals. */
  lines(log: string): Promise<string[]>;
  close(): Promise<void>;
}

export async function openNotaryBed(): Promise<NotaryBed> {
  const database = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'carat-notary-'));
  const migrations = [...journalMigrations, Seals1764000500000];
  const db = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations,
    migrationsTableName: 'carat_migration',
  });
  await db.initialize();
  await db.runMigrations();
  const sizes = topicNames.map((topic) => ({ topic, partitions: topic === 'rate.events.v1' ? 1 : PARTITIONS }));
  await ensureJournalTopics(db, sizes);
  const alarms: string[] = [];
  const troubles: string[] = [];
  const logs: EventLog[] = [];
  const notaries: Notary[] = [];
  return {
    db,
    url: database.url,
    home,
    alarms,
    troubles,
    async openLog() {
      const onAlarm = (group: string, { message }: Error): void => void alarms.push(`${group}: ${message}`);
      const onTrouble = (_group: string, error: unknown): void => void troubles.push(String(error));
      const log = await openJournalLog({ db, databaseUrl: database.url, onAlarm, onTrouble });
      logs.push(log);
      return log;
    },
    async start(log, changed = {}) {
      const key = await openNotaryKey(join(home, 'notary-key.pem'));
      const sealFiles = join(home, 'seals');
      const notary = new Notary({ db, log, key, sealFiles, everyRecords: 100, everyMs: 100, ...changed });
      notaries.push(notary);
      notary.onApplicationBootstrap();
      return notary;
    },
    async seals() {
      const seals: Seal[] = [];
      for await (const seal of readSeals(db.manager)) seals.push(seal);
      return seals;
    },
    lines: async (log) => (await readFile(join(home, 'seals', `${log}.jsonl`), 'utf8')).split('\n').slice(0, -1),
    async close() {
      await Promise.all(notaries.map((notary) => notary.onApplicationShutdown()));
      await Promise.all(logs.map((log) => log.close()));
      await db.destroy();
      await database.drop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A record and where it goes. */
export interface Placed {
  readonly topic: Topic;
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

const topicOf = ({ type }: LedgerEvent): Topic => {
  if (type === 'carat.diamonds.awarded.v1' || type === 'carat.award.revoked.v1') return 'award.events.v1';
  return type.startsWith('carat.diamonds.') ? 'diamond.events.v1' : 'redemption.events.v1';
};
const placed = (topic: Topic, key: string, value: Buffer): Placed => ({
  topic,
  partition: partitionOf(Buffer.from(key), PARTITIONS),
  key: Buffer.from(key),
  value,
});
export const placedEvent = (event: LedgerEvent): Placed => placed(topicOf(event), event.data.creatorId, encode(event));

// One identity has one content, as the log has it, over all histories that a spec writes.
const firsts = new Map<string, LedgerEvent>();

/** Any history of the books, with gifts between, and now and then a record that nobody can read. */
export function recordsOf(count: number, seed: number): Placed[] {
  const drawn = fc.sample(histories(), { seed, numRuns: count }).flat().slice(0, count);
  for (const event of drawn) if (!firsts.has(event.id)) firsts.set(event.id, event);
  const events = drawn.map((event) => firsts.get(event.id) ?? event);
  return events.flatMap((event, n) => [
    placedEvent(event),
    placed('gift.events.v1', event.data.creatorId, encode(sent({ id: `gift-${seed}-${n}`, creatorId: 'creator-1' }))),
    ...(n % 50 === 7 ? [placed('diamond.events.v1', event.data.creatorId, Buffer.from('{'))] : []),
  ]);
}

/** Writes records to the journal, some at a time. */
export async function appendTo(db: DataSource, records: readonly Placed[]): Promise<void> {
  for (let at = 0; at < records.length; at += 40)
    await db.transaction((tx) =>
      appendAll(
        tx,
        [...Map.groupBy(records.slice(at, at + 40), ({ topic }) => topic)].map(([topic, of]) => ({
          topic,
          records: of,
        })),
      ),
    );
}
