import { balanceOf, nothing, terms } from '@carat/payout-service/terms';
import type { CreatorBooks } from '../passes/ledger.js';
import type { RedemptionState } from '../passes/redemptions.js';
import type { Findings } from '../verify/findings.js';
import type { BookedBalance, BookedEntry, BookedMoney, BookedRedemption } from './booked.js';
import { type BookedTransfer, creatorIn, Fingerprint, TransferHash } from './fingerprint.js';

const ACCOUNT = /^(issuance|adjustments|creator|held|redeemed|awards:[\x20-\x7e]{1,128})$/;

const none: CreatorBooks = { terms: nothing, fingerprint: new Fingerprint().value };

/** What the log gives each creator. */
type GivenByLog = ReadonlyMap<string, CreatorBooks>;

/** Holds the rows of the ledger against what the log gives. */
export class BooksPass {
  private readonly fingerprints = new Map<string, Fingerprint>();
  private readonly rowed = new Set<string>();
  private readonly hash: TransferHash;

  constructor(
    private readonly findings: Findings,
    key: string,
  ) {
    this.hash = new TransferHash(key);
  }

  /** @param rows what `rowsCopied` gives of `FINGERPRINTED` */
  transfers(rows: readonly Buffer[]): void {
    this.findings.checked('transfers', rows.length);
    for (const row of rows) {
      const creatorId = creatorIn(row);
      const fingerprint = this.fingerprints.get(creatorId) ?? new Fingerprint();
      this.fingerprints.set(creatorId, fingerprint);
      fingerprint.add(this.hash.ofRow(row));
    }
  }

  entries(rows: readonly BookedEntry[]): void {
    const accounts = new Map<string, bigint>();
    for (const { debit, credit, millidiamonds, count } of rows) {
      this.findings.checked('double-entry', count);
      if (!ACCOUNT.test(debit) || !ACCOUNT.test(credit) || debit === credit || millidiamonds < 0n)
        this.findings.add(
          'double-entry',
          'entry_malformed',
          `${debit} to ${credit}`,
          `${count} transfers are between these`,
        );
      accounts.set(debit, (accounts.get(debit) ?? 0n) - millidiamonds);
      accounts.set(credit, (accounts.get(credit) ?? 0n) + millidiamonds);
    }
    const sum = [...accounts.values()].reduce((all, one) => all + one, 0n);
    if (sum !== 0n) this.findings.add('double-entry', 'ledger_unbalanced', 'all accounts', `they come to ${sum}`);
  }

  /** Creators whose transfers are not those that the log gives. */
  differing(creators: GivenByLog): string[] {
    const all = new Set([...creators.keys(), ...this.fingerprints.keys()]);
    return [...all].filter(
      (creatorId) =>
        (creators.get(creatorId) ?? none).fingerprint !== (this.fingerprints.get(creatorId)?.value ?? none.fingerprint),
    );
  }

  balances(rows: readonly BookedBalance[], creators: GivenByLog): void {
    this.findings.checked('balances', rows.length);
    this.findings.checked('conservation', rows.length);
    for (const { creatorId, terms: found, available, recoverable } of rows) {
      this.rowed.add(creatorId);
      const due = (creators.get(creatorId) ?? none).terms;
      const differing = terms.filter((term) => found[term] !== due[term]);
      if (differing.length > 0)
        this.findings.add(
          'balances',
          'balance_differs',
          creatorId,
          differing.map((term) => `${term} is ${found[term]}, the log gives ${due[term]}`).join('; '),
        );
      const net = balanceOf(found);
      if (net.available !== available || net.recoverable !== recoverable)
        this.findings.add(
          'conservation',
          'balance_does_not_add_up',
          creatorId,
          `available ${available} and recoverable ${recoverable}, by its terms ${net.available} and ${net.recoverable}`,
        );
    }
  }

  /** Every row was seen: what the log gives and no row has is missing. */
  end(creators: GivenByLog): void {
    for (const [creatorId, { terms: due }] of creators)
      if (!this.rowed.has(creatorId) && terms.some((term) => due[term] !== 0n))
        this.findings.add('balances', 'balance_missing', creatorId, 'the log gives it diamonds, and it has no balance');
  }
}

/** What is held and redeemed is what redemptions in those states add up to; no sum of them is negative. */
export function checkConservation(
  creators: ReadonlyMap<string, CreatorBooks>,
  byState: ReadonlyMap<string, { readonly held: bigint; readonly redeemed: bigint }>,
  findings: Findings,
): void {
  findings.checked('conservation', creators.size);
  for (const creatorId of new Set([...creators.keys(), ...byState.keys()])) {
    const { terms: found } = creators.get(creatorId) ?? none;
    const due = byState.get(creatorId) ?? { held: 0n, redeemed: 0n };
    for (const term of ['held', 'redeemed'] as const)
      if (found[term] !== due[term])
        findings.add(
          'conservation',
          `${term}_differs`,
          creatorId,
          `${found[term]} millidiamonds are ${term}, redemptions come to ${due[term]}`,
        );
  }
}

