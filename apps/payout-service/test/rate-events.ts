import type { Recorded } from '@carat/event-log';
import { derivedUuid, type EventOf } from '@carat/events';

type RateEvent = Recorded<'rate.events.v1'>;
type Proposal = EventOf<'carat.rate.proposed.v1'>['data'];

const FROM_THE_BEGINNING = '1970-01-01T00:00:00.000Z';
let offset = 0n;

function recorded(type: RateEvent['type'], name: string, data: object): RateEvent {
  const envelope = { specversion: '1.0', source: '/carat/conversion-service', subject: 'rate-book' };
  const position = { topic: 'rate.events.v1', partition: 0, offset: offset++ };
  const id = derivedUuid(0, type, name);
  return { ...envelope, id, type, time: FROM_THE_BEGINNING, data, position, recordedAtMs: 0 } as unknown as RateEvent;
}

/** A proposal of half a US cent per diamond, for every market and from 1970 on, unless it says otherwise. */
export function proposedRate(rateId: string, change: Partial<Proposal> = {}): RateEvent {
  return recorded('carat.rate.proposed.v1', rateId, {
    rateId,
    kind: 'diamond-to-cash',
    market: '*',
    currency: 'USD',
    numerator: 1,
    denominator: 2,
    rounding: 'floor',
    effectiveFrom: FROM_THE_BEGINNING,
    proposedBy: 'operator:nina',
    contentHash: `hash of ${rateId}`,
    ...change,
  });
}

export const approvedRate = (rateId: string, contentHash = `hash of ${rateId}`): RateEvent =>
  recorded('carat.rate.approved.v1', rateId, { rateId, contentHash, approvedBy: 'approver:omar' });
