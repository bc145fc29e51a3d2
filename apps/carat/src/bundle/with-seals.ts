import { open } from 'node:fs/promises';
import type { SealSource } from '@carat/audit/bundle';
import { logSourceOf, placeOfLog } from '@carat/audit/log-source';
import { type OpenSeals, openSeals, readSealFile, readSeals, type Seal } from '@carat/audit/seals';
import type { LogReader, OpenReader } from '@carat/event-log';
import { logEnvironment } from '@carat/service-host/log-environment';
import { databaseOf } from '../audit/database-of.js';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode } from '../output.js';

/** What a verb takes that works with a log and its seals. */
export interface SealOptions extends AuditOptions {
  /** A file; without it the seals are those in the database. */
  readonly seals?: string;
}

/** Works with the log of a source and the seals over it, and says how a verb ends that could not finish. */
export async function withSeals<T>(
  options: SealOptions,
  work: (log: LogReader, seals: SealSource) => Promise<T>,
): Promise<T> {
  const { seals: path } = options;
  if (path !== undefined) {
    const file = await open(path).catch((error: Error) => {
      throw new CommandFailure(exitCode.unreachable, `--seals: ${error.message}`);
    });
    const stat = await file.stat();
    await file.close();
    if (!stat.isFile()) throw new CommandFailure(exitCode.unreachable, `--seals: ${path} is no file`);
    return withLog(options, (log) => work(log, (from) => readSealFile(path, from)));
  }
  return withLog(options, async (log) => {
    const seals = await sealsOf(options);
    try {
      return await work(log, (from) => sealsOver(log, readSeals(seals, from)));
    } finally {
      await seals.close();
    }
  });
}

/** With Kafka a database has the journal, too, and its seals are not over that. */
async function* sealsOver({ id }: OpenReader, seals: AsyncIterable<Seal>): AsyncGenerator<Seal> {
  for await (const seal of seals) {
    const { number, log } = seal.content;
    if (log !== id)
      throw new CommandFailure(
        exitCode.usage,
        `--source is the log ${id}; seal ${number} in its database is of ${log}`,
      );
    yield seal;
  }
}

async function sealsOf({ source }: SealOptions): Promise<OpenSeals> {
  const wanted = logSourceOf(source);
  const environment = await logEnvironment(process.env);
  const place = wanted && placeOfLog(wanted, environment);
  const databaseUrl = place && databaseOf(place, environment);
  if (databaseUrl === undefined)
    throw new CommandFailure(
      exitCode.usage,
      '--seals expects the file of seals: this log has no database that is known',
    );
  const seals = await openSeals(databaseUrl).catch((error: Error) => {
    throw new CommandFailure(exitCode.unreachable, `the seals cannot be read: ${error.message}`);
  });
  if (seals !== undefined) return seals;
  throw new CommandFailure(
    exitCode.notFound,
    'nothing is sealed yet: in the database of this log no notary has started',
  );
}
