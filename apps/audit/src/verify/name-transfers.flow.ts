import type { LogReader, Offsets, RawRecord } from '@carat/event-log';
import { decode, partitionOf, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { LEDGER_GROUP } from '@carat/payout-service/ledger-group';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import { compareTransfers } from '../booked/booked-passes.js';
import type { Books } from '../booked/books.store.js';
import { type BookedTransfer, bookedOf, placeBooked } from '../booked/fingerprint.js';
import { endsOf } from '../log-source/ends-of.js';
import type { Findings } from './findings.js';
import { placesIn } from './positions.flow.js';

/** So many creators are looked at row by row; of the others it is said that they differ. */
const MOST_CREATORS = 100;

/** Reads the partitions of creators whose transfers differ once more, and names each row that is at fault. */
export async function nameTransfers(
  log: LogReader,
  books: Books,
  creators: readonly string[],
  to: Offsets,
  findings: Findings,
): Promise<void> {
  const named = creators.slice(0, MOST_CREATORS);
  for (const creatorId of creators.slice(MOST_CREATORS))
    findings.add('transfers', 'transfers_differ', creatorId, 'its transfers are not those that the log gives');
  if (named.length === 0) return;
  const due = await dueTransfers(log, books, new Set(named), to);
  for (const creatorId of named)
    compareTransfers(due.get(creatorId) ?? new Map(), await books.transfersOf(creatorId), findings);
}

type Due = Map<string, Map<string, BookedTransfer>>;

/** What the events before the ledger's position move for some creators, by creator and event. */
async function dueTransfers(log: LogReader, books: Books, creators: ReadonlySet<string>, to: Offsets): Promise<Due> {
  const due: Due = new Map();
  for (const topic of balanceTopics) {
    const ends = to[topic];
    if (ends === undefined) continue;
    const wanted = new Set([...creators].map((creatorId) => partitionOf(creatorId, ends.length)));
    for await (const { partition, records } of log.read([topic], {}, endsOf(wanted, [topic], to)))
      for (const record of records) {
        const event = ledgerEventIn(topic, record);
        if (event === undefined || !creators.has(event.data.creatorId)) continue;
        if (!isBooked(books, topic, partition, event, record.offset)) continue;
        const ofCreator = due.get(event.data.creatorId) ?? new Map<string, BookedTransfer>();
        due.set(event.data.creatorId, ofCreator);
        // The first to come with an id is booked, and no other.
        const place = placeBooked(placesIn(books, partition), topic, record.offset);
        for (const transfer of transfersOf(event).map((of) => bookedOf(of, place)))
          if (!ofCreator.has(transfer.eventId)) ofCreator.set(transfer.eventId, transfer);
      }
  }
  return due;
}

function isBooked(books: Books, topic: Topic, partition: number, event: LedgerEvent, offset: bigint): boolean {
  const place = `${topic}/${partition}`;
  return topic === 'redemption.events.v1'
    ? BigInt(event.sequence ?? offset) < (books.heads.get(place) ?? 0n)
    : offset < (books.consumed.get(`${LEDGER_GROUP} ${place}`) ?? 0n);
}

function ledgerEventIn(topic: (typeof balanceTopics)[number], { value }: RawRecord): LedgerEvent | undefined {
  const decoded = decode(topic, value);
  return 'event' in decoded ? decoded.event : undefined;
}
