import { byDifference, type CashWorth, type Change, differenceOf, type ReplayedWhatIf } from '@carat/audit/what-if';
import Table from 'cli-table3';
import { UNFRAMED } from '../unframed.js';

const signed = (amount: bigint): string => (amount > 0n ? `+${amount}` : String(amount));
const rowOf = (name: string, change: Change): string[] => [
  name,
  String(change.booked),
  String(change.drafted),
  signed(differenceOf(change)),
];

const cashLine = ({ currency, amountMinor, rate }: CashWorth): string =>
  `cash       ${signed(amountMinor)} minor units of ${currency}, at ${rate.numerator}/${rate.denominator} per diamond`;

/** The answer for people: the creators whose figures change most, the totals, and what it rests on. */
export function textOfWhatIf(answer: ReplayedWhatIf, top: number, cash?: CashWorth): string {
  const { draft, byCreator, total, residue, counts, leftOut, positions } = answer;
  const { priced, underDraft, repeated } = counts;
  const rate = `${draft.numerator}/${draft.denominator}`;
  const [from, to] = [draft.fromMs, draft.toMs].map((ms) => new Date(ms).toISOString());
  const table = new Table({
    head: ['creator', 'booked', `at ${rate}`, 'change'],
    colAligns: ['left', 'right', 'right', 'right'],
    ...UNFRAMED,
  });
  const creators = byDifference(answer).slice(0, top);
  table.push(...creators.map(([creatorId, change]) => rowOf(creatorId, change)));
  const hidden = byCreator.size - creators.length;
  if (hidden > 0) table.push([`and ${hidden} more`, '', '', '']);
  table.push(rowOf('TOTAL', total));
  const fractionOf = ({ numerator, denominator }: typeof residue.booked): string => `${numerator}/${denominator}`;
  const lines = [
    `What if ${rate} diamonds per coin (${draft.rounding}) had been in force for market ${draft.market}`,
    `for gifts given from ${from} to ${to}?`,
    'In millidiamonds, all gifts included:',
    '',
    ...table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd()),
    '',
    ...(cash === undefined ? [] : [cashLine(cash)]),
    `residue    ${fractionOf(residue.booked)} booked, ${fractionOf(residue.drafted)} at ${rate}`,
    `priced     ${priced} gifts and reversals, ${underDraft} by the draft; ${repeated} repeats counted once`,
    ...Object.entries(positions).map(([topic, nexts]) => `read up to ${topic} ${(nexts ?? []).join(' ')}`),
  ];
  for (const { position, code, detail } of leftOut.first)
    lines.push(`left out   ${position.topic}/${position.partition} at ${position.offset}: ${code}: ${detail}`);
  if (leftOut.count > leftOut.first.length) lines.push(`left out   ${leftOut.count - leftOut.first.length} more`);
  return lines.join('\n');
}
