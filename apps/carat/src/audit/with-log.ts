import { LOG_SOURCES, LogUnreachable, logSourceOf, openLogSource } from '@carat/audit/log-source';
import { FlowHalted, type OpenReader } from '@carat/event-log';
import { HostFailure } from '@carat/service-host/host-failure';
import { logEnvironment } from '@carat/service-host/log-environment';
import { CommandFailure, exitCode } from '../output.js';

/** What every verb of audit takes. */
export interface AuditOptions {
  readonly source: string;
  readonly json?: true;
  readonly quiet?: true;
}

/** Works with the log of a source, and says how a verb ends that could not finish. */
export const withLog = <T>({ source }: AuditOptions, work: (log: OpenReader) => Promise<T>): Promise<T> =>
  endingOf(async () => {
    const wanted = logSourceOf(source);
    if (wanted === undefined) throw new CommandFailure(exitCode.usage, `--source expects ${LOG_SOURCES}`);
    const log = await openLogSource(wanted, () => logEnvironment(process.env));
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  });

/** Does the work of a verb. One that cannot be done ends in a sentence and the code that says why. */
export async function endingOf<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LogUnreachable) throw new CommandFailure(exitCode.unreachable, error.message);
    if (error instanceof FlowHalted) throw new CommandFailure(exitCode.incomplete, error.message);
    if (error instanceof HostFailure) throw new CommandFailure(exitCode.usage, error.message);
    throw error;
  }
}
