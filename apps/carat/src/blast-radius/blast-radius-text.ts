import {
  type BlastRadius,
  type CreatorDifference,
  differenceOf,
  type TouchedRedemption,
  writtenOf,
} from '@carat/audit/blast-radius';
import Table from 'cli-table3';
import { UNFRAMED } from '../unframed.js';
import type { Proposed } from './propose-corrections.js';

const signed = (amount: bigint): string => (amount > 0n ? `+${amount}` : String(amount));

function tableOf(head: readonly string[], rows: readonly (readonly string[])[], texts: number): string[] {
  const colAligns = head.map((_, column) => (column < texts ? ('left' as const) : ('right' as const)));
  const table = new Table({ head: [...head], colAligns, ...UNFRAMED });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

function creatorsIn({ creators }: BlastRadius, top: number): string[] {
  const sum = (figure: (of: CreatorDifference) => bigint) => creators.reduce((total, of) => total + figure(of), 0n);
  const figures = [
    (of: CreatorDifference) => of.due,
    (of: CreatorDifference) => of.booked,
    (of: CreatorDifference) => of.corrected,
  ];
  const rowOf = (of: CreatorDifference): string[] => [
    of.creatorId,
    ...figures.map((figure) => String(figure(of))),
    signed(differenceOf(of)),
    String(of.misbooked),
  ];
  const shown = creators.slice(0, top);
  const hidden = creators.length - shown.length;
  const total = [...figures.map((figure) => String(sum(figure))), signed(sum(differenceOf)), ''];
  return tableOf(
    ['creator', 'due', 'booked', 'corrected', 'to correct', 'misbookings'],
    [...shown.map(rowOf), ...(hidden > 0 ? [[`and ${hidden} more`, '', '', '', '', '']] : []), ['TOTAL', ...total]],
    1,
  );
}

function redemptionsIn(redemptions: readonly TouchedRedemption[]): string[] {
  const rows = redemptions.map(({ redemptionId, creatorId, state, millidiamonds, payout, shortfall }) => [
    redemptionId,
    creatorId,
    state,
    String(millidiamonds),
    `${payout.amountMinor} ${payout.currency}`,
    String(shortfall),
  ]);
  return tableOf(['redemption', 'creator', 'state', 'millidiamonds', 'payout (minor)', 'shortfall'], rows, 3);
}

function correctionsIn({ plan }: BlastRadius, top: number, proposals: readonly Proposed[] | undefined): string[] {
  const rows = plan.corrections
    .slice(0, top)
    .map(({ body }, n) => [
      body.creatorId,
      proposals?.[n]?.adjustmentId ?? '-',
      proposals?.[n]?.state ?? 'not proposed',
      signed(BigInt(body.millidiamonds)),
    ]);
  return tableOf(['correction of', 'adjustment', 'state', 'millidiamonds'], rows, 3);
}

/** The answer for people: who differs and by how much, what was redeemed on it, what puts it right. */
export function textOfBlastRadius(found: BlastRadius, top: number, proposals?: readonly Proposed[]): string {
  const { creators, redemptions, plan, counts, leftOut, positions } = found;
  const { from, to } = writtenOf(found.knownBad);
  const codes = [...counts.misbookings].map(([code, count]) => `${count} ${code}`);
  const lines = [
    `What was booked of gifts with a record from ${from} to ${to},`,
    'beside what should have been. In millidiamonds, over the whole life of those gifts:',
    '',
    ...(creators.length === 0 ? ['nothing differs'] : creatorsIn(found, top)),
    '',
    ...(redemptions.length === 0 ? [] : [...redemptionsIn(redemptions), '']),
    ...(creators.length === 0 ? [] : [...correctionsIn(found, top, proposals), '']),
    `incident    ${plan.incident}`,
    `plan        ${plan.corrections.length} corrections, ${plan.hash}`,
    `misbooked   ${codes.length === 0 ? 'nothing' : codes.join(', ')}`,
    `creators    ${counts.creators} looked at, ${creators.length} differ, ${counts.correctedCreators} put right before`,
    ...Object.entries(positions).map(([topic, nexts]) => `read up to  ${topic} ${(nexts ?? []).join(' ')}`),
  ];
  for (const { position, code, detail } of leftOut.first)
    lines.push(`left out    ${position.topic}/${position.partition} at ${position.offset}: ${code}: ${detail}`);
  if (leftOut.count > leftOut.first.length) lines.push(`left out    ${leftOut.count - leftOut.first.length} more`);
  return lines.join('\n');
}
