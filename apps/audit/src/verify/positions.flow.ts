import { setTimeout as sleep } from 'node:timers/promises';
import { FlowHalted, LogMissing, type LogReader, type Offsets } from '@carat/event-log';
import { deadLetterTopicOf, isUpstream, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { LEDGER_GROUP, POSITIONS_GROUP } from '@carat/payout-service/ledger-group';
import type { Books } from '../booked/books.store.js';
import type { PlacesKept } from '../booked/fingerprint.js';
import { laneTopics } from '../lanes/lane-task.js';

const RELAY_WAITED_FOR_MS = 30_000;
const LOOK_AGAIN_MS = 200;

/** The next offsets of those topics that are there. */
export async function endsOfPresent(log: LogReader, topics: readonly Topic[]): Promise<Offsets> {
  const ends: Partial<Record<Topic, readonly bigint[]>> = {};
  for (const topic of topics) {
    const end = await log.ends([topic]).catch((error: Error) => {
      if (error instanceof LogMissing || error.cause instanceof LogMissing) return undefined;
      throw error;
    });
    if (end?.[topic] !== undefined) ends[topic] = end[topic];
  }
  return ends;
}

/** The next offsets of the journal in the snapshot of the books, so that log and rows are of one moment. */
export function endsInBooks({ heads }: Books): Offsets {
  const ends: Partial<Record<Topic, bigint[]>> = {};
  for (const topic of laneTopics) {
    const offsets: bigint[] = [];
    for (let next = heads.get(`${topic}/0`); next !== undefined; next = heads.get(`${topic}/${offsets.length}`))
      offsets.push(next);
    if (offsets.length > 0) ends[topic] = offsets;
  }
  return ends;
}

/** What the ledger keeps of where the events of a partition stand; undefined where that could not be compared. */
export function placesIn({ placesFrom, consumed }: Books, partition: number): PlacesKept | undefined {
  if (placesFrom === undefined) return undefined;
  const from = balanceTopics.map((topic) => [topic, placesFrom.get(`${topic}/${partition}`) ?? 0n] as const);
  const ownUpTo = consumed.get(`${POSITIONS_GROUP} redemption.events.v1/${partition}`) ?? 0n;
  return { from: Object.fromEntries(from), ownUpTo };
}

/**
 * Waits until the relay has carried onto Kafka whatever the journal held at the moment of the books. `relayed` asks
 * anew how far it is.
 * @throws FlowHalted when that takes longer than half a minute
 */
export async function untilRelayed(books: Books, relayed: () => Promise<ReadonlyMap<string, bigint>>): Promise<void> {
  for (const deadlineMs = performance.now() + RELAY_WAITED_FOR_MS; ; await sleep(LOOK_AGAIN_MS)) {
    const now = await relayed();
    const late = [...books.heads]
      .filter(([place]) => isCarried(place.slice(0, place.lastIndexOf('/'))))
      .find(([place, head]) => head > (now.get(place) ?? 0n));
    if (late === undefined) return;
    if (performance.now() > deadlineMs)
      throw new FlowHalted(
        `the relay has carried ${late[0]} up to ${now.get(late[0]) ?? 0n} of ${late[1]}, and is late`,
      );
  }
}

/** What a service journals: its events, and what its projections have set aside. */
const isCarried = (topic: string): boolean =>
  topic.endsWith('.dlq.v1') || laneTopics.some((each) => each === topic && !isUpstream(each));

const GROUPS = ['carat.gift.intake', 'carat.conversion.credit-diamonds', LEDGER_GROUP] as const;

/** Places (`topic/partition/offset`) of every record that one of the consumers has set aside. */
export async function deadLetterPlaces(log: LogReader): Promise<ReadonlySet<string>> {
  const places = new Set<string>();
  for (const group of GROUPS) {
    // A dead-letter topic is read like any other; it only has no events of its own.
    const topic = deadLetterTopicOf(group) as Topic;
    const ends = await endsOfPresent(log, [topic]);
    if (ends[topic] === undefined) continue;
    for await (const { records } of log.read([topic], {}, ends))
      for (const { headers } of records) {
        // The last of each name is the consumer's: what the record brought along comes first.
        const last = (name: string): string => headers.findLast(([each]) => each === name)?.[1].toString() ?? '';
        places.add(`${last('__dlq.errors.topic')}/${last('__dlq.errors.partition')}/${last('__dlq.errors.offset')}`);
      }
  }
  return places;
}

/** How many records that is, at most: on Kafka offsets leave gaps. */
export const recordsUpTo = (to: Offsets): bigint =>
  laneTopics.reduce((sum, topic) => sum + (to[topic] ?? []).reduce((all, end) => all + end, 0n), 0n);
