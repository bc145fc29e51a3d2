import { coins } from '@carat/amounts';
import { decode, encode, type GiftRequest, streakGiftIdOf, timeOfId } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { giftType } from '../../test/gift-type.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { catalogueOf } from '../gift-catalogue/catalogue.js';
import { capKey, type Outcome, referenceKey, type SendingState, sendGifts } from '../send-gift/send-gift.js';
import { closeEarly, closeTimedOut, isTimedOut, type Streak, streakKeyOf } from './streak.js';

const NOW_MS = Date.parse('2026-11-22T10:15:30.000Z');
const TIMEOUT_MS = 30_000;
const KEY = ['/live', 'viewer-1', 'creator-7', 'live', 'live-1', 'rose', 's-1'];

const given: SendingState = {
  catalogue: catalogueOf([
    giftType('rose', 2),
    giftType('rose', 3, { effectiveFrom: new Date(NOW_MS + 5_000).toISOString() }),
    giftType('lion', 500, { streakable: false }),
  ]),
  sources: new Map([['/live', { attestExternal: true, dailyCoinCap: coins(20) }]]),
  rules: { latenessMs: 86_400_000, skewMs: 120_000, streakTimeoutMs: TIMEOUT_MS },
  freshReferences: new Set([referenceKey('/live', 'p-1')]),
  coinsAttested: new Map(),
  wallets: new Map([
    [
      'viewer-1',
      [
        { sequence: 1, source: '/shop', purchaseId: 'buy-1', left: coins(10) },
        { sequence: 2, source: '/shop', purchaseId: 'buy-2', left: coins(10) },
      ],
    ],
  ]),
  streaks: new Map(),
};

let ids = 0;
/** A frame that says `quantity` so far, received `afterMs` after the first moment of the evening. */
function frame(quantity: number, afterMs: number, final = false, more: Partial<GiftRequest> = {}): AskedGift {
  ids += 1;
  const data: GiftRequest = {
    giftTypeId: 'rose',
    quantity,
    senderId: 'viewer-1',
    creatorId: 'creator-7',
    context: { kind: 'live', id: 'live-1' },
    market: '*',
    streak: { id: 's-1', final },
    funding: { kind: 'wallet' },
    ...more,
  };
  const time = new Date(NOW_MS + afterMs).toISOString();
  return askedGift({ source: '/live', id: `f-${ids}` }, data, time, NOW_MS + afterMs);
}

const FINAL = true;
const became = (outcome: Outcome): number | string => {
  if ('isHeld' in outcome) return 'held';
  return 'refusal' in outcome ? outcome.refusal : Number(outcome.coins);
};
const factsOf = (outcomes: readonly Outcome[]) => outcomes.flatMap(({ facts }) => facts.map(({ event }) => event));
/** What is said on the log, in short. */
const said = (outcomes: readonly Outcome[]): string[] =>
  factsOf(outcomes).map((event) => {
    if (event.type === 'carat.gift.sent.v1') return `sent ${event.data.quantity} for ${event.data.coins}`;
    if (event.type === 'carat.streak.closed.v1') return `closed ${event.data.reason} at ${event.data.quantity}`;
    return event.type === 'carat.gift.refused.v1' ? `refused ${event.data.reason}` : event.type;
  });
const left = (state: SendingState): number =>
  (state.wallets.get('viewer-1') ?? []).reduce((sum, lot) => sum + Number(lot.left), 0);
const streakIn = ({ streaks }: SendingState): Streak => {
  const streak = streaks.get(KEY.join('\n'));
  if (streak === undefined) throw new Error('there is no streak');
  return streak;
};

