import { type EventLog, type FoundRecord, findRecord, recordOnAnswer } from '@carat/event-log';
import { type EventOf, type GiftId, uuidOf } from '@carat/events';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { columns } from '../columns.js';
import { saysSent } from '../decided-requests/decided-request.js';
import type { GiftRecords } from './gift-records.js';

// Each is a look into the log of its own. A gift can be paid from fifteen hundred lots.
const MOST_OF_A_KIND = 16;

type Sent = EventOf<'carat.gift.sent.v1'>['data'];

const FIND_GIFT = `
  SELECT g.data, coalesce(r.decided_at, g.sent_at) AS since
  FROM gift.gift g LEFT JOIN gift.inbox r ON r.source = g.source AND r.id = g.data #>> '{requestedBy,id}'
  WHERE g.gift_id = $1`;

// The oldest events name no source of their lots.
const FIND_LOTS = `
  SELECT l.source, l.purchase_id AS "purchaseId", l.bought_at AS "boughtAt", l.reversed_at AS "reversedAt"
  FROM unnest($2::text[], $3::text[]) AS r(source, purchase_id)
  JOIN gift.lot l ON l.viewer_id = $1 AND l.purchase_id = r.purchase_id AND r.source IN ('', l.source)
  ORDER BY l.sequence`;

const FIND_AGREED = `
  SELECT 'rev_' || reversal_id AS "reversalId", decided_at AS "decidedAt"
  FROM gift.reversal_proposal WHERE gift_id = $1 AND state = 'approved' ORDER BY decided_at`;

interface LotRow {
  readonly source: string;
  readonly purchaseId: string;
  readonly boughtAt: Date;
  readonly reversedAt: Date | null;
}

type Looked = Promise<FoundRecord | undefined>;

/** As the partition of a gift has them: each says what stands after it. */
const byOffset = (a: FoundRecord, b: FoundRecord): number => Number(a.record.offset - b.record.offset);

/** Where the log speaks of a gift. The rows know the keys and the times that make each record quick to find. */
@Injectable()
export class GiftRecordsStore {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /** The records of a gift: purchases in the order in which their lots paid, then the gift, then its reversals. */
  async find(giftId: GiftId): Promise<GiftRecords | undefined> {
    const [gift] = (await this.db.query(FIND_GIFT, [uuidOf(giftId)])) as { data: Sent; since: Date }[];
    if (gift === undefined) return undefined;
    const { data, since } = gift;
    const lots = await this.lotsOf(data);
    const agreed = (await this.db.query(FIND_AGREED, [uuidOf(giftId)])) as { reversalId: string; decidedAt: Date }[];
    const reversedLots = lots.filter(({ reversedAt }) => reversedAt !== null);
    const [paid, reversed, taken] = await Promise.all([
      Promise.all([
        ...lots.slice(0, MOST_OF_A_KIND).map((lot) => this.purchase(data.senderId, lot)),
        this.giftEvent(data, since, giftId, saysSent(giftId)),
      ]),
      Promise.all(
        agreed.slice(0, MOST_OF_A_KIND).map(({ reversalId, decidedAt }) => this.reversal(data, decidedAt, reversalId)),
      ),
      Promise.all(reversedLots.slice(0, MOST_OF_A_KIND).map((lot) => this.takenWith(data, lot))),
    ]);
    const takenBack = [...reversed, ...taken].filter((record) => record !== undefined).sort(byOffset);
    const records = [...paid.filter((record) => record !== undefined), ...takenBack];
    const isFew = Math.max(lots.length, agreed.length) <= MOST_OF_A_KIND;
    const complete = isFew && ![...paid, ...reversed].includes(undefined);
    return { giftId, creatorId: data.creatorId, complete, items: records.map(recordOnAnswer) };
  }

  private async lotsOf({ senderId, funding }: Sent): Promise<LotRow[]> {
    if (funding.kind !== 'wallet') return [];
    const named = columns(
      funding.lots,
      ({ source }) => source ?? '',
      ({ purchaseId }) => purchaseId,
    );
    return this.db.query(FIND_LOTS, [senderId, ...named]);
  }

  private purchase(viewerId: string, { source, purchaseId, boughtAt }: LotRow): Looked {
    const where = { topic: 'coin.events.v1' as const, key: viewerId, sinceMs: boughtAt.getTime(), naming: purchaseId };
    return findRecord(
      this.log,
      where,
      ({ type, data, causationsource }) =>
        type === 'carat.coins.purchased.v1' && data.purchaseId === purchaseId && causationsource === source,
    );
  }

  private reversal(gift: Sent, at: Date, reversalId: string): Looked {
    return this.giftEvent(
      gift,
      at,
      reversalId,
      (event) => 'reversalId' in event.data && event.data.reversalId === reversalId,
    );
  }

  /** What a reversed purchase took from the gift. Nothing, where all of it had been taken back before. */
  private takenWith(gift: Sent, { purchaseId, reversedAt }: LotRow): Looked {
    return this.giftEvent(
      gift,
      reversedAt ?? new Date(0),
      gift.giftId,
      ({ type, data }) =>
        type === 'carat.gift.reversed.v1' && data.giftId === gift.giftId && data.purchaseId === purchaseId,
    );
  }

  private giftEvent(
    { creatorId }: Sent,
    since: Date,
    naming: string,
    isIt: Parameters<typeof findRecord<'gift.events.v1'>>[2],
  ): Looked {
    return findRecord(this.log, { topic: 'gift.events.v1', key: creatorId, sinceMs: since.getTime(), naming }, isIt);
  }
}
