import { balanceOf, nothing, terms } from '@carat/payout-service/terms';
import type { CreatorBooks } from '../passes/ledger.js';
import type { ByState } from '../redeemed/redemptions.js';
import type { Findings } from '../verify/findings.js';
import type { BookedBag, BookedBalance, BookedEntry, BookedSnapshot } from './booked.js';
import { type BookedTransfer, EMPTY_BAG } from './fingerprint.js';

const ACCOUNT = /^(issuance|adjustments|creator|held|redeemed|awards:[\x20-\x7e]{1,128})$/;

const none: CreatorBooks = { terms: nothing, fingerprint: EMPTY_BAG };

/** What the log gives each creator. */
type GivenByLog = ReadonlyMap<string, CreatorBooks>;

/** Holds the rows of the ledger against what the log gives. */
export class BooksPass {
  private readonly fingerprints = new Map<string, string>();
  private readonly rowed = new Set<string>();
  private readonly wrongSnapshots: { creatorId: string; nextOffset: bigint; detail: string }[] = [];

  constructor(private readonly findings: Findings) {}

  transfers(bags: readonly BookedBag[]): void {
    for (const { creatorId, bag, count } of bags) {
      this.findings.checked('transfers', count);
      this.fingerprints.set(creatorId, bag);
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
        (creators.get(creatorId) ?? none).fingerprint !== (this.fingerprints.get(creatorId) ?? none.fingerprint),
    );
  }

  /** @param seqs the number of the last event of each creator's own, as the log has it */
  balances(rows: readonly BookedBalance[], creators: GivenByLog, seqs: ReadonlyMap<string, number>): void {
    this.findings.checked('balances', rows.length);
    this.findings.checked('conservation', rows.length);
    for (const { creatorId, terms: found, available, recoverable, ledgerSeq } of rows) {
      this.rowed.add(creatorId);
      const due = (creators.get(creatorId) ?? none).terms;
      const differing = terms
        .filter((term) => found[term] !== due[term])
        .map((term) => `${term} is ${found[term]}, the log gives ${due[term]}`);
      const dueSeq = BigInt(seqs.get(creatorId) ?? 0);
      if (ledgerSeq !== dueSeq) differing.push(`ledger_seq is ${ledgerSeq}, the log gives ${dueSeq}`);
      if (differing.length > 0) this.findings.add('balances', 'balance_differs', creatorId, differing.join('; '));
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

  /** What balances as of a position start from: it has to be what the transfers before it come to. */
  snapshots(rows: readonly BookedSnapshot[]): void {
    this.findings.checked('balances', rows.length);
    for (const row of rows) {
      const wrong = wrongIn(row);
      if (wrong.length > 0)
        this.wrongSnapshots.push({ creatorId: row.creatorId, nextOffset: row.nextOffset, detail: wrong.join('; ') });
    }
  }

  /** Every row was seen: what the log gives and no row has is missing. */
  end(creators: GivenByLog): void {
    for (const [creatorId, { fingerprint }] of creators)
      if (!this.rowed.has(creatorId) && fingerprint !== none.fingerprint)
        this.findings.add('balances', 'balance_missing', creatorId, 'the log moves diamonds of it: it has no balance');
    // Where a transfer is not what it has to be, that is found, and no snapshot can agree with it.
    const differing = new Set(this.wrongSnapshots.length === 0 ? [] : this.differing(creators));
    for (const { creatorId, nextOffset, detail } of this.wrongSnapshots)
      if (!differing.has(creatorId))
        this.findings.add('balances', 'snapshot_differs', creatorId, `before offset ${nextOffset}, ${detail}`);
  }
}

function wrongIn({ due, misplaced, ...found }: BookedSnapshot): string[] {
  const wrong = (['earned', 'reversed'] as const)
    .filter((term) => found[term] !== due[term])
    .map((term) => `${term} is ${found[term]}, its transfers come to ${due[term]}`);
  return misplaced === 0 ? wrong : [...wrong, `${misplaced} gifts stand on its other side`];
}

/** What is held and redeemed is what redemptions in those states add up to; no sum of them is negative. */
export function checkConservation(
  creators: ReadonlyMap<string, CreatorBooks>,
  byState: ReadonlyMap<string, ByState>,
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
  'logOffset',
];

const amountOf = ({ code, creatorId, millidiamonds }: BookedTransfer): string =>
  `${code} of ${millidiamonds} millidiamonds, ${creatorId}`;
