import type { LogPosition } from '@carat/events';
import {
  type AuditReport,
  type Finding,
  type Pass,
  type PassResult,
  passes,
  type Totals,
} from '../verify/audit-report.js';
import { accountedForIn, byDay, diamondsText, issuedIn, periodsOf, wholeText } from './figures.js';
import { passWords, sentenceOfCode, stateWords } from './report-words.js';

/** Our own words, or what the log and its writers say, which is quoted and never obeyed. */
export type Text = string | { readonly quoted: string };

/** One part of a report, before it is HTML or Markdown. */
export type Block =
  | { readonly kind: 'heading'; readonly level: 2 | 3; readonly text: string }
  | { readonly kind: 'paragraph'; readonly texts: readonly Text[] }
  | { readonly kind: 'chart'; readonly title: string }
  | Table;

export interface Table {
  readonly kind: 'table';
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Text[])[];
  /** Which of the rows are sums of those above. */
  readonly sums?: readonly number[];
}

export interface Column {
  readonly name: string;
  /** Numbers stand to the right. */
  readonly isNumber?: true;
}

/** Who says it, and when: not known to a function of the report. */
export interface ReportOrigin {
  /** RFC 3339. */
  readonly generatedAt: string;
  readonly codeVersion: string;
}

export const REPORT_TITLE = 'Carat audit report';
/** What a picture of the days shows, for those who do not see it. */
const CHART_TITLE = 'Diamonds issued and redeemed, running totals';

/** An RFC 3339 time as people read it: `2026-11-20 19:00:00 UTC`. */
const timeText = (time: string): string => `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/**
 * Text from the log with nothing hidden in it: what has no shape of its own, or turns the direction of reading, is
 * written out as `\u{202e}`, so that neither a terminal nor a reader obeys it.
 */
export const visibleText = (text: string): string =>
  text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`);

/** The same for a cell of a table. A spreadsheet takes what begins so for a formula; an apostrophe makes it text. */
export function cellText(text: string): string {
  const visible = visibleText(text);
  return /^\s*[=+\-@]/.test(visible) ? `'${visible}` : visible;
}

const heading = (text: string, level: 2 | 3 = 2): Block => ({ kind: 'heading', level, text });
const paragraph = (...texts: Text[]): Block => ({ kind: 'paragraph', texts });
const quoted = (text: string): Text => ({ quoted: cellText(text) });
const number = (name: string): Column => ({ name, isNumber: true });
const counted = (count: number, one: string): string => `${wholeText(count)} ${one}${count === 1 ? '' : 's'}`;

/** The whole report in the order in which it is read: the verdict, the money, the checks, and what they rest on. */
export function contentOf(report: AuditReport, origin: ReportOrigin): Block[] {
  return [
    paragraph(`${stateWords[report.verdict].name}: ${verdictOf(report)} ${stateWords[report.verdict].meaning}`),
    ...statement(report.totals),
    ...movement(report),
    ...checks(report),
    ...findings(report),
    ...basis(report, origin),
    heading('What the words mean'),
    {
      kind: 'table',
      caption: 'Words',
      columns: [{ name: 'Word' }, { name: 'Meaning' }],
      rows: [...Object.values(stateWords), ...terms].map(({ name, meaning }) => [name, meaning]),
    },
  ];
}

/** The verdict in a sentence. */
export function verdictOf({ verdict, passes: results, findingsTotal }: AuditReport): string {
  const looked = results.filter(({ state }) => state !== 'absent').length;
  const unfinished = results.filter(({ state }) => state === 'incomplete').length;
  const found =
    findingsTotal === 0 ? 'nothing was found in what could be looked at' : counted(findingsTotal, 'finding');
  if (verdict === 'proven') return `${counted(looked, 'check')} of the whole log, and every one of them holds.`;
  if (verdict === 'incomplete')
    return `${counted(unfinished, 'check')} of ${looked} could not be finished, so nothing is proven; ${found}.`;
  const differing = results.filter(({ state }) => state === 'differs').length;
  const rest = unfinished === 0 ? '' : `, and ${counted(unfinished, 'check')} could not be finished`;
  return `${counted(findingsTotal, 'finding')} in ${counted(differing, 'check')}${rest}.`;
}

const terms = [
  { name: 'Diamond', meaning: 'What a creator earns. Amounts are exact to the thousandth, and never rounded here.' },
  {
    name: 'Issued',
    meaning: 'Earned from gifts, awarded and adjusted, less what was reversed when a gift was taken back.',
  },
  { name: 'Held', meaning: 'Set aside for redemptions that are under way; it cannot be spent meanwhile.' },
  { name: 'Owed by creators', meaning: 'What is to be recovered where more was taken back than a creator had left.' },
  {
    name: 'Position',
    meaning: 'A place in the log: topic, partition and offset. What came later is not in this report.',
  },
];

function statement(of: Totals): Block[] {
  const [issued, accountedFor] = [issuedIn(of), accountedForIn(of)];
  const difference = issued - accountedFor;
  const lines: [string, bigint][] = [
    ['Earned from gifts', of.earnedMillidiamonds],
    ['Awarded', of.awardedMillidiamonds],
    ['Adjusted', of.adjustedMillidiamonds],
    ['Less: reversed', -of.reversedMillidiamonds],
    ['Issued', issued],
    ['Available to creators', of.availableMillidiamonds],
    ['Held for redemptions under way', of.heldMillidiamonds],
    ['Redeemed', of.redeemedMillidiamonds],
    ['Less: owed by creators', -of.recoverableMillidiamonds],
    ['Accounted for', accountedFor],
  ];
  return [
    heading('Statement of diamonds'),
    {
      kind: 'table',
      caption: 'From the events of the whole log',
      columns: [{ name: 'Line' }, number('Diamonds')],
      rows: lines.map(([name, amount]) => [name, diamondsText(amount)]),
      sums: [4, 9],
    },
    paragraph(
      difference === 0n
        ? 'The two sums are equal: every diamond that was issued is accounted for.'
        : `The two sums differ by ${diamondsText(difference)} diamonds: the books do not add up.`,
    ),
  ];
}

