import type { RawRecord } from '@carat/event-log';
import { deadLetterTopicOf, type Topic } from '@carat/events';
import type { Running } from './both-logs.js';
import type { EveningDoors } from './evening-doors.js';
import { type Books, type CreatorBooks, type LotBooks, nameOf, sum } from './generated-evening/books.js';
import { type Exact, exact, minusOf, plusOf, ZERO } from './generated-evening/exact.js';
import { headerOf } from './topology.js';

/** An event as it stands in the log. */
interface Told {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject: string;
  readonly causationsource: string;
  // biome-ignore lint/suspicious/noExplicitAny: each type has data of its own
  readonly data: any;
}

interface Transfers {
  readonly creator_id: string;
  readonly code: string;
  readonly transfers: string;
  readonly millidiamonds: string;
}

/** What the services have said and written down of one evening. */
export interface Traces {
  readonly events: readonly Told[];
  /** Why each record of the evening that was set aside was. */
  readonly deadLetters: readonly string[];
  readonly transfers: readonly Transfers[];
}

const evening = (text: string): string => /eve-\d+-/.exec(text)?.[0] ?? '';

/** The traces of every evening, by its prefix. An event is told once: over Kafka it may be there more than once. */
export async function tracesIn({ log, db }: Running): Promise<(prefix: string) => Traces> {
  const read = async (topics: readonly Topic[]): Promise<RawRecord[]> => {
    const all: RawRecord[] = [];
    for await (const { records } of log.read(topics, {}, await log.ends(topics))) all.push(...records);
    return all;
  };
  const parsed = ({ value }: RawRecord): Told => JSON.parse(value?.toString() ?? 'null') as Told;
  const said = (await read(['coin.events.v1', 'gift.events.v1', 'diamond.events.v1'])).map(parsed);
  const once = [...new Map(said.map((event) => [`${event.source} ${event.id}`, event])).values()];
  const events = Map.groupBy(once, ({ subject }) => evening(subject));
  const letters = await read([deadLetterTopicOf('carat.gift.intake') as Topic]);
  const deadLetters = Map.groupBy(letters, (letter) => evening(parsed(letter).source));
  const booked = (await db.query(
    `SELECT creator_id, code, count(*) AS transfers, sum(millidiamonds) AS millidiamonds
     FROM payout.transfer GROUP BY creator_id, code`,
  )) as Transfers[];
  const transfers = Map.groupBy(booked, ({ creator_id }) => evening(creator_id));
  return (prefix) => ({
    events: events.get(prefix) ?? [],
    deadLetters: (deadLetters.get(prefix) ?? []).map((letter) => headerOf(letter, 'carat-error-class') ?? 'none'),
    transfers: transfers.get(prefix) ?? [],
  });
}

const tally = (words: readonly string[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(words, (word) => word)].map(([word, all]) => [word, all.length]));
const ofType = (events: readonly Told[], type: string): Told[] =>
  events.filter((event) => event.type === `carat.${type}.v1`);

/** The books of an evening as the services keep them: from their doors, their events and the ledger's transfers. */
export async function observedBooks(traces: Traces, doors: EveningDoors): Promise<Books> {
  const { events, deadLetters, transfers } = traces;
  const sent = ofType(events, 'gift.sent');
  const external = sent.filter(({ data }) => data.funding.kind === 'external');
  const creatorIds = new Set(transfers.map(({ creator_id }) => creator_id));
  return {
    creators: Object.fromEntries(
      await Promise.all([...creatorIds].map(async (id) => [id, await creatorBooks(id, traces, doors)])),
    ),
    lots: await lotBooks(events, doors),
    refusals: tally(ofType(events, 'gift.refused').map(({ data }) => data.reason)),
    deadLetters: tally(deadLetters),
    gifts: Object.fromEntries(sent.map(({ data }) => [nameOf(data.requestedBy), BigInt(data.coins)])),
    attested: sum(external.map(({ data }) => BigInt(data.coins))),
  };
}

async function creatorBooks(creatorId: string, traces: Traces, doors: EveningDoors): Promise<CreatorBooks> {
  const transfersOf = (code: string): Transfers | undefined =>
    traces.transfers.find((one) => one.creator_id === creatorId && one.code === code);
  const balance = await doors.balanceOf(creatorId);
  const [credits, reverses] = [transfersOf('credit'), transfersOf('reverse')];
  // Each figure stands twice: in the balance, and as the sum of its transfers.
  const booked = { earned: credits?.millidiamonds ?? '0', reversed: reverses?.millidiamonds ?? '0' };
  if (balance.earned !== booked.earned || balance.reversed !== booked.reversed)
    throw new Error(`${creatorId}: the balance ${JSON.stringify(balance)} is not its transfers'`);
  return {
    gifts: Number(credits?.transfers ?? 0),
    reversals: Number(reverses?.transfers ?? 0),
    earned: BigInt(balance.earned),
    reversed: BigInt(balance.reversed),
    available: BigInt(balance.available),
    recoverable: BigInt(balance.recoverable),
    residue: residueOf(traces.events.filter(({ data }) => data.creatorId === creatorId)),
  };
}

/** What rounding has cut off all credits, less what it has cut off all reversals. */
function residueOf(events: readonly Told[]): Exact {
  const total = (of: readonly Told[]): Exact =>
    of.reduce(
      (all, { data: { residue } }) => plusOf(all, exact(BigInt(residue.numerator), BigInt(residue.denominator))),
      ZERO,
    );
  return minusOf(total(ofType(events, 'diamonds.credited')), total(ofType(events, 'diamonds.reversed')));
}

type Share = { readonly purchaseId: string; readonly source: string; readonly coins: number };

/** Where the coins of each lot are. What is left says the door; what was spent, restored, refunded say the events. */
async function lotBooks(events: readonly Told[], doors: EveningDoors): Promise<Record<string, LotBooks>> {
  const lotOf = ({ source, purchaseId }: { readonly source: string; readonly purchaseId: string }): string =>
    `${source} ${purchaseId}`;
  const bought = ofType(events, 'coins.purchased');
  const viewers = new Map(
    await Promise.all(
      [...new Set(bought.map(({ subject }) => subject))].map(async (id) => [id, await doors.coinsOf(id)] as const),
    ),
  );
  const sharesIn = (type: string, of: (told: Told) => readonly Share[]): Map<string, Share[]> =>
    Map.groupBy(ofType(events, type).flatMap(of), lotOf);
  const paid = sharesIn('gift.sent', ({ data }) => data.funding.lots ?? []);
  const restored = sharesIn('coins.restored', ({ data }) => data.lots);
  const coinsOf = (shares: readonly Share[] = []): bigint => sum(shares.map(({ coins }) => BigInt(coins)));
  const reversed = new Map(ofType(events, 'coins.purchase-reversed').map(({ data }) => [lotOf(data), data]));
  return Object.fromEntries(
    bought.map(({ subject, causationsource, data }): [string, LotBooks] => {
      const name = lotOf({ source: causationsource, purchaseId: data.purchaseId });
      const { lots } = viewers.get(subject);
      const held = lots.find(({ purchaseId }: Share) => purchaseId === data.purchaseId).left;
      const reversal = reversed.get(name) ?? { coins: 0, spentCoins: 0 };
      const spent = coinsOf(paid.get(name)) - coinsOf(restored.get(name)) - BigInt(reversal.spentCoins);
      return [name, { sold: BigInt(data.coins), held: BigInt(held), spent, refunded: BigInt(reversal.coins) }];
    }),
  );
}
