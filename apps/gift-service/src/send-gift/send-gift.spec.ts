import { coins } from '@carat/amounts';
import { decode, encode, type GiftRefusal, type GiftRequest, timeOfId } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { giftType } from '../../test/gift-type.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { catalogueOf } from '../gift-catalogue/catalogue.js';
import { capKey, type Outcome, referenceKey, type SendingState, sendGifts } from './send-gift.js';

const NOW = '2026-11-22T10:15:30.123Z';
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const DAY_MS = 86_400_000;
const before = (ms: number): string => new Date(Date.parse(NOW) - ms).toISOString();

const given: SendingState = {
  catalogue: catalogueOf([
    giftType('rose', 1),
    giftType('lion', 29_999, { streakable: false }),
    giftType('retired', 5, { onSale: false }),
    giftType('eclipse', 100, { effectiveFrom: '2026-11-22T10:15:30.123Z' }),
    giftType('regional', 10),
    giftType('regional', 7, { market: 'JP' }),
    giftType('regional', 10, { market: 'FR', onSale: false }),
  ]),
  sources: new Map([
    ['/live', { attestExternal: true }],
    ['/capped', { attestExternal: true, dailyCoinCap: coins(100) }],
    ['/quiet', { attestExternal: false }],
  ]),
  rules: { latenessMs: 7 * DAY_MS, skewMs: 120_000, streakTimeoutMs: 30_000 },
  freshReferences: new Set(
    ['/live', '/capped', '/quiet'].flatMap((s) => ['p-1', 'p-2', 'p-3'].map((r) => referenceKey(s, r))),
  ),
  coinsAttested: new Map(),
  wallets: new Map(),
  streaks: new Map(),
};

interface Asked extends Partial<GiftRequest> {
  readonly source?: string;
  readonly id?: string;
  readonly time?: string;
  readonly reference?: string;
}

const gift = ({ source = '/live', id = 'e-1', time = NOW, reference = 'p-1', ...data }: Asked = {}): AskedGift =>
  askedGift(
    { source, id },
    {
      giftTypeId: 'rose',
      quantity: 1,
      senderId: 'viewer-1',
      creatorId: 'creator-7',
      context: { kind: 'live', id: 'live-1' },
      market: '*',
      funding: { kind: 'external', reference },
      ...data,
    },
    time,
    Date.parse(NOW),
  );

/** What became of each gift: its coins, or the sentence of its refusal. */
const when = (asked: readonly AskedGift[], state = given): (number | GiftRefusal | 'held')[] =>
  sendGifts(asked, state).outcomes.map(became);
const became = (outcome: Outcome): number | GiftRefusal | 'held' => {
  if ('isHeld' in outcome) return 'held';
  return 'refusal' in outcome ? outcome.refusal : Number(outcome.coins);
};
const eventOf = (outcome: Outcome | undefined) => outcome?.facts[0]?.event;

describe('a gift that is sent', () => {
  it('spends its price times its quantity', () => {
    expect(when([gift({ giftTypeId: 'lion', quantity: 3 })])).toEqual([89_997]);
  });

  it('says so in an event of its own, caused by the request and dated as the gift was', () => {
    const asked = askedGift(
      { source: '/live', id: 'e-1' },
      gift().data,
      '2026-11-22T11:15:30.123+01:00',
      Date.parse(NOW),
      TRACEPARENT,
    );
    const [outcome] = sendGifts([asked], given).outcomes;
    expect(eventOf(outcome)).toMatchObject({
      type: 'carat.gift.sent.v1',
      source: '/carat/gift-service',
      subject: 'creator-7',
      time: NOW,
      traceparent: TRACEPARENT,
      causationsource: '/live',
      causationid: 'e-1',
    });
    expect(eventOf(outcome)?.data).toEqual({
      giftId: asked.giftId,
      giftTypeId: 'rose',
      quantity: 1,
      coins: 1,
      senderId: 'viewer-1',
      creatorId: 'creator-7',
      context: { kind: 'live', id: 'live-1' },
      market: '*',
      funding: { kind: 'external', reference: 'p-1' },
      requestedBy: { source: '/live', id: 'e-1' },
    });
    expect(timeOfId(asked.giftId)).toBe(Date.parse(NOW));
  });

  it('has the same identity, and so the same id, only from the same source', () => {
    expect(gift({ source: '/capped' }).giftId).not.toBe(gift().giftId);
    expect(gift().giftId).toBe(gift().giftId);
  });

  it('has the same content whatever its time, and another with another quantity', () => {
    expect(gift({ time: before(5) }).contentHash).toBe(gift().contentHash);
    expect(gift({ quantity: 2 }).contentHash).not.toBe(gift().contentHash);
  });
});

