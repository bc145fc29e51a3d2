import { Journal1764000000000 } from './migrations/1764000000000-journal.js';
import { ParkedKeys1764000000010 } from './migrations/1764000000010-parked-keys.js';

export { append, appendAll, recordOf } from './append.store.js';
export { ensureJournalTopics, lockHead } from './heads.store.js';
export { type JournalLogOptions, openJournalLog } from './journal-log.worker.js';
export { JournalHole, type JournalRecord, journalEpoch, readHeads, readJournal } from './read.store.js';

/** The schema `journal`, one per database. */
export const journalMigrations = [Journal1764000000000, ParkedKeys1764000000010] as const;
