import { describe, expect, test } from '@jest/globals';
import { event, types } from '../../test/ledger-events.js';
import { after, eventOf, given, NOW_MS, none, usual, wayInto } from '../../test/redemptions.js';
import { decide, evolve, type Redemption, type RedemptionCommand } from '../redeem-diamonds/redemption.js';
import { listedRedemption } from '../redeem-diamonds/redemption-bodies.js';
import type { RedemptionEvent } from '../redeem-diamonds/redemption-machine.js';
import { FIRST_TIERS } from '../redemption-rules/redemption-rules.js';
import { deliveriesOf, type Listener, type Webhook, webhookOf } from './webhook-of.js';

type Kind = RedemptionCommand['kind'];

/** The event of a usual command, given to a redemption that others led to. */
function eventAfter(way: readonly Kind[], kind: Kind, from: Redemption = none): RedemptionEvent {
  const before = after(way, from);
  const [command, as] = usual(kind, before);
  return eventOf(before, command, given(as, { atMs: kind === 'expire' ? NOW_MS + 15 * 86_400_000 : NOW_MS }));
}

const told = (of: RedemptionEvent) => JSON.parse(webhookOf(of)?.body ?? '');

describe('a creator’s app is told', () => {
  test('what happened, of which redemption, what it is worth, and where it stands among others', () => {
    const paid = eventAfter(wayInto.in_transit, 'paid');
    const { redemptionId } = paid.data;
    expect(told(paid)).toEqual({
      type: 'redemption.paid',
      timestamp: paid.time,
      data: {
        redemptionId,
        creatorId: 'creator-7',
        state: 'paid',
        from: 'in_transit',
        millidiamonds: 20_000_000,
        payout: { currency: 'USD', amountMinor: 10_000 },
        ledgerSeq: 1,
        eventId: paid.id,
      },
    });
    expect(webhookOf(paid)).toMatchObject({ eventId: paid.id, creatorId: 'creator-7', atMs: NOW_MS });
  });

  const because = { reason: 'because' };
  test.each<[type: string, way: readonly Kind[], kind: Kind, from: string, state: string, more: object]>([
    ['requested', wayInto.none, 'request', 'none', 'requested', {}],
    ['cleared', wayInto.requested, 'clear', 'requested', 'pending_approval', {}],
    // Why it is looked into is not for whom it is about.
    ['flagged', wayInto.requested, 'flag', 'requested', 'in_review', {}],
    ['flagged', wayInto.approved, 'send_back', 'approved', 'in_review', {}],
    ['released', wayInto.in_review, 'release', 'in_review', 'pending_approval', {}],
    ['approved', wayInto.pending_approval, 'approve', 'pending_approval', 'approved', because],
    ['rejected', wayInto.in_review, 'reject', 'in_review', 'rejected', because],
    ['cancelled', wayInto.approved, 'cancel', 'approved', 'cancelled', {}],
    ['expired', wayInto.in_review, 'expire', 'in_review', 'expired', {}],
    ['submitted', wayInto.approved, 'submit', 'approved', 'submitted', {}],
    ['accepted', wayInto.submitted, 'accepted', 'submitted', 'in_transit', {}],
    ['outcome-unknown', wayInto.submitted, 'unanswered', 'submitted', 'unknown', because],
    ['paid', wayInto.submitted, 'paid', 'submitted', 'paid', {}],
    ['paid', wayInto.failed, 'paid', 'failed', 'paid', {}],
    ['failed', wayInto.submitted, 'refused', 'submitted', 'failed', { reason: 'no such account' }],
    ['failed', wayInto.paid, 'failed', 'paid', 'returned', {}],
    ['returned', wayInto.paid, 'returned', 'paid', 'returned', {}],
  ])('redemption.%s after %j and %s: from %s to %s, %j', (type, way, kind, from, state, more) => {
    const { data, ...envelope } = told(eventAfter(way, kind));
    expect(envelope.type).toBe(`redemption.${type}`);
    const { redemptionId: _id, creatorId: _creator, millidiamonds: _m, payout: _p, ...rest } = data;
    expect(rest).toEqual({ from, state, ...more, ledgerSeq: 1, eventId: expect.any(String) });
  });

  test('of an approval that is not the last one that the redemption stays where it is', () => {
    const first = eventAfter(wayInto.pending_approval, 'approve');
    const ofTwo = { ...first, data: { ...first.data, approval: { given: 1, needed: 2 } } } as RedemptionEvent;
    expect(told(ofTwo).data).toMatchObject({ from: 'pending_approval', state: 'pending_approval' });
  });

  test('the same state and reason as whoever asks for the redemption, whatever happens to it in whatever state', () => {
    const glance = { method: undefined, atMs: NOW_MS, approvalTtlMs: 1, tiers: FIRST_TIERS, isByStaff: false };
    const seen = new Set<string>();
    for (const way of Object.values(wayInto))
      for (const kind of [
        ...new Set([...Object.values(wayInto).flat(), 'release', 'send_back', 'settle_as_paid', 'settle_as_failed']),
      ] as Kind[]) {
        const before = after(way);
        const [command, as] = usual(kind, before);
        const verdict = decide(
          before,
          command,
          given(as, { atMs: NOW_MS + (kind === 'expire' ? 15 * 86_400_000 : 0) }),
        );
        if (!('event' in verdict)) continue;
        const { state, reason } = listedRedemption(evolve(before, verdict.event), glance);
        const { data } = told(verdict.event);
        expect([verdict.event.type, data.state, data.reason]).toEqual([verdict.event.type, state, reason]);
        seen.add(verdict.event.type);
      }
    expect([...seen].sort()).toEqual(types.filter((type) => type.startsWith('carat.redemption.')).sort());
  });

  test('nothing when a balance is put right: that is no redemption', () => {
    expect(webhookOf(event('carat.balance.adjusted.v1') as Parameters<typeof webhookOf>[0])).toBe(undefined);
  });

  test('nothing of what no move explains: that is a dead letter', () => {
    const impossible = event('carat.redemption.paid.v1', { from: 'cancelled' }) as RedemptionEvent;
    expect(() => webhookOf(impossible)).toThrow(expect.objectContaining({ code: 'redemption_broken' }));
  });
});

