import { Unhandleable } from '@carat/event-log';
import { derivedUuid, type Event } from '@carat/events';
import type { ListedRedemption } from '../redeem-diamonds/redemption-bodies.js';
import { machine, type RedemptionEvent, typeOf } from '../redeem-diamonds/redemption-machine.js';

/** What a creator's app is told of one event of a redemption. Amounts are JSON integers, as on the event. */
interface Told {
  /** `redemption.paid` and so on. */
  readonly type: string;
  /** When it happened, RFC 3339. */
  readonly timestamp: string;
  readonly data: Pick<
    ListedRedemption,
    'redemptionId' | 'creatorId' | 'state' | 'millidiamonds' | 'payout' | 'reason'
  > & {
    /** The state it was in before; `none` before it existed. */
    readonly from: RedemptionEvent['data']['from'];
    /** Counts the creator's events: what has the higher one came later, in whatever order it is told. */
    readonly ledgerSeq: number;
    readonly eventId: string;
  };
}

/** A webhook before it is known to whom it goes. */
export interface Webhook {
  readonly eventId: string;
  readonly creatorId: string;
  readonly type: string;
  /** When the event happened. */
  readonly atMs: number;
  /** The bytes that are signed and sent, the same at every attempt. */
  readonly body: string;
}

/** The state that an event leads to, by the table of moves. */
function stateAfter(event: RedemptionEvent): ListedRedemption['state'] {
  const move = machine.find((row) => typeOf(row.event) === event.type && row.from.includes(event.data.from));
  if (move === undefined)
    throw new Unhandleable('redemption_broken', `no move leads from ${event.data.from} to ${event.type}`);
  const approval = event.type === 'carat.redemption.approved.v1' ? event.data.approval : undefined;
  return approval !== undefined && approval.given < approval.needed ? 'pending_approval' : move.to;
}

/**
 * What creators' apps are told of an event; undefined when it is nothing to them: the correction of a balance is no
 * redemption. Why a redemption is looked into is not for whom it is about, so a review is told without its reason.
 * @throws Unhandleable `redemption_broken` for an event that no move of the machine explains
 */
export function webhookOf(event: Event<'redemption.events.v1'>): Webhook | undefined {
  if (event.type === 'carat.balance.adjusted.v1') return undefined;
  const { redemptionId, creatorId, from, millidiamonds, payout, reason, ledgerSeq } = event.data;
  const state = stateAfter(event);
  const told: Told = {
    type: event.type.replace(/^carat\.(.+)\.v1$/, '$1'),
    timestamp: event.time,
    data: {
      redemptionId,
      creatorId,
      state,
      from,
      millidiamonds,
      payout,
      ...(reason === undefined || state === 'in_review' ? {} : { reason }),
      ledgerSeq,
      eventId: event.id,
    },
  };
  const { id: eventId, time } = event;
  return { eventId, creatorId, type: told.type, atMs: Date.parse(time), body: JSON.stringify(told) };
}

/** An endpoint as it decides on what it is told. */
export interface Listener {
  readonly endpointId: string;
  readonly createdAtMs: number;
  /** Null: every creator's. */
  readonly creatorIds: readonly string[] | null;
}

/** A webhook for one endpoint. */
export interface Delivery extends Webhook {
  readonly deliveryId: string;
  readonly endpointId: string;
}

/**
 * A webhook for each endpoint that wants to hear of its creator and was there when it happened. The delivery's id
 * follows from endpoint and event, so whatever is read again gives the same deliveries.
 */
export function deliveriesOf(webhooks: readonly Webhook[], listeners: readonly Listener[]): Delivery[] {
  return listeners.flatMap(({ endpointId, createdAtMs, creatorIds }) => {
    const wanted = creatorIds === null ? undefined : new Set(creatorIds);
    return webhooks
      .filter(({ atMs, creatorId }) => atMs >= createdAtMs && wanted?.has(creatorId) !== false)
      .map((webhook) => ({ ...webhook, endpointId, deliveryId: deliveryIdOf(endpointId, webhook) }));
  });
}

const deliveryIdOf = (endpointId: string, { atMs, eventId }: Webhook): string =>
  `whd_${derivedUuid(atMs, 'webhook delivery', endpointId, eventId)}`;