describe('the ladder of refusals', () => {
  const rungs: readonly [GiftRefusal, no: Asked, yes: Asked][] = [
    ['unknown_gift_type', { giftTypeId: 'dragon' }, { giftTypeId: 'rose' }],
    ['unknown_gift_type', { giftTypeId: '__proto__' }, {}],
    ['gift_type_not_on_sale', { giftTypeId: 'retired' }, {}],
    ['gift_type_not_on_sale', { giftTypeId: 'eclipse', time: before(1) }, { giftTypeId: 'eclipse' }],
    ['gift_type_not_on_sale', { giftTypeId: 'regional', market: 'FR' }, { giftTypeId: 'regional', market: 'JP' }],
    ['sender_is_creator', { senderId: 'creator-7' }, { senderId: 'Creator-7' }],
    ['gift_time_too_old', { time: before(7 * DAY_MS + 1) }, { time: before(7 * DAY_MS) }],
    ['gift_time_too_old', { time: before(400 * DAY_MS) }, {}],
    ['gift_time_in_future', { time: before(-120_001) }, { time: before(-120_000) }],
    ['gift_time_in_future', { time: before(-3_600_000) }, {}],
    ['amount_too_large', { quantity: 9_007_199_254_741 }, { quantity: 9_007_199_254_740 }],
    ['amount_too_large', { giftTypeId: 'lion', quantity: Number.MAX_SAFE_INTEGER }, {}],
    [
      'gift_type_not_streakable',
      { giftTypeId: 'lion', streak: { id: 's', final: true } },
      { streak: { id: 's', final: true } },
    ],
    ['insufficient_coins', { funding: { kind: 'wallet' } }, {}],
    ['external_funding_not_attested', { source: '/quiet' }, {}],
    ['external_funding_not_attested', { source: '/unknown' }, {}],
    ['external_reference_already_used', { reference: 'p-0' }, { reference: 'p-3' }],
    ['daily_coin_cap_exceeded', { source: '/capped', quantity: 101 }, { source: '/capped', quantity: 100 }],
  ];

  it.each(rungs)('%s: no to %j, yes to %j', (refusal, no, yes) => {
    expect(when([gift(no)])).toEqual([refusal]);
    expect(when([gift(yes)])[0]).toEqual(expect.any(Number));
  });

  it.each(rungs)('%s: %j writes an event, and uses up neither reference nor cap', (refusal, no) => {
    const asked = gift(no);
    const { outcomes, state } = sendGifts([asked], given);
    expect(eventOf(outcomes[0])).toMatchObject({
      type: 'carat.gift.refused.v1',
      subject: 'creator-7',
      data: { requestedBy: asked.identity, reason: refusal, request: asked.data },
    });
    expect(state).toEqual(given);
  });

  it('names the first thing that is wrong', () => {
    const everything = { senderId: 'creator-7', time: before(400 * DAY_MS), streak: { id: 's', final: true } };
    expect(when([gift({ giftTypeId: 'dragon', ...everything })])).toEqual(['unknown_gift_type']);
    expect(when([gift(everything)])).toEqual(['sender_is_creator']);
    expect(when([gift({ ...everything, senderId: 'viewer-1' })])).toEqual(['gift_time_too_old']);
  });

  it('takes a market of its own before the price for all', () => {
    expect(
      when(['JP', 'US', '*'].map((market, at) => gift({ giftTypeId: 'regional', market, reference: `p-${at + 1}` }))),
    ).toEqual([7, 10, 10]);
  });

  it.each(['9999-12-31T23:59:59-23:59', '0000-01-01T00:00:00+23:59'])('keeps an event about %s readable', (time) => {
    const [outcome] = sendGifts([gift({ time })], given).outcomes;
    expect(outcome).toHaveProperty('refusal');
    expect(decode('gift.events.v1', encode(eventOf(outcome) ?? {}))).toHaveProperty('event');
  });
});

