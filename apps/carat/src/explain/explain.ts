import { askedIdOf, EXPLAINED_IDS, explainFromLog } from '@carat/audit/explain';
import type { Command } from 'commander';
import { type AuditOptions, withLog } from '../audit/with-log.js';
import { CommandFailure, exitCode, print } from '../output.js';
import { textOfExplanation } from './explain-text.js';

interface ExplainOptions extends AuditOptions {
  readonly creator?: string;
}

/** `carat audit explain`: how one gift, credit, redemption or payout came about, from the log alone. */
export const addExplain = (audit: Command): Command =>
  audit
    .command('explain')
    .description('say how a gift, credit, reversal, redemption, payout, adjustment or award came about')
    .argument('<id>', `${EXPLAINED_IDS}; a payout has the id of its redemption`)
    .option('--creator <creatorId>', 'whose it is: the partitions of others are then not looked through')
    .action((id: string, options: ExplainOptions) => explain(id, options));

async function explain(id: string, options: ExplainOptions): Promise<void> {
  const asked = askedIdOf(id);
  if (asked === undefined) throw new CommandFailure(exitCode.usage, `<id> expects ${EXPLAINED_IDS}`);
  if (options.creator?.trim() === '') throw new CommandFailure(exitCode.usage, '--creator expects the id of a creator');
  const explanation = await withLog(options, (log) => explainFromLog(log, asked, options.creator));
  if (explanation === undefined) {
    const where = options.creator === undefined ? 'the log' : `the partition of ${JSON.stringify(options.creator)}`;
    throw new CommandFailure(exitCode.notFound, `${where} has nothing to explain under ${asked.id}`);
  }
  print(options.json ? JSON.stringify(explanation) : textOfExplanation(explanation));
  const recomputed = explanation.steps.map(({ arithmetic }) => arithmetic?.recomputed);
  if (recomputed.includes('differs')) process.exitCode = exitCode.differs;
  // By no rate nothing was worked out, so nothing is shown of the amount.
  else if (recomputed.includes('no_rate')) process.exitCode = exitCode.incomplete;
}