describe('a streak', () => {
  it.each<[string, AskedGift[], (number | string)[], string[], number]>([
    [
      'holds coins for what each frame adds, and is charged once, by its final count',
      [frame(1, 0), frame(3, 10), frame(4, 20, FINAL)],
      ['held', 'held', 8],
      ['sent 4 for 8'],
      12,
    ],
    ['of one final frame is a gift', [frame(3, 0, FINAL)], [6], ['sent 3 for 6'], 14],
    [
      'is not changed by frames that are late, doubled or out of order',
      [frame(3, 0), frame(1, 1), frame(3, 2), frame(2, 3), frame(4, 4, FINAL), frame(4, 5, FINAL), frame(2, 6)],
      ['held', 'held', 'held', 'held', 8, 8, 'held'],
      ['sent 4 for 8'],
      12,
    ],
    [
      'is charged by its highest count, also when the final frame says less',
      [frame(5, 0), frame(2, 1, FINAL)],
      ['held', 10],
      ['sent 5 for 10'],
      10,
    ],
    [
      'that goes on after its end is charged the difference at once, as another gift',
      [frame(2, 0, FINAL), frame(5, 1), frame(7, 2, FINAL), frame(6, 3, FINAL)],
      [4, 6, 4, 4],
      ['sent 2 for 4', 'sent 3 for 6', 'sent 2 for 4'],
      6,
    ],
    [
      'whose next hold is refused is closed at what it holds',
      [frame(4, 0), frame(11, 1), frame(10, 2), frame(4, 3, FINAL)],
      ['held', 'insufficient_coins', 12, 8],
      ['closed hold_refused at 4', 'sent 4 for 8', 'refused insufficient_coins', 'sent 6 for 12'],
      0,
    ],
    [
      'does not begin with a frame that is refused',
      [frame(11, 0), frame(2, 1), frame(3, 2, FINAL)],
      ['insufficient_coins', 'held', 6],
      ['refused insufficient_coins', 'sent 3 for 6'],
      14,
    ],
    [
      'keeps the price of its first frame',
      [frame(1, 0), frame(2, 6_000), frame(3, 12_000, FINAL), frame(4, 13_000)],
      ['held', 'held', 6, 2],
      ['sent 3 for 6', 'sent 1 for 2'],
      12,
    ],
    [
      'that nobody raised in time is closed before the frame that comes too late',
      [frame(2, 0), frame(2, 20_000), frame(3, TIMEOUT_MS + 1, FINAL)],
      ['held', 'held', 2],
      ['closed timed_out at 2', 'sent 2 for 4', 'sent 1 for 2'],
      14,
    ],
    [
      'is still open at the last moment of its time',
      [frame(2, 0), frame(3, TIMEOUT_MS, FINAL)],
      ['held', 6],
      ['sent 3 for 6'],
      14,
    ],
    [
      'has its time from the frame received last, when one that waited in the log is handled behind it',
      [frame(2, 4_000), frame(3, 0), frame(4, TIMEOUT_MS + 1, FINAL)],
      ['held', 'held', 8],
      ['sent 4 for 8'],
      12,
    ],
    [
      'goes on after a frame that is refused by itself',
      [frame(1, 0), frame(9, 1, false, { market: 'JP' }), frame(2, 2, FINAL)],
      ['held', 'streak_changed', 4],
      ['refused streak_changed', 'sent 2 for 4'],
      16,
    ],
  ])('%s', (_, frames, answers, events, walletLeft) => {
    const { outcomes, state } = sendGifts(frames, given);
    expect(outcomes.map(became)).toEqual(answers);
    expect(said(outcomes)).toEqual(events);
    expect(left(state)).toBe(walletLeft);
  });

  it('is another with another source, sender, creator, context, gift type or id', () => {
    const others: Partial<GiftRequest>[] = [
      { senderId: 'viewer-2' },
      { creatorId: 'creator-8' },
      { context: { kind: 'video', id: 'live-1' } },
      { context: { kind: 'live', id: 'live-2' } },
      { giftTypeId: 'lion' },
      { streak: { id: 's-2', final: false } },
    ];
    const names = [frame(1, 0), ...others.map((other) => frame(1, 0, false, other))].map(streakKeyOf);
    expect(new Set(names).size).toBe(names.length);
    expect(streakKeyOf({ ...frame(1, 0), identity: { source: '/other', id: 'x' } })).not.toBe(names[0]);
  });

  it('is of a gift type that is sent in streaks', () => {
    const { outcomes, state } = sendGifts([frame(1, 0, false, { giftTypeId: 'lion' })], given);
    expect(outcomes.map(became)).toEqual(['gift_type_not_streakable']);
    expect(state).toEqual(given);
  });

  it.each<[string, Partial<GiftRequest>]>([
    ['another market', { market: 'JP' }],
    ['another funding', { funding: { kind: 'external', reference: 'p-1' } }],
  ])('refuses a frame that names %s, and keeps what it holds', (_, more) => {
    const opened = sendGifts([frame(1, 0)], given).state;
    const { outcomes, state } = sendGifts([frame(5, 1, FINAL, more)], opened);
    expect(outcomes.map(became)).toEqual(['streak_changed']);
    expect(state).toEqual(opened);
  });
});

describe('a streak that grows', () => {
  const lots = (count: number, left: number): SendingState => ({
    ...given,
    wallets: new Map([
      [
        'viewer-1',
        Array.from({ length: count }, (_, n) => ({
          ...{ sequence: n + 1, source: '/shop', purchaseId: `buy-${n + 1}`, left: coins(left) },
        })),
      ],
    ]),
  });

  it('is refused what all of it could not be credited, however small the step', () => {
    const most = Math.floor(Number.MAX_SAFE_INTEGER / 2000);
    const { outcomes } = sendGifts([frame(most, 0), frame(most + 1, 1), frame(1, 2, FINAL)], lots(2, 2 * most));
    expect(outcomes.map(became)).toEqual(['held', 'amount_too_large', 2 * most]);
  });

  it('is closed at what it holds when more lots would pay for it than its event can name', () => {
    const { outcomes, state } = sendGifts([frame(1_000, 0), frame(1_501, 1), frame(2_400, 2)], lots(3_000, 2));
    expect(outcomes.map(became)).toEqual(['held', 'gift_spans_too_many_lots', 2_800]);
    expect(said(outcomes)).toEqual([
      'closed hold_refused at 1000',
      'sent 1000 for 2000',
      'refused gift_spans_too_many_lots',
      'sent 1400 for 2800',
    ]);
    expect(left(state)).toBe(1_200);
  });
});