describe('a gift from a wallet', () => {
  const lot = (sequence: number, left: number) => ({
    sequence,
    source: '/live',
    purchaseId: `buy-${sequence}`,
    left: coins(left),
  });
  const holding: SendingState = { ...given, wallets: new Map([['viewer-1', [lot(3, 10), lot(4, 5)]]]) };
  const ofWallet = (id: string, quantity: number, more: Asked = {}): AskedGift =>
    gift({ id, quantity, funding: { kind: 'wallet' }, ...more });

  it('is paid by the oldest lots, and says so', () => {
    const { outcomes, state } = sendGifts([ofWallet('a', 12)], holding);
    expect(eventOf(outcomes[0])?.data).toMatchObject({
      coins: 12,
      funding: {
        kind: 'wallet',
        lots: [
          { purchaseId: 'buy-3', source: '/live', coins: 10 },
          { purchaseId: 'buy-4', source: '/live', coins: 2 },
        ],
      },
    });
    expect(decode('gift.events.v1', encode(eventOf(outcomes[0]) ?? {}))).toEqual({ event: eventOf(outcomes[0]) });
    expect(state.wallets).toEqual(new Map([['viewer-1', [lot(4, 3)]]]));
  });

  it('may take the last coin, and not one more', () => {
    expect(when([ofWallet('a', 15)], holding)).toEqual([15]);
    expect(when([ofWallet('a', 16)], holding)).toEqual(['insufficient_coins']);
  });

  it('is paid by no more lots than its event can name on any broker', () => {
    const longest = '"'.repeat(124);
    const many = Array.from({ length: 1_501 }, (_, n) => ({
      ...lot(n + 1, 1),
      ...{ source: `"${longest}"`, purchaseId: `${longest}${n}` },
    }));
    const state: SendingState = { ...given, wallets: new Map([['viewer-1', many]]) };
    const refused = sendGifts([ofWallet('a', 1_501)], state);
    expect(refused.outcomes.map(became)).toEqual(['gift_spans_too_many_lots']);
    expect(refused.state).toEqual(state);
    const [sent] = sendGifts([ofWallet('a', 1_500)], state).outcomes;
    expect(encode(eventOf(sent) ?? {}).length).toBeLessThan(1_000_000);
    expect(eventOf(sent)?.data).toMatchObject({ coins: 1_500 });
  });

  it('that is refused for whatever reason uses up nothing', () => {
    const refused = [
      ofWallet('a', 16),
      ofWallet('b', 1, { giftTypeId: 'dragon' }),
      ofWallet('c', 1, { time: before(-1e9) }),
    ];
    const { outcomes, state } = sendGifts(refused, holding);
    expect(outcomes.every((outcome) => 'refusal' in outcome)).toBe(true);
    expect(state).toEqual(holding);
  });

  it('leaves to the next of the batch what it did not take', () => {
    const asked = [ofWallet('a', 9), ofWallet('b', 7), ofWallet('c', 6), ofWallet('d', 1)];
    expect(when(asked, holding)).toEqual([9, 'insufficient_coins', 6, 'insufficient_coins']);
  });

  it('spends the coins of its sender alone, whatever its source attests', () => {
    expect(when([ofWallet('a', 1, { senderId: 'viewer-2' })], holding)).toEqual(['insufficient_coins']);
    expect(when([ofWallet('a', 1, { source: '/quiet' })], holding)).toEqual([1]);
  });
});

describe('gifts of one batch', () => {
  it('share a reference: the first that is accepted has it', () => {
    const asked = [
      gift({ id: 'e-1', giftTypeId: 'dragon' }),
      gift({ id: 'e-2', quantity: 5 }),
      gift({ id: 'e-3' }),
      gift({ id: 'e-4', source: '/capped' }),
    ];
    expect(when(asked)).toEqual(['unknown_gift_type', 5, 'external_reference_already_used', 1]);
  });

  it('share a cap: what does not fit is refused, what still fits is taken', () => {
    const ofCapped = (id: string, quantity: number, reference: string): AskedGift =>
      gift({ source: '/capped', id, quantity, reference });
    const { outcomes, state } = sendGifts(
      [ofCapped('a', 60, 'p-1'), ofCapped('b', 50, 'p-2'), ofCapped('c', 40, 'p-2')],
      given,
    );
    expect(outcomes.map((outcome) => 'coins' in outcome)).toEqual([true, false, true]);
    expect(state.coinsAttested).toEqual(new Map([[capKey('/capped', Date.parse(NOW)), 100n]]));
    expect([...state.freshReferences].filter((key) => key.startsWith('/capped'))).toEqual([
      referenceKey('/capped', 'p-3'),
    ]);
  });

  it('count against the UTC day on which they were received, not the day they were given', () => {
    const late = {
      ...gift({ source: '/capped', quantity: 100, id: 'a' }),
      receivedAtMs: Date.parse('2026-11-22T23:59:59.999Z'),
    };
    const next = {
      ...gift({ source: '/capped', quantity: 100, id: 'b', reference: 'p-2' }),
      receivedAtMs: Date.parse('2026-11-23T00:00:00.000Z'),
    };
    expect(when([late, next])).toEqual([100, 100]);
  });

  it('leave the state they were given as it was', () => {
    const fresh = new Set(given.freshReferences);
    sendGifts([gift()], given);
    expect(given.freshReferences).toEqual(fresh);
    expect(given.coinsAttested).toEqual(new Map());
  });
});
