import { access, constants } from 'node:fs/promises';
import type { AuditReport } from '@carat/audit/audit-report';
import { LOG_SOURCES, logSourceOf, reachedPlaceOfLog } from '@carat/audit/log-source';
import { jsonOfReport, textOfReport } from '@carat/audit/printed-report';
import { runVerify, type VerifyTask } from '@carat/audit/run-verify';
import { logEnvironment } from '@carat/service-host/log-environment';
import type { Command } from 'commander';
import { databaseOf } from '../audit/database-of.js';
import { progressOf } from '../audit/progress.js';
import { type AuditOptions, endingOf } from '../audit/with-log.js';
import { publicKeysIn } from '../bundle/key-files.js';
import { codeVersion } from '../code-version.js';
import { CommandFailure, exitCode, print } from '../output.js';
import { expectWritable, reportOption, writeReports } from './reports.js';

interface VerifyOptions extends AuditOptions {
  readonly threads: string;
  readonly seals?: string;
  readonly trustKey?: readonly string[];
  readonly report?: readonly string[];
}

const codeOf: Readonly<Record<AuditReport['verdict'], number>> = {
  proven: exitCode.done,
  differs: exitCode.differs,
  incomplete: exitCode.incomplete,
};

/** `carat audit verify`: everything that can be proven of the log and of the rows that were booked from it. */
export const addVerify = (audit: Command): Command =>
  audit
    .command('verify')
    .description('stream the log once and check all that it can prove, and the rows that were booked from it')
    .option('--threads <n>', 'how many threads read and check', '2')
    .option('--seals <file>', 'the file of seals; without it those in the database')
    .option(
      '--trust-key <pem...>',
      'public keys of those who may seal; without them the keys of the database are believed',
    )
    .addOption(reportOption())
    .action((options: VerifyOptions) => endingOf(() => verifyLog(options)));

async function verifyLog(options: VerifyOptions): Promise<void> {
  const { report: files = [] } = options;
  await expectWritable(files);
  const task = await taskOf(options);
  const progress = progressOf(options, 'records');
  const report = await runVerify(task, progress.update).finally(progress.stop);
  await writeReports(report, files, {
    generatedAt: new Date().toISOString(),
    codeVersion: textOf(await codeVersion()),
  });
  print(options.json ? jsonOfReport(report) : textOfReport(report));
  process.exitCode = codeOf[report.verdict];
}

const textOf = ({ version, commit }: Awaited<ReturnType<typeof codeVersion>>): string =>
  commit === undefined ? version : `${version} (${commit.slice(0, 12)})`;

/** @throws CommandFailure for options that name nothing; LogUnreachable where nothing runs */
async function taskOf({ source, threads, seals, trustKey = [] }: VerifyOptions): Promise<VerifyTask> {
  const wanted = logSourceOf(source);
  if (wanted === undefined) throw new CommandFailure(exitCode.usage, `--source expects ${LOG_SOURCES}`);
  if (!/^[1-9]\d?$/.test(threads))
    throw new CommandFailure(exitCode.usage, '--threads expects a whole number from 1 to 99');
  if (seals !== undefined) {
    if (trustKey.length === 0) throw new CommandFailure(exitCode.usage, '--seals needs --trust-key: who may seal');
    await access(seals, constants.R_OK).catch((error: Error) => {
      throw new CommandFailure(exitCode.unreachable, `--seals: ${error.message}`);
    });
  }
  const keys = await publicKeysIn('--trust-key', trustKey);
  const environment = await logEnvironment(process.env);
  const place = reachedPlaceOfLog(wanted, environment);
  return {
    place,
    environment,
    databaseUrl: databaseOf(place, environment),
    sealFile: seals,
    trustedKeys: keys.map((key) => key.export({ type: 'spki', format: 'pem' }).toString()),
    threads: Number(threads),
  };
}
