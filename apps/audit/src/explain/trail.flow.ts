import { type FoundRecord, findRecords, type LogReader } from '@carat/event-log';
import type { Event, EventOf, Topic } from '@carat/events';
import { rateBookIn } from '../what-if/what-if.flow.js';
import { type AskedId, askedIdOf } from './asked-id.js';
import { explain } from './explain.js';
import type { Explanation } from './explanation.js';
import { type FoundEvent, foundIn, type Trail } from './trail.js';

export { askedIdOf, EXPLAINED_IDS } from './asked-id.js';
export type { Explanation, Step } from './explanation.js';

// A gift may be given a little ahead of the log's clock (GIFT_SKEW), so it may be recorded before its id's time.
const AHEAD_MS = 3_600_000;
const FROM_THE_FIRST = 0;

/**
 * What the log alone says of an id, or undefined when it says nothing. `creatorId`, where it is known, spares looking
 * through the partitions of other creators. Every search goes to the end of the log: nothing found means that nothing
 * is there.
 * @throws FlowHalted when the rate book cannot be read, or contradicts itself
 */
export async function explainFromLog(
  log: LogReader,
  asked: AskedId,
  creatorId?: string,
): Promise<Explanation | undefined> {
  const anchor = await anchorOf(log, asked, creatorId);
  if (anchor === undefined) return undefined;
  const found = eventsOf(await around(log, anchor));
  const rates = await rateBookIn(log, await log.ends(['rate.events.v1']));
  const trail: Trail = { asked, found, rates, isWholeBook: true };
  return explain(trail);
}

const eventsOf = (records: readonly FoundRecord[]): FoundEvent[] =>
  records.map(foundIn).filter((found) => found !== undefined);

/** The event that an id is of, or one that tells whose it is and where to go on. */
async function anchorOf(log: LogReader, { id, kind, uuid, timeMs }: AskedId, key: string | undefined) {
  const first = async <T extends Topic>(topic: T, naming: string, isIt: (event: Event<T>) => boolean) => {
    const where = { topic, key, sinceMs: timeMs - AHEAD_MS, naming };
    return (await findRecords(log, where, isIt, { count: 1 }))[0] as FoundRecord | undefined;
  };
  const isIt = (event: Event): boolean => event.id === uuid;
  switch (kind) {
    case 'gift':
      return first('gift.events.v1', id, (event) => giftIn(event) === id);
    case 'credit':
      return first('diamond.events.v1', uuid, (event) => isIt(event) && event.type === 'carat.diamonds.credited.v1');
    case 'reversal':
      return first('gift.events.v1', id, (event) => 'reversalId' in event.data && event.data.reversalId === id);
    case 'redemption':
      return first('redemption.events.v1', id, (event) => redemptionIn(event) === id);
    case 'adjustment':
      return first('redemption.events.v1', id, (event) => isIt(event) && event.type === 'carat.balance.adjusted.v1');
    case 'award':
      return first('award.events.v1', id, (event) => event.data.awardId === id);
    case 'event':
      return (
        (await first('gift.events.v1', uuid, isIt)) ??
        (await first('diamond.events.v1', uuid, isIt)) ??
        (await first('redemption.events.v1', uuid, isIt)) ??
        (await first('award.events.v1', uuid, isIt))
      );
    default:
      return kind satisfies never;
  }
}

const giftIn = ({ data }: Event): string | undefined => ('giftId' in data ? data.giftId : undefined);
const redemptionIn = ({ data }: Event): string | undefined => ('redemptionId' in data ? data.redemptionId : undefined);

/** All events on the way of what an event is about. */
async function around(log: LogReader, anchor: FoundRecord): Promise<readonly FoundRecord[]> {
  const { event } = anchor;
  const creatorId = 'creatorId' in event.data ? event.data.creatorId : undefined;
  const giftId = giftIn(event);
  if (giftId !== undefined) return aroundGift(log, giftId, creatorId);
  const redemptionId = redemptionIn(event);
  return redemptionId === undefined ? [anchor] : aroundRedemption(log, redemptionId, creatorId);
}

async function aroundGift(log: LogReader, giftId: string, key: string | undefined): Promise<readonly FoundRecord[]> {
  const isOfGift = (event: Event): boolean => giftIn(event) === giftId;
  const where = { key, sinceMs: sinceOf(giftId), naming: giftId };
  const gifts = await findRecords(log, { topic: 'gift.events.v1', ...where }, isOfGift);
  const diamonds = await findRecords(log, { topic: 'diamond.events.v1', ...where }, isOfGift);
  const sent = gifts.map(({ event }) => event).find(({ type }) => type === 'carat.gift.sent.v1');
  const credited = diamonds.map(({ event }) => event).find(({ type }) => type === 'carat.diamonds.credited.v1');
  return [
    ...(sent === undefined ? [] : await purchasesOf(log, sent as EventOf<'carat.gift.sent.v1'>)),
    ...gifts,
    ...(credited === undefined || !('rate' in credited.data) ? [] : await recordsOfRate(log, credited.data.rate.id)),
    ...diamonds,
  ];
}

async function aroundRedemption(log: LogReader, redemptionId: string, key: string | undefined) {
  const where = { topic: 'redemption.events.v1' as const, key, sinceMs: sinceOf(redemptionId), naming: redemptionId };
  const events = await findRecords(log, where, (event) => redemptionIn(event) === redemptionId);
  const [first] = events;
  const rate = first === undefined || !('rate' in first.event.data) ? undefined : first.event.data.rate.id;
  return [...(rate === undefined ? [] : await recordsOfRate(log, rate)), ...events];
}

// The ids of a foreign writer's events may say no time.
const sinceOf = (id: string): number => {
  const asked = askedIdOf(id) ?? { timeMs: FROM_THE_FIRST };
  return asked.timeMs - AHEAD_MS;
};

/** An upstream id says nothing of its time, so these are looked for from the first record of the sender on. */
async function purchasesOf(log: LogReader, { data }: EventOf<'carat.gift.sent.v1'>): Promise<readonly FoundRecord[]> {
  if (data.funding.kind !== 'wallet') return [];
  const { lots } = data.funding;
  const where = {
    topic: 'coin.events.v1' as const,
    key: data.senderId,
    sinceMs: FROM_THE_FIRST,
    naming: data.senderId,
  };
  const isOfLot = (event: Event<'coin.events.v1'>): boolean =>
    event.type === 'carat.coins.purchased.v1' &&
    event.data.viewerId === data.senderId &&
    lots.some(
      ({ purchaseId, source = event.causationsource }) =>
        purchaseId === event.data.purchaseId && source === event.causationsource,
    );
  return findRecords(log, where, isOfLot, { count: lots.length });
}

const recordsOfRate = (log: LogReader, rateId: string): Promise<readonly FoundRecord[]> => {
  const where = { topic: 'rate.events.v1' as const, sinceMs: FROM_THE_FIRST, naming: rateId };
  return findRecords(log, where, (event) => event.data.rateId === rateId);
};
