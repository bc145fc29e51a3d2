import { randomBytes } from 'node:crypto';
import { type Books, LedgerMissing, openBooks, relayedByNow } from '@carat/audit/books';
import { inThreads } from '@carat/audit/lanes';
import { LOG_SOURCES, LogUnreachable, logSourceOf, openLogSource, placeOfLog } from '@carat/audit/log-source';
import { type AuditReport, verify } from '@carat/audit/verify';
import { logEnvironment } from '@carat/service-host';
import type { Command } from 'commander';
import { CommandFailure, exitCode, print } from '../output.js';
import { databaseOf } from './database-of.js';
import { progressOf } from './progress.js';
import { type AuditOptions, endingOf } from './with-log.js';

interface VerifyOptions extends AuditOptions {
  readonly threads: string;
}

/** `carat audit verify`: everything that can be proven of the log and of the rows that were booked from it. */
export const addVerify = (audit: Command): Command =>
  audit
    .command('verify')
    .description('stream the log once and check all that it can prove, and the rows that were booked from it')
    .option('--threads <n>', 'how many threads read and check', '2')
    .action((options: VerifyOptions) => endingOf(() => verifyLog(options)));

async function verifyLog(options: VerifyOptions): Promise<void> {
  const source = logSourceOf(options.source);
  if (source === undefined) throw new CommandFailure(exitCode.usage, `--source expects ${LOG_SOURCES}`);
  if (!/^[1-9]\d?$/.test(options.threads))
    throw new CommandFailure(exitCode.usage, '--threads expects a whole number from 1 to 99');
  const environment = await logEnvironment(process.env);
  const place = placeOfLog(source, environment);
  const log = await openLogSource(place ?? source, async () => environment);
  const progress = progressOf(options, 'records');
  try {
    if (place === undefined) throw new Error('a log that was opened is somewhere');
    const databaseUrl = databaseOf(place, environment);
    const books = databaseUrl === undefined ? undefined : await booksOf(databaseUrl, log.id);
    try {
      const report = await verify({
        log,
        kind: place.kind === 'postgres' ? 'journal' : place.kind,
        books,
        relayed: async () => (databaseUrl === undefined ? new Map() : relayedByNow(databaseUrl, log.id)),
        seals: [],
        trusted: new Map(),
        run: inThreads(Number(options.threads), {
          source: place,
          environment,
          databaseUrl: place.kind === 'kafka' && books !== undefined ? databaseUrl : undefined,
        }),
        key: randomBytes(32).toString('hex'),
        threads: Number(options.threads),
        onRecords: progress.update,
      });
      progress.stop();
      tell(report, options);
    } finally {
      await books?.close();
    }
  } finally {
    progress.stop();
    await log.close();
  }
}

async function booksOf(databaseUrl: string, logId: string): Promise<Books | undefined> {
  try {
    return await openBooks(databaseUrl, logId);
  } catch (error) {
    if (error instanceof LedgerMissing) return undefined;
    throw new LogUnreachable(`the ledger cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function tell(report: AuditReport, options: VerifyOptions): void {
  if (options.json)
    print(JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? String(value) : (value as unknown))));
  else {
    for (const { pass, state, checked, findings } of report.passes)
      print(`${pass.padEnd(14)} ${state.padEnd(11)} ${checked} checked, ${findings} findings`);
    for (const { pass, code, subject, detail } of report.findings.slice(0, 20))
      print(`${pass}: ${code} ${subject}: ${detail}`);
  }
  process.exitCode = { proven: exitCode.done, differs: exitCode.differs, incomplete: exitCode.incomplete }[
    report.verdict
  ];
}
