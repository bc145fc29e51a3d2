import { toEvent } from '@carat/amounts';
import type { GiftRequest, Identity } from '@carat/events';
import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  Problem,
  type ProblemCode,
  problems,
  type Reply,
  Roles,
} from '@carat/http-edge';
import { Body, Controller, Headers, HttpCode, Post, Res } from '@nestjs/common';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { BatchBody, GiftBody, HeldFrame, readItem, SentGift, type SentItem, SentItems } from './gift-bodies.js';
import { GiftCollector, LARGEST_BATCH } from './gift-collector.worker.js';
import type { Answer } from './same-identity.js';

const REPLAYED = { 'idempotency-replayed': 'true' };

/** The source that a publisher speaks for; there is no other it could name. */
function sourceOf(caller: Caller, claimed?: string): string {
  if (caller.source === undefined || (claimed !== undefined && claimed !== caller.source))
    throw new Problem('source_mismatch');
  return caller.source;
}

const receiptUrlOf = ({ source, id }: Identity): string =>
  `/v1/receipts?source=${encodeURIComponent(source)}&id=${encodeURIComponent(id)}`;

@Controller('v1/gifts')
export class SendGiftController {
  constructor(private readonly collector: GiftCollector) {}

  /**
   * Sends one gift. The Idempotency-Key is the CloudEvents id: with the key's source it is the gift's identity. A frame
   * of a streak that has not charged a gift is answered with 202: its coins are held until the streak ends.
   */
  @Post()
  @Roles('publisher')
  @Answers(SentGift, 201)
  @Answers(HeldFrame, 202)
  async send(
    @CallerOf() caller: Caller,
    @IdempotencyKey() id: string,
    @Body({ schema: GiftBody }) { time, source: claimed, ...data }: GiftBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<SentGift | HeldFrame> {
    const identity = { source: sourceOf(caller, claimed), id };
    const answer = await this.collector.send(askedNow(identity, data, time, traceparent));
    if (answer.kind === 'conflict') throw new Problem('identity_conflict');
    if (answer.kind === 'refused') throw new Problem(answer.refusal, answer.replayed ? { headers: REPLAYED } : {});
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    const receiptUrl = receiptUrlOf(identity);
    if (answer.kind === 'sent') return { giftId: answer.giftId, coins: toEvent(answer.coins), receiptUrl };
    reply.status(202);
    return { receiptUrl };
  }

  /** Sends up to a thousand gifts; each is judged by itself, and the answers are in the order of the items. */
  @Post('batch')
  @HttpCode(200)
  @Roles('publisher')
  @Answers(SentItems)
  async sendBatch(
    @CallerOf() caller: Caller,
    @Body({ schema: BatchBody }) { items }: BatchBody,
    @Headers('traceparent') traceparent: string | undefined,
  ): Promise<SentItems> {
    if (items.length > LARGEST_BATCH) throw new Problem('batch_too_large');
    const source = sourceOf(caller);
    const sendItem = async (item: unknown): Promise<SentItem> => {
      const read = readItem(item);
      if (typeof read === 'string') return failed(namedBy(item), read);
      const { id, time, source: claimed = source, data } = read;
      if (claimed !== source) return failed(id, 'source_mismatch');
      return itemOf(id, await this.collector.send(askedNow({ source, id }, data, time, traceparent)));
    };
    return { items: await Promise.all(items.map(sendItem)) };
  }
}

/** A request that arrives now; without a time of its own the gift was given now. */
function askedNow(
  identity: Identity,
  data: GiftRequest,
  time: string | undefined,
  traceparent: string | undefined,
): AskedGift {
  const receivedAtMs = Date.now();
  return askedGift(identity, data, time ?? new Date(receivedAtMs).toISOString(), receivedAtMs, traceparent);
}

const namedBy = (item: unknown): string | null => {
  const { id } = (item ?? {}) as { id?: unknown };
  return typeof id === 'string' ? id : null;
};

const failed = (id: string | null, code: ProblemCode): SentItem => ({ id, status: problems[code].status, code });

function itemOf(id: string, answer: Answer): SentItem {
  switch (answer.kind) {
    case 'sent':
      return { id, status: 201, giftId: answer.giftId };
    case 'held':
      return { id, status: 202 };
    case 'refused':
      return failed(id, answer.refusal);
    case 'conflict':
      return failed(id, 'identity_conflict');
    default:
      return answer satisfies never;
  }
}
