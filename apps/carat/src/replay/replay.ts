import { logSourceOf } from '@carat/audit/log-source';
import {
  dropShadow,
  NoSnapshot,
  openShadowSession,
  type ProjectionName,
  projections,
  type Replayed,
  type ReplayWish,
  replay,
  SessionRefused,
  type ShadowSession,
  shadowOf,
} from '@carat/audit/replay';
import { HostFailure } from '@carat/service-host/host-failure';
import { type LogEnvironment, logEnvironment } from '@carat/service-host/log-environment';
import { Argument, type Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode, print } from '../output.js';
import type { SwapOptions } from './replay-swap.js';
import { textOfReplay } from './replay-text.js';

interface ReplayOptions extends AuditOptions, SwapOptions {
  readonly from: string;
  readonly rate?: string;
  readonly drop?: true;
  readonly dryRun?: true;
  readonly swap?: true;
}

/** `carat audit replay`: a projection built again from the log beside the one in use, and compared with it. */
export const addReplay = (audit: Command): Command =>
  audit
    .command('replay')
    .description('build a projection again from the log, in a schema of its own, and compare it with the one in use')
    .addArgument(new Argument('<projection>', 'what to build').choices([...projections]))
    .option('--from <where>', 'zero, or snapshot: go on from the shadow that an earlier run has left', 'zero')
    .option('--rate <records/s>', 'read no more than so many records a second')
    .option('--dry-run', 'announce what a swap would change, and a hash of it; this is what happens unasked')
    .option('--swap', 'ask payout-service to put the rows of the shadow in place of those that differ')
    .option('--plan <hash>', 'with --swap: the hash that the dry run announced')
    .option('--reason <text>', 'with --swap: why, in your own words; it is kept')
    .option('--service <url>', 'with --swap: where payout-service is', process.env['PAYOUT_SERVICE_URL'] ?? LOCAL)
    .option('--key-file <path>', "with --swap: a file with an operator's key (default: keys.json of CARAT_HOME)")
    .option('--drop', 'remove the shadow')
    .action((name: ProjectionName, options: ReplayOptions) => act(name, options));

const LOCAL = 'http://127.0.0.1:8080';

async function act(name: ProjectionName, options: ReplayOptions): Promise<void> {
  const wish = wishOf(name, options);
  checkOptions(options);
  const environment = await environmentOf();
  if (options.swap === true) {
    // What can ask a service over HTTP is loaded here and nowhere on the way of a replay.
    const { swap } = await import('./replay-swap.js');
    await swap(name, options, environment.home);
    return;
  }
  if (options.drop === true) {
    const dropped = await withSession(options, environment, (session) => dropShadow(session, name));
    if (!dropped) throw new CommandFailure(exitCode.notFound, `there is no ${shadowOf(name)}`);
    if (options.json) print(JSON.stringify({ dropped: shadowOf(name) }));
    else print(`${shadowOf(name)} is gone`);
    return;
  }
  await dryRun(wish, options, environment);
}

/** Whoever asks for two things, or for what is of another, has not seen what would happen. */
function checkOptions({ swap, drop, dryRun: isDry, plan, reason }: ReplayOptions): void {
  const asked = Object.entries({ '--swap': swap, '--drop': drop, '--dry-run': isDry }).filter(([, is]) => is === true);
  if (asked.length > 1)
    throw new CommandFailure(exitCode.usage, `${asked.map(([name]) => name).join(' and ')} exclude each other`);
  const [idle] = Object.entries({ '--plan': plan, '--reason': reason }).filter(([, given]) => given !== undefined);
  if (swap !== true && idle !== undefined)
    throw new CommandFailure(exitCode.usage, `${idle[0]} is of --swap, which is not asked for`);
}

async function dryRun(wish: Omit<ReplayWish, 'log'>, options: ReplayOptions, environment: LogEnvironment) {
  const source = logSourceOf(options.source);
  if (source?.kind === 'file')
    throw new CommandFailure(exitCode.usage, '--source of a replay is a log that the ledger has read, not a file');
  const isKafka = source?.kind === 'kafka' || (source?.kind === 'environment' && environment.brokers !== undefined);
  const progress = progressOf(options, 'records');
  const log = isKafka ? ('kafka' as const) : ('journal' as const);
  const replayed = await withLog(options, (reader) =>
    withSession(options, environment, (session) =>
      replay(reader, session, { ...wish, log, onProgress: progress.update }),
    ),
  ).finally(progress.stop);
  print(options.json ? JSON.stringify(jsonOf(replayed)) : textOfReplay(replayed));
  if (!replayed.equal) process.exitCode = exitCode.differs;
  // Without what it could not read it has proven nothing, whatever the rest says.
  else if (replayed.leftOut.count > 0) process.exitCode = exitCode.incomplete;
}

function wishOf(name: ProjectionName, { from, rate }: ReplayOptions): Omit<ReplayWish, 'log'> {
  if (from !== 'zero' && from !== 'snapshot')
    throw new CommandFailure(exitCode.usage, '--from expects zero or snapshot');
  if (rate === undefined) return { name, from };
  if (!/^[1-9]\d{0,8}$/.test(rate)) throw new CommandFailure(exitCode.usage, '--rate expects a whole number from 1');
  return { name, from, recordsPerSecond: Number(rate) };
}

async function environmentOf(): Promise<LogEnvironment> {
  try {
    return await logEnvironment(process.env);
  } catch (error) {
    if (error instanceof HostFailure) throw new CommandFailure(exitCode.usage, error.message);
    throw error;
  }
}

async function withSession<T>(
  { source }: AuditOptions,
  { databaseUrl, home }: LogEnvironment,
  work: (session: ShadowSession) => Promise<T>,
): Promise<T> {
  const wanted = logSourceOf(source);
  const url = wanted?.kind === 'postgres' ? wanted.url : databaseUrl;
  if (url === undefined)
    throw new CommandFailure(exitCode.unreachable, `nothing runs on ${home}: start Carat first, or set DATABASE_URL`);
  const session = await openShadowSession(url).catch((error: Error) => {
    if (error instanceof SessionRefused) throw new CommandFailure(exitCode.unreachable, error.message);
    throw new CommandFailure(exitCode.unreachable, `Postgres at ${hostOf(url)} cannot be used: ${error.message}`);
  });
  try {
    return await work(session);
  } catch (error) {
    if (error instanceof NoSnapshot) throw new CommandFailure(exitCode.notFound, error.message);
    throw error;
  } finally {
    await session.close();
  }
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'a malformed URL');

/** Amounts and offsets as decimal strings. */
const jsonOf = ({ name, ...replayed }: Replayed): object =>
  JSON.parse(
    JSON.stringify({ projection: name, shadowSchema: shadowOf(name), ...replayed }, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
  );
