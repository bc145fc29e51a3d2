import { type FileReport, type RecomputedBalances, type TrustedKeys, verifyFile } from '@carat/audit/verify-bundle';
import type { Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { CommandFailure, exitCode, print } from '../output.js';
import { publicKeysIn } from './key-files.js';
import { textOfReport } from './verify-bundle-text.js';

interface VerifyOptions {
  readonly trustKey: readonly string[];
  readonly trustSigner?: readonly string[];
  readonly balances?: true;
  readonly json?: true;
  readonly quiet?: true;
}

const exitCodes = { proven: exitCode.done, differs: exitCode.differs, incomplete: exitCode.incomplete } as const;
const collect = (path: string, before: readonly string[] = []): readonly string[] => [...before, path];

/** `carat audit verify-bundle`, which is also a program by itself: it needs the file, the keys and nothing else. */
export const addVerifyBundle = (program: Command): Command =>
  program
    .command('verify-bundle')
    .description('recompute a bundle, or check an inclusion proof, with nothing but the file and trusted keys')
    .argument('<file>', 'what audit bundle or audit prove wrote')
    .requiredOption('--trust-key <pem>', 'public keys whose seals are believed; may be given again', collect)
    .option('--trust-signer <pem>', 'public keys that may sign the bundle; without it those of --trust-key', collect)
    .option('--balances', "print every creator's recomputed balance, too")
    .option('--json', 'print JSON')
    .option('--quiet', 'say nothing but the answer')
    .action((file: string, options: VerifyOptions) => verify(file, options));

async function verify(path: string, options: VerifyOptions): Promise<void> {
  const keys = await trustedKeys(options);
  const progress = progressOf(options, 'bytes');
  let balances: RecomputedBalances | undefined;
  const report = await verifyFile(path, keys, progress.update, (recomputed) => {
    balances = recomputed;
  })
    .catch((error: NodeJS.ErrnoException) => {
      if (error.syscall === undefined) throw error;
      throw new CommandFailure(exitCode.unreachable, `the file cannot be read: ${error.message}`);
    })
    .finally(progress.stop);
  const shown = options.balances === true ? [...(balances ?? [])] : undefined;
  print(options.json ? jsonOf(report, shown) : textOfReport(report, shown));
  process.exitCode = exitCodes[report.verdict];
}

async function trustedKeys({ trustKey, trustSigner }: VerifyOptions): Promise<TrustedKeys> {
  const seals = await publicKeysIn('--trust-key', trustKey);
  return { seals, bundles: trustSigner === undefined ? seals : await publicKeysIn('--trust-signer', trustSigner) };
}

/** Amounts as decimal strings, in millidiamonds. */
function jsonOf(report: FileReport, balances: readonly object[] | undefined): string {
  const written = { unit: 'millidiamond', ...report, ...(balances && { balances }) };
  return JSON.stringify(written, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