describe('the gift of a streak', () => {
  const frames = [frame(5, 0), frame(7, 1_000), frame(3, 2_000, FINAL)];
  const [sent] = factsOf(sendGifts(frames, given).outcomes);

  it('takes time, id and request from the frame of the highest count, and its lots from every hold', () => {
    const time = new Date(NOW_MS + 1_000).toISOString();
    expect(sent).toMatchObject({
      type: 'carat.gift.sent.v1',
      time,
      subject: 'creator-7',
      causationid: frames[2]?.identity.id,
      data: {
        giftId: streakGiftIdOf(NOW_MS + 1_000, KEY, 7),
        quantity: 7,
        coins: 14,
        streak: { id: 's-1', final: true },
        requestedBy: frames[1]?.identity,
        funding: {
          kind: 'wallet',
          lots: [
            { purchaseId: 'buy-1', source: '/shop', coins: 10 },
            { purchaseId: 'buy-2', source: '/shop', coins: 4 },
          ],
        },
      },
    });
    expect(timeOfId(streakGiftIdOf(NOW_MS + 1_000, KEY, 7))).toBe(NOW_MS + 1_000);
  });

  it('can be read by everyone', () => {
    const early = sendGifts([frame(4, 0), frame(11, 1)], given).outcomes;
    for (const event of [sent, ...factsOf(early)])
      expect(decode('gift.events.v1', encode(event ?? {}))).toEqual({ event });
  });
});

describe('a streak that is closed by nobody', () => {
  const open = streakIn(sendGifts([frame(2, 0), frame(3, 1_000)], given).state);

  it('times out after its last rise, and only while it is open', () => {
    expect(isTimedOut(open, TIMEOUT_MS, NOW_MS + 1_000 + TIMEOUT_MS)).toBe(false);
    expect(isTimedOut(open, TIMEOUT_MS, NOW_MS + 1_000 + TIMEOUT_MS + 1)).toBe(true);
    expect(isTimedOut(closeTimedOut(open, TIMEOUT_MS).streak, TIMEOUT_MS, NOW_MS * 2)).toBe(false);
  });

  it('is said to have closed when its time was over, whenever somebody looked, and the gift is caused by that', () => {
    const { streak, facts } = closeTimedOut(open, TIMEOUT_MS);
    const [closed, gift] = facts.map(({ event }) => event);
    expect(closed).toMatchObject({
      type: 'carat.streak.closed.v1',
      time: new Date(NOW_MS + 1_000 + TIMEOUT_MS).toISOString(),
      data: { quantity: 3, coins: 6, reason: 'timed_out', streakId: 's-1', source: '/live' },
    });
    expect(gift).toMatchObject({
      time: new Date(NOW_MS + 1_000).toISOString(),
      causationid: closed?.id,
      data: { giftId: streak.charged?.giftId, coins: 6 },
    });
    expect(closeTimedOut(open, TIMEOUT_MS)).toEqual({ streak, facts });
  });

  it('is the same gift whatever closed it', () => {
    const cause = { identity: { source: '/shop', id: 'buy-1' } };
    const reversed = closeEarly(open, 'purchase_reversed', cause, NOW_MS + 2_000);
    expect(reversed.streak.charged).toEqual(closeTimedOut(open, TIMEOUT_MS).streak.charged);
    expect(reversed.streak.held).toEqual([]);
  });
});

describe('a streak that a source attests', () => {
  const external = { funding: { kind: 'external', reference: 'p-1' } as const };

  it('uses its reference once, for all of its frames, and the cap for what they add', () => {
    const frames = [frame(1, 0, false, external), frame(4, 1, false, external), frame(6, 2, FINAL, external)];
    const { outcomes, state } = sendGifts(frames, given);
    expect(said(outcomes)).toEqual(['sent 6 for 12']);
    expect(state.coinsAttested.get(capKey('/live', NOW_MS))).toBe(12n);
    expect(state.freshReferences.size).toBe(0);
    expect(left(state)).toBe(20);
  });

  it('is closed at what it holds when it would pass the cap, and its reference pays for no other', () => {
    const { outcomes, state } = sendGifts([frame(9, 0, false, external), frame(11, 1, FINAL, external)], given);
    expect(said(outcomes)).toEqual(['closed hold_refused at 9', 'sent 9 for 18', 'refused daily_coin_cap_exceeded']);
    expect(state.coinsAttested.get(capKey('/live', NOW_MS))).toBe(18n);
    const other = frame(1, 2, FINAL, { ...external, streak: { id: 's-2', final: true } });
    expect(sendGifts([other], state).outcomes.map(became)).toEqual(['external_reference_already_used']);
  });
});