/** Rows of redemptions are what their events say. */
export class RedemptionRowsPass {
  private readonly left: Map<string, RedemptionState>;

  constructor(
    due: Iterable<readonly [string, RedemptionState]>,
    private readonly findings: Findings,
  ) {
    this.left = new Map(due);
  }

  rows(rows: readonly BookedRedemption[]): void {
    this.findings.checked('redemptions', rows.length);
    for (const { redemptionId, creatorId, status, millidiamonds } of rows) {
      const due = this.left.get(redemptionId);
      this.left.delete(redemptionId);
      const found = `${status}, ${millidiamonds} millidiamonds of ${creatorId}`;
      const detail =
        due === undefined
          ? `${found}: no event says so`
          : `${found}; its events say ${due.status}, ${due.millidiamonds} millidiamonds of ${due.creatorId}`;
      if (due === undefined) this.findings.add('redemptions', 'redemption_without_events', redemptionId, detail);
      else if (due.status !== status || due.millidiamonds !== millidiamonds || due.creatorId !== creatorId)
        this.findings.add('redemptions', 'redemption_differs', redemptionId, detail);
    }
  }

  end(): void {
    for (const [id, { status }] of this.left)
      this.findings.add('redemptions', 'redemption_missing', id, `its events say ${status}, and it has no row`);
  }
}

const moneyOf = (of: BookedMoney): string =>
  `${of.amountMinor} ${of.currency} from ${of.debit} to ${of.credit} for ${of.payoutId}`;

const nameOfMoney = ({ sourceId, code }: BookedMoney): string => `${sourceId} ${code}`;

/** Money that has to be booked: what it is called, and what it is, as one text. */
export type DueMoney = readonly [name: string, text: string];

export const dueMoney = (of: BookedMoney): DueMoney => [nameOfMoney(of), moneyOf(of)];

/** Money that redemptions move is booked once, as their events say. */
export class MoneyPass {
  private readonly due: Map<string, string>;

  constructor(
    due: Iterable<DueMoney>,
    private readonly findings: Findings,
  ) {
    this.due = new Map(due);
  }

  rows(rows: readonly BookedMoney[]): void {
    this.findings.checked('double-entry', rows.length);
    for (const row of rows) {
      const name = nameOfMoney(row);
      const due = this.due.get(name);
      this.due.delete(name);
      if (due === undefined)
        this.findings.add('double-entry', 'money_without_event', name, `${moneyOf(row)}: no event moves it`);
      else if (due !== moneyOf(row))
        this.findings.add('double-entry', 'money_differs', name, `${moneyOf(row)}; due is ${due}`);
    }
  }

  end(): void {
    for (const [name, due] of this.due) this.findings.add('double-entry', 'money_not_booked', name, `${due} is due`);
  }
}

/** What one creator's transfers should be and are, row by row. */
export function compareTransfers(
  due: ReadonlyMap<string, BookedTransfer>,
  found: readonly BookedTransfer[],
  findings: Findings,
): void {
  const left = new Map(due);
  for (const row of found) {
    const event = left.get(row.eventId);
    left.delete(row.eventId);
    if (event === undefined)
      findings.add(
        'transfers',
        'transfer_without_event',
        row.eventId,
        `${amountOf(row)}: no event in the log moves it`,
      );
    else {
      const differing = (Object.keys({ ...event, ...row }) as (keyof BookedTransfer)[]).filter(
        (name) => compared.includes(name) && event[name] !== row[name],
      );
      if (differing.length > 0)
        findings.add(
          'transfers',
          'transfer_differs',
          row.eventId,
          differing.map((name) => `${name} is ${row[name]}, by its event ${event[name]}`).join('; '),
        );
    }
  }
  for (const [eventId, event] of left)
    findings.add('transfers', 'transfer_missing', eventId, `${amountOf(event)} is due and not booked`);
}

const compared: readonly (keyof BookedTransfer)[] = [
  'code',
  'creatorId',
  'debit',
  'credit',
  'millidiamonds',
  'giftId',
  'redemptionId',
  'coins',
  'rateId',
];

const amountOf = ({ code, creatorId, millidiamonds }: BookedTransfer): string =>
  `${code} of ${millidiamonds} millidiamonds, ${creatorId}`;
