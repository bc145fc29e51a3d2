import { deadLetterTopicOf, topicNames } from '@carat/events';
import { freshDatabase } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { type Bed, eventLogContract } from '../event-log.contract.js';
import { ensureJournalTopics } from './heads.store.js';
import { journalMigrations } from './index.js';
import { openJournalLog } from './journal-log.worker.js';
import { readHeads, readJournal } from './read.store.js';

const PARTITIONS = 4;

async function open(): Promise<Bed> {
  const database = await freshDatabase();
  const db = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [...journalMigrations],
    extra: { max: 20 },
  });
  await db.initialize();
  await db.runMigrations();
  await ensureJournalTopics(
    db,
    topicNames.map((topic) => ({ topic, partitions: PARTITIONS })),
  );
  const alarms: Error[] = [];
  const openLog = () =>
    openJournalLog({ db, databaseUrl: database.url, onAlarm: (_group, alarm) => void alarms.push(alarm) });
  const log = await openLog();
  return {
    log,
    db,
    partitions: PARTITIONS,
    alarms,
    another: openLog,
    async transformsDeadLetters(group) {
      const heads = await readHeads(db.manager, [deadLetterTopicOf(group)]);
      return (await Promise.all(heads.map((h) => readJournal(db.manager, h.topic, h.partition, 0n)))).flat();
    },
    async close() {
      await log.close();
      await db.destroy();
      await database.drop();
    },
  };
}

eventLogContract('the journal', open);
