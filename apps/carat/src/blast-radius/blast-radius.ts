import {
  type BlastRadius,
  differenceOf,
  findBlastRadius,
  type KnownBad,
  knownBadOf,
  writtenOf,
} from '@carat/audit/blast-radius';
import type { Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode, print, say } from '../output.js';
import { textOfBlastRadius } from './blast-radius-text.js';
import { operatorKeyIn, type Proposed, payoutUrlOf, propose } from './propose-corrections.js';

interface BlastRadiusOptions extends AuditOptions {
  readonly from: string;
  readonly to: string;
  readonly top?: string;
  readonly propose?: true;
  readonly url?: string;
  readonly key?: string;
}

const TOP_OF_A_TABLE = 50;

/** `carat audit blast-radius`: who has too much or too little by what is known bad, and what puts it right. */
export const addBlastRadius = (audit: Command): Command =>
  audit
    .command('blast-radius')
    .description('find the creators and payouts that differ by what is known bad, and what puts them right')
    .requiredOption('--from <when>', 'bad is what was recorded at this time or later; or a position of one partition')
    .requiredOption('--to <when>', 'and before this time, or position: a bad version is named by when it ran')
    .option('--top <n>', `only the n creators with the largest difference (a table: ${TOP_OF_A_TABLE}; JSON: all)`)
    .option('--propose', 'propose every correction to payout-service, where another person approves it')
    .option('--url <url>', 'of payout-service, for --propose')
    .option('--key <file>', "an operator's key, or a keys.json that has one, for --propose")
    .action((options: BlastRadiusOptions) => blastRadius(options));

async function blastRadius(options: BlastRadiusOptions): Promise<void> {
  const knownBad = pastOf(options);
  const top = topOf(options);
  // Before the log is read: that may take minutes.
  const door = await doorOf(options);
  const progress = progressOf(options, 'records');
  const found = await withLog(options, (log) =>
    findBlastRadius(log, knownBad, { onProgress: progress.update }),
  ).finally(progress.stop);
  const isComplete = found.leftOut.count === 0;
  const proposals = door !== undefined && isComplete ? await propose(found.plan, door) : undefined;
  print(options.json ? JSON.stringify(jsonOf(found, top, proposals)) : textOfBlastRadius(found, top, proposals));
  if (isComplete) {
    process.exitCode = found.creators.length > 0 ? exitCode.differs : exitCode.done;
    return;
  }
  process.exitCode = exitCode.incomplete;
  if (options.quiet === true) return;
  say(`incomplete; records that are in no figure: ${found.leftOut.count}`);
  if (door !== undefined) say('nothing is proposed from what is incomplete');
}

/** A time to come would be another stretch of the log with every question. */
function pastOf({ from, to }: BlastRadiusOptions): KnownBad {
  const written = knownBadOf(from, to);
  if ('mistake' in written) throw new CommandFailure(exitCode.usage, written.mistake);
  const { knownBad } = written;
  if ('toMs' in knownBad && knownBad.toMs > Date.now())
    throw new CommandFailure(exitCode.usage, '--to expects a time that has passed');
  return knownBad;
}

function topOf({ top, json }: BlastRadiusOptions): number {
  if (top === undefined) return json ? Infinity : TOP_OF_A_TABLE;
  if (!/^\d{1,9}$/.test(top)) throw new CommandFailure(exitCode.usage, '--top expects a whole number');
  return Number(top);
}

async function doorOf({ propose: isWanted, url, key }: BlastRadiusOptions) {
  if (isWanted === undefined) return undefined;
  if (url === undefined || key === undefined)
    throw new CommandFailure(exitCode.usage, '--propose needs --url and --key: where payout-service is, and as whom');
  return { url: payoutUrlOf(url), key: await operatorKeyIn(key) };
}

/** Amounts as decimal strings, in millidiamonds; offsets too. The bodies of corrections are as they are sent. */
function jsonOf(found: BlastRadius, top: number, proposals: readonly Proposed[] | undefined): object {
  const { knownBad, positions, creators, redemptions, plan, counts, leftOut } = found;
  const written = {
    complete: leftOut.count === 0,
    unit: 'millidiamond',
    knownBad: writtenOf(knownBad),
    incident: plan.incident,
    planHash: plan.hash,
    positions,
    counts: { ...counts, misbookings: Object.fromEntries(counts.misbookings) },
    creatorsTotal: creators.length,
    creators: creators.slice(0, top).map(({ steps: _, ...of }) => ({ ...of, difference: differenceOf(of) })),
    redemptions,
    corrections: plan.corrections.map((correction, n) => ({ ...correction, proposal: proposals?.[n] })),
    leftOut,
  };
  return JSON.parse(
    JSON.stringify(written, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  ) as object;
}
