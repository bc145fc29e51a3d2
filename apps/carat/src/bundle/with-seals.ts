import { type SealSource, sealsInFile } from '@carat/audit/bundle';
import type { LogReader } from '@carat/event-log';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode } from '../output.js';

/** What a verb takes that works with a log and its seals. */
export interface SealOptions extends AuditOptions {
  readonly seals: string;
}

/** Works with the log of a source and the seals over it, and says how a verb ends that could not finish. */
export async function withSeals<T>(
  options: SealOptions,
  work: (log: LogReader, seals: SealSource) => Promise<T>,
): Promise<T> {
  const seals = await sealsInFile(options.seals).catch((error: Error) => {
    throw new CommandFailure(exitCode.unreachable, `--seals: ${error.message}`);
  });
  return withLog(options, (log) => work(log, seals));
}