function movement({ days, totals }: AuditReport): Block[] {
  const title = heading('Issued against redeemed');
  const last = byDay(days).at(-1);
  if (last === undefined) return [title, paragraph('Nothing was issued or redeemed yet.')];
  const outside = issuedIn(totals) - last.issuedToDate;
  const redeemedOutside = totals.redeemedMillidiamonds - last.redeemedToDate;
  const periods = periodsOf(days);
  return [
    title,
    { kind: 'chart', title: CHART_TITLE },
    {
      kind: 'table',
      caption: 'The figures behind the picture, in diamonds; days are of UTC, by the time of the log',
      columns: [
        { name: periods.length === days.length ? 'Day' : 'Month' },
        ...['Issued', 'Redeemed', 'Issued to date', 'Redeemed to date'].map(number),
      ],
      rows: periods.map(({ name, issued, redeemed, issuedToDate, redeemedToDate }) => [
        name,
        ...[issued, redeemed, issuedToDate, redeemedToDate].map(diamondsText),
      ]),
    },
    ...(outside === 0n && redeemedOutside === 0n
      ? []
      : [
          paragraph(
            `The days do not add up to the statement: ${diamondsText(outside)} diamonds issued and ` +
              `${diamondsText(redeemedOutside)} redeemed are on no day.`,
          ),
        ]),
  ];
}

const checks = ({ passes: results }: AuditReport): Block[] => [
  heading('What was checked'),
  {
    kind: 'table',
    caption: 'One line for each check',
    columns: [{ name: 'Check' }, { name: 'Proven when' }, { name: 'Result' }, number('Looked at'), number('Findings')],
    rows: results.map(({ pass, state, checked, findings: found }) => [
      pass,
      passWords[pass].claim,
      `${stateWords[state].mark} ${stateWords[state].name}`,
      wholeText(checked),
      wholeText(found),
    ]),
  },
  ...results
    .filter((result): result is PassResult & { reason: string } => result.reason !== undefined)
    .map(({ pass, state, reason }) => paragraph(`${pass}: ${stateWords[state].name.toLowerCase()}: `, quoted(reason))),
];

/** `gift.events.v1/3 at 17`. */
export const placeText = ({ topic, partition, offset }: LogPosition): string => `${topic}/${partition} at ${offset}`;

function findings({ findings: listed, findingsTotal, passes: results }: AuditReport): Block[] {
  const title = heading('Findings');
  if (findingsTotal === 0) return [title, paragraph('None.')];
  const missing = findingsTotal - listed.length;
  const byPass = Map.groupBy(listed, ({ pass }) => pass);
  return [
    title,
    ...(missing > 0
      ? [paragraph(`The first ${wholeText(listed.length)} of ${wholeText(findingsTotal)} are listed.`)]
      : []),
    ...passes.flatMap((pass) => {
      const shown = byPass.get(pass) ?? [];
      const found = Math.max(shown.length, results.find((result) => result.pass === pass)?.findings ?? 0);
      return found === 0 ? [] : findingsOf(pass, found, shown);
    }),
  ];
}

const findingsOf = (pass: Pass, found: number, listed: readonly Finding[]): Block[] => [
  heading(`${pass}: ${counted(found, 'finding')}`, 3),
  paragraph(`Not so: “${passWords[pass].claim}” What to do: ${passWords[pass].next}`),
  {
    kind: 'table',
    caption: listed.length < found ? `${wholeText(listed.length)} of ${wholeText(found)}` : 'All of them',
    columns: ['Finding', 'About', 'Where in the log', 'Expected and found'].map((name) => ({ name })),
    rows: listed.map((finding) => [
      quoted(sentenceOfCode(finding)),
      quoted(finding.subject),
      finding.position === undefined ? '–' : quoted(placeText(finding.position)),
      quoted(finding.detail),
    ]),
  },
];

function basis({ log, totals, positions, seals }: AuditReport, { generatedAt, codeVersion }: ReportOrigin): Block[] {
  const keys = seals.keyIds.map((id): Text[] => ['Sealed with the key', quoted(id)]);
  return [
    heading('What this rests on'),
    {
      kind: 'table',
      caption: 'The log, and who read it',
      columns: [{ name: 'What' }, { name: 'Value' }],
      rows: [
        ['Log', quoted(log)],
        ['Report made', timeText(generatedAt)],
        ['Version of Carat', quoted(codeVersion)],
        ['Records read', `${wholeText(totals.records)}, of which ${wholeText(totals.repeats)} repeat an earlier one`],
        ['Gifts', `${wholeText(totals.gifts)}, of ${wholeText(totals.giftCoins)} coins`],
        ['Creators', wholeText(totals.creators)],
        ['Seals', wholeText(seals.count)],
        ...(seals.lastSealedAt === undefined ? [] : [['Last sealed', timeText(seals.lastSealedAt)]]),
        ...keys,
      ],
    },
    {
      kind: 'table',
      caption: 'Verified up to these positions',
      columns: [{ name: 'Topic' }, number('Partition'), number('Offset')],
      rows: positions.map(({ topic, partition, offset }) => [quoted(topic), String(partition), offset]),
    },
  ];
}
