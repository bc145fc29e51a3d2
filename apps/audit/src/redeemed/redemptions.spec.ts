import { emptyRateBook } from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import { decode, type Event } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { type WorldRecord, world } from '../../test/world.js';
import { RatesPass } from '../passes/rates.js';
import { Findings } from '../verify/findings.js';
import { RedemptionsPass } from './redemptions.js';

type Books = Event<'redemption.events.v1'>;

const records = [...world({ seed: 3, gifts: 400, creators: 2, viewers: 5, partitions: 1 })];
const placeOf = ({ topic, partition, record }: WorldRecord): Position => ({
  topic,
  partition,
  offset: record.offset,
});
const eventsOf = <T extends 'redemption.events.v1' | 'rate.events.v1'>(topic: T) =>
  records.flatMap((each) => {
    const decoded = each.topic === topic ? decode(topic, each.record.value) : undefined;
    return decoded !== undefined && 'event' in decoded ? [[decoded.event, placeOf(each)] as const] : [];
  });
const own = eventsOf('redemption.events.v1');
const ratesPass = new RatesPass(new Findings());
for (const [event, position] of eventsOf('rate.events.v1')) ratesPass.add(event, position);
const rates = ratesPass.end();

/** What is found when every event is what `change` makes of it; `gained` is what each request was covered with. */
function found(change: (event: Books) => Books | undefined = (event) => event, gained = 10n ** 12n, book = rates) {
  const findings = new Findings();
  const pass = new RedemptionsPass(book, findings);
  for (const [event, position] of own) {
    const changed = change(event);
    if (changed !== undefined) pass.add(changed, position);
  }
  pass.cover(pass.points.map((point) => ({ ...point, gained })));
  return new Set(findings.of('redemptions').named.map(({ code }) => code));
}

const changed = (type: string, data: object) => (event: Books) =>
  event.type === type ? ({ ...event, data: { ...event.data, ...data } } as Books) : event;

describe('redemptions', () => {
  test('that went as they have to are found in nothing', () => {
    expect(own.length).toBeGreaterThan(20);
    expect(found()).toEqual(new Set());
  });

  test.each<[string, Parameters<typeof found>[0]]>([
    ['self_approval', changed('carat.redemption.approved.v1', { by: 'creator' })],
    ['self_approval', changed('carat.balance.adjusted.v1', { proposedBy: 'approver' })],
    ['payout_differs', changed('carat.redemption.requested.v1', { payout: { currency: 'USD', amountMinor: 1 } })],
    ['rate_not_in_book', changed('carat.redemption.requested.v1', { payout: { currency: 'EUR', amountMinor: 1 } })],
    ['redemption_changed', changed('carat.redemption.paid.v1', { millidiamonds: 1 })],
    ['illegal_move', changed('carat.redemption.accepted.v1', { from: 'approved' })],
    ['illegal_move', (event) => (event.type === 'carat.redemption.submitted.v1' ? undefined : event)],
    ['ledger_sequence_broken', (event) => (event.type === 'carat.balance.adjusted.v1' ? undefined : event)],
  ])('%s', (code, change) => {
    expect(found(change)).toContain(code);
  });

  test('redemption_exceeds_available, where what the balance included does not cover a request', () => {
    expect(found(undefined, 0n)).toEqual(new Set(['redemption_exceeds_available']));
  });

  test('rate_not_in_book, where nobody approved the rate', () => {
    expect(found(undefined, undefined, { ...emptyRateBook, completeUntilMs: Infinity })).toEqual(
      new Set(['rate_not_in_book']),
    );
  });
});
