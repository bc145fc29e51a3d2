import {
  balanceAsOf,
  type KeptLog,
  liabilityAsOf,
  type Moment,
  momentIn,
  openSealedBalances,
  PositionIncomplete,
  type Reading,
  ratesAsOf,
} from '@carat/audit/as-of';
import { logSourceOf } from '@carat/audit/log-source';
import { Id, textOfReaches } from '@carat/events';
import { logEnvironment } from '@carat/service-host/log-environment';
import type { Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode, print, say } from '../output.js';
import { textOfBalance, textOfLiability, textOfRates } from './as-of-text.js';

interface AsOfOptions extends AuditOptions {
  readonly at: string;
  readonly creator?: string;
  readonly rates?: true;
  readonly liability?: true;
  readonly fromZero?: true;
}

const AT_EXPECTED =
  '--at expects a time like 2026-11-20T19:00:00Z, a date, or a position like ' +
  'diamond.events.v1/3:1500,award.events.v1/3:0,redemption.events.v1/3:12';

/** `carat audit as-of`: what the books said at a moment. */
export const addAsOf = (audit: Command): Command =>
  audit
    .command('as-of')
    .description('a balance, the rate book or the total liability as of a log time or a position')
    .requiredOption('--at <time|position>', 'everything recorded before this time, or before these offsets')
    .option('--creator <id>', 'the balance of this creator')
    .option('--rates', 'the rate book: every rate that was approved, by whom, and from when to when')
    .option('--liability', 'what is owed to all creators together')
    .option('--from-zero', 'begin with the first record, and from no sealed balance')
    .action((options: AsOfOptions) => asOf(options));

async function asOf(options: AsOfOptions): Promise<void> {
  const answer = questionOf(options);
  const moment = momentIn(options.at);
  if (moment === undefined) throw new CommandFailure(exitCode.usage, AT_EXPECTED);
  const progress = progressOf(options, 'records');
  const read = await withKeptLog(options, progress.update, (log) => answer(log, moment)).finally(progress.stop);
  print(options.json ? JSON.stringify(jsonOf(options.at, read), decimal) : read.text);
  if (read.reading.leftOut.count === 0) return;
  process.exitCode = exitCode.incomplete;
  if (options.quiet !== true) say(`incomplete; records that are in no figure: ${read.reading.leftOut.count}`);
}

/** An answer: its figures as they are, as text, and what it rests on. */
interface Answer {
  readonly figures: object;
  readonly text: string;
  readonly reading: Reading;
}

type Question = (log: KeptLog, moment: Moment) => Promise<Answer>;

/** Of three questions the one that was asked. */
function questionOf({ at, creator, rates, liability }: AsOfOptions): Question {
  if ([creator, rates, liability].filter((asked) => asked !== undefined).length !== 1)
    throw new CommandFailure(exitCode.usage, 'as-of expects one of --creator <id>, --rates and --liability');
  if (creator !== undefined && !Id.safeParse(creator).success)
    throw new CommandFailure(exitCode.usage, '--creator expects 1 to 128 printable ASCII characters');
  return async (log, moment) => {
    if (creator !== undefined) {
      const { figures, reading } = split(await balanceAsOf(log, creator, moment));
      return {
        figures: { creatorId: creator, unit: 'millidiamond', ...figures },
        reading,
        text: textOfBalance(creator, at, figures, reading),
      };
    }
    if (rates !== undefined) {
      const { figures, reading } = split(await ratesAsOf(log, moment));
      return { figures, reading, text: textOfRates(at, figures.lines, reading) };
    }
    const { figures, reading } = split(await liabilityAsOf(log, moment));
    return { figures: { unit: 'millidiamond', ...figures }, reading, text: textOfLiability(at, figures, reading) };
  };
}

function split<T extends Reading>({ reaches, seal, counts, leftOut, ...figures }: T) {
  const reading: Reading = { reaches, counts, leftOut, ...(seal === undefined ? {} : { seal }) };
  return { figures, reading };
}

const jsonOf = (at: string, { figures, reading: { reaches, leftOut, ...rest } }: Answer): object => ({
  complete: leftOut.count === 0,
  at,
  ...figures,
  position: textOfReaches(reaches),
  ...rest,
  leftOut,
});

const decimal = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** The log, with the balances that were sealed beside it where it is a journal: Kafka may repeat across a seal. */
async function withKeptLog<T>(
  options: AsOfOptions,
  onProgress: (read: number, of: number) => void,
  work: (log: KeptLog) => Promise<T>,
): Promise<T> {
  return withLog(options, async (reader) => {
    const { databaseUrl, hasAllPartitions } = await placeOf(options);
    const isFromZero = databaseUrl === undefined || options.fromZero === true || options.rates === true;
    const snapshots = isFromZero ? undefined : await openSealedBalances(databaseUrl);
    try {
      return await work({ reader, hasAllPartitions, snapshots, nowMs: Date.now(), onProgress });
    } catch (error) {
      if (error instanceof PositionIncomplete) throw new CommandFailure(exitCode.usage, error.message);
      throw error;
    } finally {
      await snapshots?.close();
    }
  });
}

/** Where the log of a source is kept: on Kafka, in a database, or in a file. */
async function placeOf({ source }: AsOfOptions) {
  const wanted = logSourceOf(source);
  const { brokers, databaseUrl } =
    wanted?.kind === 'environment'
      ? await logEnvironment(process.env)
      : { brokers: undefined, databaseUrl: wanted?.kind === 'postgres' ? wanted.url : undefined };
  const isOnKafka = wanted?.kind === 'kafka' || brokers !== undefined;
  return { databaseUrl: isOnKafka ? undefined : databaseUrl, hasAllPartitions: wanted?.kind !== 'file' };
}
