import { openJournalReader } from '@carat/event-log/readers';
import type { TestDatabase } from '@carat/test-bed';
import { openBooks, relayedByNow } from '../src/booked/books.store.js';
import { openJournalRows } from '../src/carried/journal-rows.store.js';
import { inThreads } from '../src/run-verify/run-lanes.worker.js';
import type { AuditReport } from '../src/verify/audit-report.js';
import { type VerifyInput, verify } from '../src/verify/verify.flow.js';

const environment = { home: '', brokers: undefined, databaseUrl: undefined, kafka: { prefix: '' } };

/** What is said of seals, and by whom they have to be signed. */
export type Sealed = Pick<VerifyInput, 'seals' | 'trusted'>;
const unsealed: Sealed = { seals: [], trusted: new Map() };

/** What `verify` says of the journal of a database and its books, in this thread. */
export async function verified(database: TestDatabase, sealed: Sealed = unsealed): Promise<AuditReport> {
  const log = await openJournalReader(database.url);
  const books = await openBooks(database.url, log.id);
  try {
    return await verify({
      log,
      kind: 'journal',
      books,
      openRows: () => openJournalRows(database.url),
      relayed: () => relayedByNow(database.url, log.id),
      ...sealed,
      sealsAtLeast: 0,
      malformed: [],
      areSealsAsked: false,
      run: inThreads(1, {
        source: { kind: 'postgres', url: database.url },
        environment,
        databaseUrl: undefined,
      }).runWith(log),
      key: 'drawn for this test',
      threads: 1,
      onRecords: () => undefined,
    });
  } finally {
    await books.close();
    await log.close();
  }
}
