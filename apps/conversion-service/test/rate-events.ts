import { derivedUuid, type EventOf } from '@carat/events';
import { proposalHash, type RateEvent } from '../src/rate-book/rate-book.js';

type Proposed = EventOf<'carat.rate.proposed.v1'>;

/** A clock time of one day, in milliseconds. */
export const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

const envelope = (name: string) => ({
  specversion: '1.0' as const,
  id: derivedUuid(0, 'test', name),
  source: '/carat/conversion-service',
  subject: 'rate-book',
  time: '2026-01-01T00:00:00.000Z',
});

/** A proposal for gifts, 1/2 from 1970 for all markets unless it says otherwise. */
export function proposed(rateId: string, change: Partial<Proposed['data']> = {}): Proposed {
  const proposal = {
    rateId,
    kind: 'gift-to-diamond' as const,
    market: '*',
    numerator: 1,
    denominator: 2,
    rounding: 'floor' as const,
    effectiveFrom: timeOf(0),
    proposedBy: 'operator:nina',
    ...change,
  };
  const data = { contentHash: proposalHash(proposal), ...proposal };
  return { ...envelope(`${rateId}-proposed`), type: 'carat.rate.proposed.v1', data };
}

export const approved = ({ data: { rateId, contentHash } }: Proposed): RateEvent => ({
  ...envelope(`${rateId}-approved`),
  type: 'carat.rate.approved.v1',
  data: { rateId, contentHash, approvedBy: 'approver:omar' },
});

export const rejected = ({ data: { rateId, contentHash } }: Proposed): RateEvent => ({
  ...envelope(`${rateId}-rejected`),
  type: 'carat.rate.rejected.v1',
  data: { rateId, contentHash, rejectedBy: 'approver:omar', reason: 'too high' },
});

/** A rate proposed and approved. */
export function inForce(rateId: string, change: Partial<Proposed['data']> = {}): RateEvent[] {
  const proposal = proposed(rateId, change);
  return [proposal, approved(proposal)];
}