describe('a webhook goes to', () => {
  const webhook = (n: number, creatorId = 'creator-7'): Webhook => ({
    eventId: `event-${n}`,
    creatorId,
    type: 'redemption.paid',
    atMs: NOW_MS,
    body: '{}',
  });
  const listener = (n: number, change: Partial<Listener> = {}): Listener => ({
    endpointId: `whe_${n}`,
    createdAtMs: NOW_MS - 1,
    creatorIds: null,
    ...change,
  });
  const pairs = (webhooks: readonly Webhook[], listeners: readonly Listener[]): string[][] =>
    deliveriesOf(webhooks, listeners).map(({ endpointId, eventId }) => [endpointId, eventId]);

  test('every endpoint that is there, once to each', () => {
    expect(pairs([webhook(1), webhook(2)], [listener(1), listener(2)])).toEqual([
      ['whe_1', 'event-1'],
      ['whe_1', 'event-2'],
      ['whe_2', 'event-1'],
      ['whe_2', 'event-2'],
    ]);
  });

  test('those that asked for its creator, where they asked for some', () => {
    const some = listener(1, { creatorIds: ['creator-7', 'creator-8'] });
    expect(pairs([webhook(1), webhook(2, 'creator-8'), webhook(3, 'creator-9')], [some])).toEqual([
      ['whe_1', 'event-1'],
      ['whe_1', 'event-2'],
    ]);
  });

  test('no endpoint that came after it', () => {
    const [older, same, younger] = [-1, 0, 1].map((ms) => listener(ms, { createdAtMs: NOW_MS + ms }));
    expect(pairs([webhook(1)], [older, same, younger] as Listener[])).toEqual([
      ['whe_-1', 'event-1'],
      ['whe_0', 'event-1'],
    ]);
  });

  test('each under an id of endpoint and event alone', () => {
    const ids = (...args: Parameters<typeof deliveriesOf>) => deliveriesOf(...args).map(({ deliveryId }) => deliveryId);
    const all = ids([webhook(1), webhook(2)], [listener(1), listener(2)]);
    expect(new Set(all).size).toBe(4);
    expect(all[0]).toMatch(/^whd_[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids([webhook(2), webhook(1)], [listener(2), listener(1)]).sort()).toEqual(all.sort());
  });
});
