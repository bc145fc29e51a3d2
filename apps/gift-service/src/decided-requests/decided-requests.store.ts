import { type EventLog, findEvent, type Recorded } from '@carat/event-log';
import { type GiftId, type GiftRefusal, type Identity, positionOnAnswer } from '@carat/events';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type DecidedRequest, saysRefused, saysSent } from './decided-request.js';

// A frame has no gift of its own: it charged its streak, or what it holds is in the gift that the streak was closed as.
// A frame may come after that gift; what it names as its request came before.
const FIND = `
  SELECT i.refusal, i.decided_at AS "decidedAt", coalesce(r.decided_at, i.decided_at) AS "since",
         'gft_' || g.gift_id AS "giftId", coalesce(i.refused_creator_id, g.data ->> 'creatorId') AS "creatorId"
  FROM gift.inbox i
  LEFT JOIN gift.streak s ON s.streak_key = i.streak_key
  LEFT JOIN gift.gift g
    ON g.gift_id = coalesce(i.charged_gift_id, substr(s.state #>> '{charged,giftId}', 5)::uuid, i.gift_id)
  LEFT JOIN gift.inbox r ON r.source = g.source AND r.id = g.data #>> '{requestedBy,id}'
  WHERE i.source = $1 AND i.id = $2`;

interface DecidedRow {
  readonly refusal: GiftRefusal | null;
  readonly decidedAt: Date;
  readonly since: Date;
  readonly giftId: GiftId | null;
  readonly creatorId: string | null;
}

/** What the inbox remembers of requests, and where the log says so. */
@Injectable()
export class DecidedRequests {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /** What became of a request, or undefined when none of this identity was decided on. */
  async find(identity: Identity): Promise<DecidedRequest | undefined> {
    const [row] = (await this.db.query(FIND, [identity.source, identity.id])) as DecidedRow[];
    if (row === undefined) return undefined;
    const { refusal, giftId, creatorId } = row;
    const event = await this.eventOf(identity, row);
    return {
      ...identity,
      ...(refusal === null
        ? { status: giftId === null ? 'held' : 'accepted' }
        : { status: 'refused', reason: refusal }),
      ...(refusal !== null || giftId === null ? {} : { giftId }),
      ...(creatorId === null ? {} : { creatorId }),
      decidedAt: row.decidedAt.toISOString(),
      ...(event === undefined
        ? {}
        : {
            position: positionOnAnswer(event.position),
            recordedAt: new Date(event.recordedAtMs).toISOString(),
          }),
    };
  }

  private async eventOf(
    identity: Identity,
    { refusal, giftId, creatorId, since }: DecidedRow,
  ): Promise<Recorded<'gift.events.v1'> | undefined> {
    if (creatorId === null) return undefined;
    const where = { topic: 'gift.events.v1' as const, key: creatorId, sinceMs: since.getTime() };
    if (refusal !== null) return findEvent(this.log, { ...where, naming: identity.id }, saysRefused(identity));
    return giftId === null ? undefined : findEvent(this.log, { ...where, naming: giftId }, saysSent(giftId));
  }
}
