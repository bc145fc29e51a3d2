import type { LogReader, Offsets } from '@carat/event-log';
import { ManyEvents } from '@carat/events/decode-many';
import { moneyTransfersOfLine } from '@carat/payout-service/money-transfers';
import type { BookedLine } from '../booked/booked.js';
import type { Books } from '../booked/books.store.js';
import type { LaneResult, LaneTask } from '../lanes/lane-task.js';
import { OwnBooks } from '../lanes/own-books.js';
import { endsOf } from '../log-source/ends-of.js';
import { ownEvents } from '../log-source/own-events.flow.js';
import { Findings } from '../verify/findings.js';
import { Bags, bagOf } from './bags.js';
import {
  compareNamed,
  type Differences,
  dueMoney,
  dueRedemption,
  foundRedemption,
  moneyDifferences,
  type Named,
  redemptionDifferences,
} from './named.js';

/** What rows hold, by name. */
export interface RedeemedRows {
  readonly redemptions: Bags;
  readonly money: Bags;
  /** Not what is booked, but what has to be for settlement lines. */
  readonly moneyOfLines: Bags;
}

interface ToCompare {
  readonly log: LogReader;
  readonly books: Books;
  readonly rows: RedeemedRows;
  readonly tasks: readonly LaneTask[];
  readonly lanes: readonly LaneResult[];
  readonly to: Offsets;
  readonly findings: Findings;
}

type Rows = AsyncGenerator<readonly Named[]>;

/** Sums up the rows of redemptions, and of the money that they and settlement lines move. @param key of the run */
export async function readRedeemed(books: Books, key: string, findings: Findings): Promise<RedeemedRows> {
  return {
    redemptions: await bagsOf(redemptionRows(books), { key, findings, pass: redemptionDifferences.pass }),
    money: await bagsOf(moneyRows(books), { key, findings, pass: moneyDifferences.pass }),
    moneyOfLines: await bagsOf(dueOfLines(books), { key, findings, pass: moneyDifferences.pass }),
  };
}

/**
 * Rows of redemptions, and of money that was moved, are what events and settlement lines say. Both sides are summed
 * up in bags, so that nothing is kept of them; where a bag differs, what is in it is read once more, and each row is
 * named.
 */
export async function compareRedemptions({ log, books, rows, tasks, lanes, to, findings }: ToCompare): Promise<void> {
  const redemptions = togetherIn(lanes.map((lane) => lane.redemptions)).differing(rows.redemptions);
  const money = togetherIn([...lanes.map((lane) => lane.money), rows.moneyOfLines.told()]).differing(rows.money);
  if (redemptions.size === 0 && money.size === 0) return;
  const due = { redemptions: new Map<string, string>(), money: new Map<string, string>() };
  for (const task of tasks) {
    const own = await readOwnBooks(log, task, to);
    for (const each of inBags(redemptions, [...own.redemptions.states()].map(dueRedemption)))
      due.redemptions.set(...each);
    for (const each of inBags(money, [...own.money])) due.money.set(...each);
  }
  if (money.size > 0)
    for await (const lines of dueOfLines(books)) for (const each of inBags(money, lines)) due.money.set(...each);
  await nameIn(redemptions, due.redemptions, () => redemptionRows(books), redemptionDifferences, findings);
  await nameIn(money, due.money, () => moneyRows(books), moneyDifferences, findings);
}

/** What one partition's redemptions come to, read by themselves. What is wrong with them is found when it is proven. */
async function readOwnBooks(log: LogReader, task: LaneTask, to: Offsets): Promise<OwnBooks> {
  const own = new OwnBooks(task.rates, new Findings(), task.ownUpTo);
  const topic = 'redemption.events.v1';
  const ends = endsOf(new Set([task.partition]), [topic], to);
  for await (const { event, position } of ownEvents(log, topic, ends, task.log.kind === 'relayed', new ManyEvents()))
    own.add(event, position, BigInt(event.sequence ?? position.offset));
  return own;
}

const inBags = (bags: ReadonlySet<number>, named: readonly Named[]): Named[] =>
  named.filter(([name]) => bags.has(bagOf(name)));

async function* redemptionRows(books: Books): Rows {
  for await (const rows of books.redemptions()) yield rows.map(foundRedemption);
}

async function* moneyRows(books: Books): Rows {
  for await (const rows of books.moneyTransfers()) yield rows.map(dueMoney);
}

/** The money that settlement lines say was moved: they are the provider's word, and in no log. */
async function* dueOfLines(books: Books): Rows {
  for await (const rows of books.settlementLines()) yield rows.flatMap(dueOfLine);
}

/** Of a kind that there is not nothing follows. */
const dueOfLine = ({ provider, kind, ...line }: BookedLine): Named[] =>
  kind === 'payout' || kind === 'return' ? moneyTransfersOfLine({ ...line, kind }, provider).map(dueMoney) : [];

/** The bags of several, whatever their key: nothing is added to them by name. */
function togetherIn(told: readonly Uint32Array[]): Bags {
  const bags = new Bags('');
  for (const each of told) bags.merge(each);
  return bags;
}

interface Summed {
  readonly key: string;
  readonly findings: Findings;
  readonly pass: Differences['pass'];
}

async function bagsOf(rows: Rows, { key, findings, pass }: Summed): Promise<Bags> {
  const bags = new Bags(key);
  for await (const some of rows) {
    findings.checked(pass, some.length);
    for (const [name, text] of some) bags.add(name, text);
  }
  return bags;
}

async function nameIn(
  bags: ReadonlySet<number>,
  due: ReadonlyMap<string, string>,
  rows: () => Rows,
  differences: Differences,
  findings: Findings,
): Promise<void> {
  if (bags.size === 0) return;
  const found: Named[] = [];
  for await (const some of rows()) found.push(...inBags(bags, some));
  const before = findings.of(differences.pass).findings;
  compareNamed(due, found, differences, findings);
  // By name they are the same, then: something is said of one more often than once.
  if (findings.of(differences.pass).findings === before)
    findings.add(differences.pass, differences.differs, `${bags.size} bags`, 'an event or a row is there twice');
}
