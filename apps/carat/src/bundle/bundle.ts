import { bundleLines, type Mark, markOf, NoSuchPeriod, type Period, periodOf, writeBundle } from '@carat/audit/bundle';
import type { Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { codeVersion } from '../code-version.js';
import { CommandFailure, exitCode, print } from '../output.js';
import { privateKeyIn } from './key-files.js';
import { type SealOptions, withSeals } from './with-seals.js';

interface BundleOptions extends SealOptions {
  readonly out: string;
  readonly key: string;
  readonly from?: string;
  readonly to?: string;
}

/** `carat audit bundle`: evidence of a period in one signed file. */
export const addBundle = (audit: Command): Command =>
  audit
    .command('bundle')
    .description('write records, seals, rate book and balances of a period into one signed file')
    .requiredOption('--out <file>', 'the file to write')
    .requiredOption('--key <pem>', 'the private Ed25519 key that signs it')
    .option('--seals <file>', 'the seals of the log, one a line; without it those in the database')
    .option('--from <seal or time>', 'after this seal, or the last one up to this time; without it from the begin on')
    .option('--to <seal or time>', 'up to this seal, or the first one at this time or later; without it the last seal')
    .action((options: BundleOptions) => bundle(options));

async function bundle(options: BundleOptions): Promise<void> {
  const [from, to] = [markIn('--from', options.from), markIn('--to', options.to)];
  const key = await privateKeyIn('--key', options.key);
  const code = await codeVersion();
  const progress = progressOf(options, 'records');
  const { opening, closing } = await withSeals(options, async (log, seals) => {
    const period = await periodOf(seals, from, to).catch(noSuchPeriod);
    const lines = bundleLines(log, seals, period, code, progress.update);
    await writeBundle(options.out, lines, key).catch((error: NodeJS.ErrnoException) => {
      if (error.path?.startsWith(options.out) !== true) throw error;
      throw new CommandFailure(exitCode.usage, `--out cannot be written: ${error.message}`);
    });
    return period;
  }).finally(progress.stop);
  const [after, upTo] = [opening?.content.number ?? 0, closing.content.number];
  const written = { out: options.out, log: closing.content.log, opening: after, closing: upTo };
  print(options.json ? JSON.stringify(written) : `${options.out} holds the log after seal ${after} up to seal ${upTo}`);
}

function markIn(option: string, text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined;
  const mark = markOf(text);
  if (mark !== undefined) return mark;
  throw new CommandFailure(exitCode.usage, `${option} expects the number of a seal, or a time of RFC 3339`);
}

function noSuchPeriod(error: unknown): Promise<Period> {
  if (!(error instanceof NoSuchPeriod)) throw error;
  throw new CommandFailure(error.isMistake ? exitCode.usage : exitCode.notFound, error.message);
}
