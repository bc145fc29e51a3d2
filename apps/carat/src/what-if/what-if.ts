import { draftRateOf } from '@carat/audit/draft-rate';
import {
  byDifference,
  type CashWorth,
  cashWorthOf,
  differenceOf,
  type ReplayedWhatIf,
  replayWhatIf,
} from '@carat/audit/what-if';
import { Unhandleable } from '@carat/event-log';
import type { Command } from 'commander';
import { progressOf } from '../audit/progress.js';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode, print, say } from '../output.js';
import { textOfWhatIf } from './what-if-text.js';

interface WhatIfOptions extends AuditOptions {
  readonly rate: string;
  readonly market: string;
  readonly from: string;
  readonly to: string;
  readonly rounding: string;
  readonly top?: string;
  readonly cash?: string;
}

const TOP_OF_A_TABLE = 50;
const CURRENCY = /^[A-Z]{3}$/;

/** `carat audit what-if`: what the books would be, had another rate been in force. */
export const addWhatIf = (audit: Command): Command =>
  audit
    .command('what-if')
    .description('replay the log under a draft rate and print what that would change; writes nothing')
    .requiredOption('--rate <n/d>', 'diamonds per coin, as a fraction: 3/5')
    .requiredOption('--from <time>', 'the draft prices gifts given at this time or later')
    .requiredOption('--to <time>', 'and before this time')
    .option('--market <market>', 'in this market; * is every market that has no rate of its own', '*')
    .option('--rounding <rounding>', 'floor, ceiling or half-even', 'floor')
    .option('--top <n>', `only the n creators with the largest change (a table: ${TOP_OF_A_TABLE}; JSON: all)`)
    .option('--cash <currency>', 'say what the change is worth at the rate to this currency in force now: USD')
    .action((options: WhatIfOptions) => whatIf(options));

async function whatIf(options: WhatIfOptions): Promise<void> {
  const written = draftRateOf(options);
  if ('mistake' in written) throw new CommandFailure(exitCode.usage, written.mistake);
  const top = topOf(options);
  // Before the log is read: that may take minutes.
  if (options.cash !== undefined && !CURRENCY.test(options.cash))
    throw new CommandFailure(exitCode.usage, '--cash expects a currency of ISO 4217, like USD');
  const progress = progressOf(options, 'gift records');
  const answer = await withLog(options, (log) => replayWhatIf(log, written.draft, progress.update)).finally(
    progress.stop,
  );
  const cash = options.cash === undefined ? undefined : cashOf(answer, options.cash);
  print(options.json ? JSON.stringify(jsonOf(answer, top, cash)) : textOfWhatIf(answer, top, cash));
  if (answer.leftOut.count === 0) return;
  process.exitCode = exitCode.incomplete;
  if (options.quiet !== true) say(`incomplete; records that are in no figure: ${answer.leftOut.count}`);
}

function cashOf(answer: ReplayedWhatIf, currency: string): CashWorth {
  try {
    return cashWorthOf(differenceOf(answer.total), answer.rates, currency, Date.now());
  } catch (error) {
    if (error instanceof Unhandleable) throw new CommandFailure(exitCode.notFound, error.message);
    throw error;
  }
}

function topOf({ top, json }: WhatIfOptions): number {
  if (top === undefined) return json ? Infinity : TOP_OF_A_TABLE;
  if (!/^\d{1,9}$/.test(top)) throw new CommandFailure(exitCode.usage, '--top expects a whole number');
  return Number(top);
}

/** Amounts as decimal strings, in millidiamonds; offsets too. */
function jsonOf(answer: ReplayedWhatIf, top: number, cash: CashWorth | undefined): object {
  const { draft, byCreator, total, residue, counts, leftOut, positions } = answer;
  const { fromMs, toMs, ...rate } = draft;
  const creators = byDifference(answer).slice(0, top);
  const written = {
    complete: leftOut.count === 0,
    unit: 'millidiamond',
    draft: { ...rate, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() },
    positions,
    counts,
    total: { ...total, difference: differenceOf(total), residue, ...(cash === undefined ? {} : { cash }) },
    creatorsTotal: byCreator.size,
    creators: creators.map(([creatorId, change]) => ({ creatorId, ...change, difference: differenceOf(change) })),
    leftOut,
  };
  return JSON.parse(JSON.stringify(written, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
}
