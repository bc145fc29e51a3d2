import type { z } from 'zod';
import { AwardRevoked, DiamondsAwarded } from './award-events.js';
import { GiftTypeChanged } from './catalogue-events.js';
import { CoinsPurchased, CoinsPurchaseReversed, CoinsRestored } from './coin-events.js';
import { DiamondsCorrected, DiamondsCredited, DiamondsReversed } from './diamond-events.js';
import { GiftRefused, GiftReversed, GiftSent, StreakClosed } from './gift-events.js';
import { GiftRequested } from './gift-requests.js';
import { RateApproved, RateProposed, RateRejected } from './rate-events.js';
import { redemptionEvents } from './redemption-events.js';

type EventSchema = z.ZodType<{ type: string; id: string; source: string; time: string }>;

interface TopicDefinition {
  /** The only service that writes it, or `upstream`: any key, any partition, at most 64 KiB, stamped on receipt. */
  readonly writer: string;
  /** What the record's key is. On Carat's own topics it is also the event's `subject`, and it decides the partition. */
  readonly key: string;
  /** Fixed where one order over all records is needed; otherwise the number is the installation's. */
  readonly partitions?: number;
  /** Written by a transform alone. Every other topic of Carat's own is journaled, and on Kafka relayed. */
  readonly isTransformed?: true;
  readonly events: readonly EventSchema[];
}

/** Every topic of this part of Carat. */
export const topics = {
  'gift.requests.v1': { writer: 'upstream', key: 'creatorId', events: [GiftRequested] },
  'coin.events.v1': {
    writer: 'gift-service',
    key: 'viewerId',
    events: [CoinsPurchased, CoinsPurchaseReversed, CoinsRestored],
  },
  'gift.events.v1': {
    writer: 'gift-service',
    key: 'creatorId',
    events: [GiftSent, GiftRefused, GiftReversed, StreakClosed],
  },
  'catalogue.events.v1': { writer: 'gift-service', key: 'giftTypeId', events: [GiftTypeChanged] },
  'rate.events.v1': {
    writer: 'conversion-service',
    key: 'rate-book',
    partitions: 1,
    events: [RateProposed, RateApproved, RateRejected],
  },
  'diamond.events.v1': {
    writer: 'conversion-service',
    key: 'creatorId',
    isTransformed: true,
    events: [DiamondsCredited, DiamondsReversed, DiamondsCorrected],
  },
  'award.events.v1': { writer: 'recognition-service', key: 'creatorId', events: [DiamondsAwarded, AwardRevoked] },
  'redemption.events.v1': { writer: 'payout-service', key: 'creatorId', events: redemptionEvents },
} as const satisfies Record<string, TopicDefinition>;

export type Topic = keyof typeof topics;
export const topicNames = Object.keys(topics) as Topic[];
export const definitionOf = (topic: Topic): TopicDefinition => topics[topic];
export const isUpstream = (topic: Topic): boolean => topics[topic].writer === 'upstream';

/** Whether the events of a topic stand in a journal first: on Kafka a relay has numbered every one of them. */
export const isJournaled = (topic: Topic): boolean =>
  !isUpstream(topic) && definitionOf(topic).isTransformed === undefined;

/** An event of a topic, as parsed: amounts are still JSON integers here, libs/amounts gives them their unit. */
export type Event<T extends Topic = Topic> = { [K in T]: z.infer<(typeof topics)[K]['events'][number]> }[T];
export type EventType = Event['type'];
export type EventOf<Type extends EventType> = Extract<Event, { type: Type }>;

/** The dead-letter topic of a consumer group. */
export const deadLetterTopicOf = (group: string): string => `${group}.dlq.v1`;
