import type { Item } from '../src/reconcile-payouts/reconcile-item.js';

const ON_ITS_WAY = ['submitted', 'in_transit', 'unknown'];

/**
 * What is wrong with a payout, once more and straight from the rules, one question after the other. It shares nothing
 * with what it is compared with.
 */
export function naiveOutcomes({ ours, lines, missed }: Item, overdueBeforeMs: number): Set<string> {
  const found = new Set<string>();
  const count = (kind: string): number => lines.filter((line) => line.kind === kind).length;
  if (lines.some(({ again }) => again.length > 0)) found.add('duplicate');
  if (ours === undefined) return lines.length > 0 ? found.add('missing_here') : found;
  const { status, paidAtMs, returnedAtMs, currency, amountMinor, feeMinor } = ours;
  const isOverdue = (atMs = Number.POSITIVE_INFINITY): boolean => atMs < overdueBeforeMs;

  if (count('payout') > 1 || count('return') > 1) found.add('duplicate');
  if (lines.some((line) => line.currency !== currency || line.amountMinor !== amountMinor)) found.add('amount_differs');
  if (feeMinor !== undefined && lines.some((line) => line.kind === 'payout' && line.feeMinor !== feeMinor))
    found.add('fee_differs');
  if (lines.some(({ valueDate, day }) => valueDate < day)) found.add('late');
  if (missed.some((kind) => count(kind) > 0)) found.add('late');

  const mayBePaid = [...ON_ITS_WAY, 'paid', 'returned'].includes(status);
  const mayBeReturned = [...ON_ITS_WAY, 'returned'].includes(status);
  const conflict = [...ON_ITS_WAY, 'paid', 'returned', 'failed'].includes(status) ? 'status_conflicts' : 'incident';
  if (count('payout') > 0 && !mayBePaid) found.add(conflict);
  if (count('return') > 0 && !mayBeReturned) found.add(conflict);

  const wasNeverPaid = paidAtMs === undefined;
  if (!wasNeverPaid && count('payout') === 0 && isOverdue(paidAtMs)) found.add('missing_at_provider');
  if (!wasNeverPaid && count('return') === 0 && isOverdue(returnedAtMs)) found.add('missing_at_provider');
  if (wasNeverPaid && status === 'returned' && isOverdue(returnedAtMs) && count('payout') > 0 !== count('return') > 0)
    found.add('missing_at_provider');
  return found;
}

/** What a payout leaves in the clearing account, per currency: paid and not returned, less what the lines took out. */
export function clearingOf({ ours, lines }: Item): Map<string, bigint> {
  const left = new Map<string, bigint>();
  const add = (currency: string, minor: bigint) => left.set(currency, (left.get(currency) ?? 0n) + minor);
  if (ours?.paidAtMs !== undefined) add(ours.currency, ours.returnedAtMs === undefined ? ours.amountMinor : 0n);
  for (const { kind, currency, amountMinor } of lines) add(currency, kind === 'payout' ? -amountMinor : amountMinor);
  return new Map([...left].filter(([, minor]) => minor !== 0n));
}
