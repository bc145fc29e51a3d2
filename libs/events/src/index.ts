export { GiftTypeChanged } from './catalogue-events.js';
export { CoinsPurchased, CoinsPurchaseReversed } from './coin-events.js';
export { contentHash } from './content-hash.js';
export { type Decoded, decode, encode, nestsWithin, readBack, type Undecodable } from './decode.js';
export {
  type CreditId,
  creditIdOf,
  derivedUuid,
  type GiftId,
  giftIdOf,
  isGiftId,
  isUuid,
  type ReversalId,
  reversalIdOf,
  streakGiftIdOf,
  timeOfId,
  uuidOf,
} from './derived-id.js';
export { CONTENT_TYPE, caused, isTraceparent } from './envelope.js';
export { Currency, Id, type Identity, Market, RateOnEvent, Reason, Time, UtcTime } from './fields.js';
export { GiftRefusal, GiftSent, giftRefusals } from './gift-events.js';
export { GiftRequest } from './gift-requests.js';
export { LogPosition, positionOnAnswer, type Reach, reachesIn, textOfReaches } from './log-position.js';
export { LogRecord, LogRecords } from './log-record.js';
export { partitionOf } from './partition.js';
export { RateProposed } from './rate-events.js';
export { redemptionStates } from './redemption-events.js';
export {
  deadLetterTopicOf,
  definitionOf,
  type Event,
  type EventOf,
  type EventType,
  isJournaled,
  isUpstream,
  type Topic,
  topicNames,
  topics,
} from './topics.js';
