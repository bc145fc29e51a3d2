import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import type { OpenReader } from '@carat/event-log';
import pg from 'pg';
import { type Books, LedgerMissing, openBooks, relayedByNow } from '../booked/books.store.js';
import { openJournalRows } from '../carried/journal-rows.store.js';
import {
  type LogEnvironment,
  LogUnreachable,
  openLogSource,
  type PlaceOfLog,
} from '../log-source/log-source.worker.js';
import { keyIdOf, type Seal } from '../seals/seal.js';
import {
  type KnownKey,
  openSeals,
  readNotaryKeys,
  readSealFile,
  readSealRows,
  SealMalformed,
  sealedUpTo,
} from '../seals/seals.store.js';
import type { AuditReport } from '../verify/audit-report.js';
import { verify } from '../verify/verify.flow.js';
import { collectedRows } from './collected.worker.js';
import { inThreads, type RunLanes } from './run-lanes.worker.js';

/** What is to be verified. */
export interface VerifyTask {
  readonly place: PlaceOfLog;
  readonly environment: LogEnvironment;
  /** Where the books are; undefined when there are none to look into. */
  readonly databaseUrl: string | undefined;
  /** A file of seals; without it those of the database are taken. */
  readonly sealFile: string | undefined;
  /** Who may seal, as PEM; without any the keys of the database's own notary, which then vouches for itself. */
  readonly trustedKeys: readonly string[];
  readonly threads: number;
}

/**
 * Opens what a task names, and verifies it in threads.
 * @throws LogUnreachable, FlowHalted
 */
export async function runVerify(task: VerifyTask, onRecords: (done: number, of: number) => void): Promise<AuditReport> {
  const { place, environment, databaseUrl, threads } = task;
  const onKafka = place.kind === 'kafka' ? databaseUrl : undefined;
  const { runWith, end } = inThreads(threads, { source: place, environment, databaseUrl: onKafka });
  try {
    // Meanwhile the log is opened; where it cannot be, that is what is said.
    const sealed = sealsOf(task);
    sealed.catch(() => undefined);
    const log = await openLogSource(place, async () => environment);
    try {
      return await verifyLog({ log, sealed: await sealed, run: runWith(log) }, task, onRecords);
    } finally {
      await log.close();
    }
  } finally {
    await end();
  }
}

interface Opened {
  readonly log: OpenReader;
  readonly sealed: Sealed;
  readonly run: RunLanes;
}

async function verifyLog(
  { log, sealed, run }: Opened,
  task: VerifyTask,
  onRecords: (done: number, of: number) => void,
): Promise<AuditReport> {
  const { place, databaseUrl, threads } = task;
  const books = databaseUrl === undefined ? undefined : await booksOf(databaseUrl, log.id);
  try {
    return await verify({
      ...sealed,
      log,
      kind: place.kind === 'postgres' ? 'journal' : place.kind,
      books,
      openRows: () => openJournalRows(databaseUrl ?? ''),
      relayed: async () => (databaseUrl === undefined ? new Map() : relayedByNow(databaseUrl, log.id)),
      run,
      key: randomBytes(32).toString('hex'),
      threads,
      onRecords,
    });
  } catch (error) {
    if (error instanceof pg.DatabaseError)
      throw new LogUnreachable(`the database cannot be asked: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await books?.close();
  }
}

async function booksOf(databaseUrl: string, logId: string): Promise<Books | undefined> {
  try {
    const books = await openBooks(databaseUrl, logId);
    return { ...books, redemptions: () => collectedRows(books.redemptions()) };
  } catch (error) {
    if (error instanceof LedgerMissing) return undefined;
    throw new LogUnreachable(`the ledger cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

interface Sealed {
  readonly seals: readonly Seal[];
  readonly malformed: readonly SealMalformed[];
  readonly areSealsAsked: boolean;
  readonly sealsAtLeast: number;
  readonly trusted: ReadonlyMap<string, KeyObject>;
}

async function sealsOf({ databaseUrl, sealFile, trustedKeys }: VerifyTask): Promise<Sealed> {
  const trusted = trustedBy(trustedKeys);
  const areSealsAsked = sealFile !== undefined || trustedKeys.length > 0;
  const none = { seals: [], malformed: [], areSealsAsked, sealsAtLeast: 0, trusted };
  if (sealFile !== undefined) return { ...none, seals: await sealsIn(sealFile) };
  const session = databaseUrl === undefined ? undefined : await openSeals(databaseUrl);
  if (session === undefined) return none;
  try {
    const known = trustedKeys.length > 0 ? [] : await readNotaryKeys(session);
    // Before the seals: a notary may seal meanwhile.
    const sealsAtLeast = await sealedUpTo(session);
    const rows = await all(readSealRows(session));
    return {
      seals: rows.filter((row): row is Seal => !(row instanceof SealMalformed)),
      malformed: rows.filter((row) => row instanceof SealMalformed),
      areSealsAsked,
      sealsAtLeast,
      trusted: trustedKeys.length > 0 ? trusted : keysOf(known),
    };
  } finally {
    await session.close();
  }
}

async function sealsIn(path: string): Promise<Seal[]> {
  try {
    return await all(readSealFile(path));
  } catch (error) {
    if (error instanceof SealMalformed) throw error;
    throw new LogUnreachable(`the seals cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

const trustedBy = (pems: readonly string[]): ReadonlyMap<string, KeyObject> =>
  new Map(pems.map((pem) => createPublicKey(pem)).map((key) => [keyIdOf(key), key]));

/** What is no key has signed nothing: a seal that names it is one of nobody. */
function keysOf(known: readonly KnownKey[]): ReadonlyMap<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const { publicKey } of known)
    try {
      const key = createPublicKey(publicKey);
      keys.set(keyIdOf(key), key);
    } catch {
      // Whoever has put it there gets no seal trusted by it.
    }
  return keys;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
