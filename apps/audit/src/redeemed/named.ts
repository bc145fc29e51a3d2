import canonicalize from 'canonicalize';
import { type BookedMoney, type BookedRedemption, inMicroseconds } from '../booked/booked.js';
import { firstDifference } from '../booked/first-difference.js';
import type { Findings } from '../verify/findings.js';
import type { Asked } from './redemptions.js';

/** What a thing is called, and all that is said of it. */
export type Named = readonly [name: string, text: string];

/** The row that a redemption has to have. */
function rowOf(redemption: Asked): BookedRedemption {
  const { asked, askedAt, status } = redemption;
  const { redemptionId, creatorId, payout, millidiamonds, quoteId, decideBefore } = asked;
  return {
    redemptionId,
    creatorId,
    status,
    currency: payout.currency,
    millidiamonds: String(millidiamonds),
    requestedAt: inMicroseconds(askedAt),
    quoteId,
    decideBefore: decideBefore === undefined ? undefined : inMicroseconds(decideBefore),
    state: redemption,
  };
}

/** A redemption's row: what it is called, and all that is in it, as one text. */
export const foundRedemption = (row: BookedRedemption): Named => [row.redemptionId, canonicalize(row) ?? ''];

/** The row that events have to give. */
export const dueRedemption = (redemption: Asked): Named => foundRedemption(rowOf(redemption));

/** What is said of money that moved. */
const moneyOf = (of: BookedMoney): string =>
  `${of.amountMinor} ${of.currency} from ${of.debit} to ${of.credit} for ${of.payoutId}`;

const nameOfMoney = ({ sourceId, code }: BookedMoney): string => `${sourceId} ${code}`;

/** Money that has to be booked, or is: what it is called, and what it is, as one text. */
export const dueMoney = (of: BookedMoney): Named => [nameOfMoney(of), moneyOf(of)];

/** The codes under which rows and events are found to differ. */
export interface Differences {
  readonly pass: 'redemptions' | 'double-entry';
  readonly differs: string;
  readonly withoutEvent: string;
  readonly missing: string;
  /** Whose word a row follows, when it is missing and when there is none. */
  readonly says: string;
  readonly saysNo: string;
  /** What a text says, in few words. */
  brief(text: string): string;
  /** In what a row is not what its events say. */
  difference(found: string, said: string): string;
}

export const redemptionDifferences: Differences = {
  pass: 'redemptions',
  brief: (text) => {
    const { status, millidiamonds, creatorId } = JSON.parse(text) as BookedRedemption;
    return `${status}, ${millidiamonds} millidiamonds of ${creatorId}`;
  },
  difference: (found, said) => firstDifference(JSON.parse(said), JSON.parse(found)) ?? '',
  differs: 'redemption_differs',
  withoutEvent: 'redemption_without_events',
  missing: 'redemption_missing',
  says: 'its events say',
  saysNo: 'no event says so',
};

export const moneyDifferences: Differences = {
  pass: 'double-entry',
  brief: (text) => text,
  difference: (found, said) => `${found}; its event or settlement line says ${said}`,
  differs: 'money_differs',
  withoutEvent: 'money_without_event',
  missing: 'money_not_booked',
  says: 'its event or settlement line says',
  saysNo: 'no event and no settlement line says so',
};

/** Names each row that is not what its events say, and all that they say and no row does. */
export function compareNamed(
  due: ReadonlyMap<string, string>,
  rows: Iterable<Named>,
  { pass, differs, withoutEvent, missing, says, saysNo, brief, difference }: Differences,
  findings: Findings,
): void {
  const left = new Map(due);
  for (const [name, found] of rows) {
    const said = left.get(name);
    left.delete(name);
    if (said === undefined) findings.add(pass, withoutEvent, name, `${brief(found)}: ${saysNo}`);
    else if (said !== found) findings.add(pass, differs, name, difference(found, said));
  }
  for (const [name, said] of left) findings.add(pass, missing, name, `${says} ${brief(said)}, and it has no row`);
}
