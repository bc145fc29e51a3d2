import type { Offsets } from '@carat/event-log';
import { type LogPosition, type Topic } from '@carat/events';
import { addTerms, balanceOf, nothing, type Terms } from '@carat/payout-service/terms';
import type { LaneResult } from '../lanes/lane-task.js';
import type { CreatorBooks } from '../passes/ledger.js';
import type { Seal } from '../seals/seal.js';
import { type AuditReport, type Day, type Pass, type PassResult, passes, type Totals } from './audit-report.js';
import type { Findings } from './findings.js';

interface ToConclude {
  readonly log: string;
  readonly kind: 'journal' | 'kafka' | 'file';
  readonly hasBooks: boolean;
  readonly areSealsAsked: boolean;
  readonly to: Offsets;
  readonly seals: readonly Seal[];
  readonly lanes: readonly LaneResult[];
  readonly creators: ReadonlyMap<string, CreatorBooks>;
  readonly findings: Findings;
}

const MOST_NAMED = 1_000;
const MS_A_DAY = 86_400_000;

/** What the passes come to, as it is told. */
export function reportOf(of: ToConclude): AuditReport {
  const results = passes.map((pass) => resultOf(pass, of));
  const named = passes.flatMap((pass) => of.findings.of(pass).named);
  return {
    log: of.log,
    positions: positionsOf(of.to),
    verdict: verdictOf(results),
    passes: results,
    findings: named.slice(0, MOST_NAMED),
    findingsTotal: results.reduce((sum, { findings }) => sum + findings, 0),
    totals: totalsOf(of),
    days: daysOf(of.lanes),
    seals: {
      count: of.seals.length,
      ...(of.seals.length === 0 ? {} : { lastSealedAt: of.seals.at(-1)?.content.sealedAt ?? '' }),
      keyIds: [...new Set(of.seals.map(({ keyId }) => keyId))],
    },
  };
}

function verdictOf(results: readonly PassResult[]): AuditReport['verdict'] {
  if (results.some(({ state }) => state === 'differs')) return 'differs';
  return results.some(({ state }) => state === 'incomplete') ? 'incomplete' : 'proven';
}

function resultOf(pass: Pass, of: ToConclude): PassResult {
  const { findings, checked } = of.findings.of(pass);
  const counts = { pass, checked, findings };
  if (findings > 0) return { ...counts, state: 'differs' };
  return { ...counts, ...withoutFindings(pass, of) };
}

const ROWS: readonly Pass[] = ['transfers', 'balances', 'double-entry'];

/** Nothing was found: because all is as it has to be, or because there was nothing to look at, or no way to look. */
function withoutFindings(
  pass: Pass,
  { kind, hasBooks, areSealsAsked, seals }: ToConclude,
): Pick<PassResult, 'state' | 'reason'> {
  if (pass === 'seals' && seals.length === 0)
    return areSealsAsked
      ? { state: 'incomplete', reason: 'there is no seal, and whose it has to be was said' }
      : { state: 'absent', reason: 'nobody has sealed this log' };
  if (pass === 'offsets' && kind === 'file')
    return { state: 'absent', reason: 'a file says nothing of offsets that it lacks' };
  if (pass === 'journal' && kind !== 'kafka')
    return { state: 'absent', reason: kind === 'file' ? 'a file has no journal' : 'the journal is the log' };
  if (!hasBooks && (ROWS.includes(pass) || pass === 'journal'))
    return kind === 'file'
      ? { state: 'absent', reason: 'a file has no ledger beside it' }
      : { state: 'incomplete', reason: 'no database was given: set DATABASE_URL' };
  return { state: 'proven' };
}

const positionsOf = (to: Offsets): LogPosition[] =>
  (Object.entries(to) as [Topic, readonly bigint[]][]).flatMap(([topic, ends]) =>
    ends.map((offset, partition) => ({ topic, partition, offset: String(offset) })),
  );

function totalsOf({ lanes, creators }: ToConclude): Totals {
  let sum = nothing;
  let [available, recoverable] = [0n, 0n];
  for (const { terms } of creators.values()) {
    const balance = balanceOf(terms);
    sum = addTerms(sum, terms);
    available += balance.available;
    recoverable += balance.recoverable;
  }
  const count = (of: (lane: LaneResult) => number): number => lanes.reduce((all, lane) => all + of(lane), 0);
  return {
    records: count(({ records }) => records),
    repeats: count(({ repeats }) => repeats),
    gifts: count(({ gifts }) => gifts),
    creators: creators.size,
    giftCoins: lanes.reduce((all, { giftCoins }) => all + giftCoins, 0n),
    earnedMillidiamonds: sum.earned,
    awardedMillidiamonds: sum.awarded,
    adjustedMillidiamonds: sum.adjusted,
    reversedMillidiamonds: sum.reversed,
    heldMillidiamonds: sum.held,
    redeemedMillidiamonds: sum.redeemed,
    availableMillidiamonds: available,
    recoverableMillidiamonds: recoverable,
  };
}

function daysOf(lanes: readonly LaneResult[]): Day[] {
  const days = new Map<number, Terms>();
  for (const lane of lanes)
    for (const [day, changes] of lane.days) days.set(day, addTerms(days.get(day) ?? nothing, changes));
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, { earned, awarded, adjusted, reversed, redeemed }]) => ({
      date: new Date(day * MS_A_DAY).toISOString().slice(0, 10),
      issuedMillidiamonds: earned + awarded + adjusted - reversed,
      redeemedMillidiamonds: redeemed,
    }));
}
