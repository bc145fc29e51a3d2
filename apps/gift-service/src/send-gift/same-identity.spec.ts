import { coins } from '@carat/amounts';
import { describe, expect, it } from '@jest/globals';
import { type AskedGift, askedGift, identityKey } from '../asked-gift.js';
import { answersOf, firstOfEach, type Remembered } from './same-identity.js';
import type { Outcome } from './send-gift.js';

const NOW = '2026-11-22T10:15:30.123Z';

const gift = (id: string, quantity = 1, source = '/live', time = NOW): AskedGift =>
  askedGift(
    { source, id },
    {
      giftTypeId: 'rose',
      quantity,
      senderId: 'viewer-1',
      creatorId: 'creator-7',
      context: { kind: 'live', id: 'live-1' },
      market: '*',
      funding: { kind: 'external', reference: id },
    },
    time,
    Date.parse(NOW),
  );

// The answers do not read the events, so none is built here.
const sent = (asked: AskedGift): Outcome => ({
  asked,
  giftId: asked.giftId,
  coins: coins(asked.data.quantity),
  facts: [],
});
const refused = (asked: AskedGift): Outcome => ({ asked, refusal: 'insufficient_coins', facts: [] });
const held = (asked: AskedGift): Outcome => ({ asked, isHeld: true, facts: [] });

describe('the identities of a batch', () => {
  it('are each decided once, on the first request', () => {
    const [first, other, again] = [gift('a'), gift('b'), gift('a', 2)];
    expect(firstOfEach([first, other, again])).toEqual([first, other]);
  });

  it('are not the same when the source is not', () => {
    expect(firstOfEach([gift('a'), gift('a', 1, '/video')])).toHaveLength(2);
  });
});

describe('the answers', () => {
  it('replay what was just decided to the same content, whatever time it claims', () => {
    const [first, again] = [gift('a'), gift('a', 1, '/live', '2026-11-22T10:15:29.000Z')];
    expect(answersOf([first, again], new Map(), [sent(first)])).toEqual([
      { kind: 'sent', giftId: first.giftId, coins: 1n, replayed: false },
      { kind: 'sent', giftId: first.giftId, coins: 1n, replayed: true },
    ]);
  });

  it('tell a replay from the first also when both are one and the same request', () => {
    const asked = gift('a');
    const replayed = answersOf([asked, asked], new Map(), [sent(asked)]).map(
      (answer) => 'replayed' in answer && answer.replayed,
    );
    expect(replayed).toEqual([false, true]);
  });

  it('replay a refusal as a refusal', () => {
    const [first, again] = [gift('a'), gift('a')];
    expect(answersOf([first, again], new Map(), [refused(first)])).toEqual([
      { kind: 'refused', refusal: 'insufficient_coins', replayed: false },
      { kind: 'refused', refusal: 'insufficient_coins', replayed: true },
    ]);
  });

  it('say of a frame that it is held, the first time and again', () => {
    const [first, again] = [gift('a'), gift('a')];
    expect(answersOf([first, again], new Map(), [held(first)])).toEqual([
      { kind: 'held', replayed: false },
      { kind: 'held', replayed: true },
    ]);
  });

  it('name the gift that a frame charged, whatever its own id', () => {
    const frame = gift('a');
    const charging: Outcome = { asked: frame, giftId: 'gft_streak', coins: coins(7), facts: [] };
    expect(answersOf([frame], new Map(), [charging])).toEqual([
      { kind: 'sent', giftId: 'gft_streak', coins: 7n, replayed: false },
    ]);
  });

  it('call other content a conflict, and let the same content through after it', () => {
    const [first, other, again] = [gift('a'), gift('a', 2), gift('a')];
    const kinds = answersOf([first, other, again], new Map(), [sent(first)]).map(({ kind }) => kind);
    expect(kinds).toEqual(['sent', 'conflict', 'sent']);
  });

  it('measure every request of the batch, the first too, by what was remembered before', () => {
    const [other, again] = [gift('a', 2), gift('a')];
    const remembered: Remembered = {
      contentHash: again.contentHash,
      verdict: { giftId: 'gft_old', coins: coins(9) },
    };
    expect(answersOf([other, again], new Map([[identityKey(again.identity), remembered]]), [])).toEqual([
      { kind: 'conflict' },
      { kind: 'sent', giftId: 'gft_old', coins: 9n, replayed: true },
    ]);
  });

  it('are refused altogether when an identity was neither remembered nor decided', () => {
    expect(() => answersOf([gift('a')], new Map(), [])).toThrow('nothing was decided');
  });
});
