import type { BundleReport, FileReport, ProofReport } from '@carat/audit/verify-bundle';

type Balances = readonly { readonly creatorId: string; readonly terms: Readonly<Record<string, bigint>> }[];

const amounts = (of: object): string =>
  Object.entries(of)
    .filter(([, amount]) => typeof amount === 'bigint')
    .map(([term, amount]) => `${term} ${amount}`)
    .join(', ');

/** The answer for people. Amounts are in millidiamonds. */
export function textOfReport(report: FileReport, balances: Balances | undefined): string {
  const lines = linesOf(report);
  for (const { creatorId, terms } of balances ?? []) lines.push(`balance    ${creatorId}: ${amounts(terms)}`);
  return lines.join('\n');
}

function linesOf(report: FileReport): string[] {
  switch (report.kind) {
    case 'unread':
      return [headOf(report), `${report.code}: ${report.detail}`];
    case 'bundle':
      return bundleLines(report);
    default:
      return proofLines(report);
  }
}

const headOf = ({ verdict }: FileReport): string => verdict.toUpperCase();

function bundleLines(report: BundleReport): string[] {
  const { log, code, opening, closing, checked, totals } = report;
  const { records, repeats, unreadable, creditsRecomputed, creditsNotRecomputed } = checked;
  const sealed = ({ seal, sealedAt }: typeof opening): string =>
    seal === 0 ? 'the begin' : `seal ${seal}${sealedAt === undefined ? '' : ` of ${sealedAt}`}`;
  return [
    headOf(report),
    `log        ${log}, after ${sealed(opening)} up to ${sealed(closing)}`,
    `code       says it was made by Carat ${code.version}${code.commit === undefined ? '' : ` at ${code.commit}`}`,
    `seals      ${checked.seals}, by ${report.sealKeyIds.join(', ') || 'nobody'}`,
    `records    ${records}; ${repeats} repeats counted once; ${unreadable} of upstream no event`,
    `earlier    ${checked.repeatsOfEarlier} events repeat one of before the period, as the sealed balances say`,
    `rate book  ${checked.rateEvents} events`,
    `credits    ${creditsRecomputed} recomputed from their gifts; ${creditsNotRecomputed} not recomputed`,
    `gifts      ${checked.giftsNotYetCredited} without a credit at the end`,
    `balances   ${totals.creators} creators, in millidiamonds: ${amounts(totals)}`,
    ...report.findings.map(
      ({ pass, code: found, subject, detail, position }) =>
        `differs    ${pass}: ${found}: ${subject}${position === undefined ? '' : ` at ${position.offset}`}: ${detail}`,
    ),
    ...(report.findingsTotal > report.findings.length
      ? [`differs    ${report.findingsTotal - report.findings.length} more`]
      : []),
    ...report.gaps.map(({ code: found, detail }) => `incomplete ${found}: ${detail}`),
  ];
}

function proofLines(report: ProofReport): string[] {
  const { seal, record, creatorId, balance, refuted } = report;
  return [
    headOf(report),
    `seal       ${seal.number} of ${seal.sealedAt}, of the log ${seal.log}, by ${seal.keyId}`,
    ...(record === undefined
      ? [`balance    ${creatorId}, in millidiamonds: ${amounts(balance ?? {})}`]
      : [`record     ${record.topic}/${record.partition} at ${record.offset}: ${JSON.stringify(record.value)}`]),
    ...(refuted === undefined ? [] : [`differs    ${refuted.code}: ${refuted.detail}`]),
  ];
}
