import { decode, encode } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { catalogueOf, type GiftType, priceAt, withChanges } from './catalogue.js';
import { type AskedGiftType, type ChangeVerdict, changeGiftType } from './change-gift-type.js';

const NOW_MS = Date.parse('2026-11-22T10:00:00.000Z');
const LEAD_MS = 300_000;
const EARLIEST = '2026-11-22T10:05:00.000Z';
const TOO_SOON = '2026-11-22T10:04:59.999Z';
const LATER = '2026-12-01T00:00:00.000Z';

const asked: AskedGiftType = {
  giftTypeId: 'rose',
  name: 'Rose',
  coins: 2,
  tier: 'emoji',
  animation: 'pop',
  streakable: true,
  onSale: true,
  market: '*',
};
const entry = (more: Partial<GiftType> = {}): GiftType => ({
  ...asked,
  coins: 1,
  effectiveFrom: '1970-01-01T00:00:00.000Z',
  changedBy: 'system:seed',
  ...more,
});

const when = (given: readonly GiftType[], more: Partial<AskedGiftType> = {}, principal = 'nina', version = 7) =>
  changeGiftType(
    catalogueOf(given),
    { ...asked, ...more },
    { principal, version },
    { clockMs: NOW_MS, leadMs: LEAD_MS },
  );
/** What a verdict says: its refusal, whether nothing changed, or from when on. */
const said = (verdict: ChangeVerdict): string => {
  if ('refused' in verdict) return verdict.refused;
  return verdict.event === undefined ? 'nothing changes' : `from ${verdict.stands.effectiveFrom}`;
};

describe('a change of a gift type', () => {
  it('is an event that anyone can read, of the time of its decision and by whoever asked', () => {
    const verdict = when([entry()], { effectiveFrom: LATER });
    if ('refused' in verdict || verdict.event === undefined) throw new Error(said(verdict));
    const { event, stands } = verdict;
    expect(decode('catalogue.events.v1', encode(event))).toEqual({ event });
    expect(event).toMatchObject({
      time: '2026-11-22T10:00:00.000Z',
      subject: 'rose',
      causationsource: 'nina',
      causationid: 'gift-catalogue/7',
      data: { ...asked, effectiveFrom: LATER, changedBy: 'nina' },
    });
    expect(stands).toEqual(event.data);
    const catalogue = withChanges(catalogueOf([entry()]), [stands]);
    const changeMs = Date.parse(LATER);
    expect([changeMs - 1, changeMs, changeMs + 1].map((ms) => priceAt(catalogue, 'rose', '*', ms))).toEqual([
      1n,
      2n,
      2n,
    ]);
  });

  it('has an id of its own, also when two come within a millisecond', () => {
    const ids = [7, 8].map((version) => {
      const verdict = when([entry()], {}, 'nina', version);
      return 'event' in verdict ? verdict.event?.id : undefined;
    });
    expect(new Set([...ids, undefined]).size).toBe(3);
  });

  it.each([
    [EARLIEST, `from ${EARLIEST}`],
    [TOO_SOON, 'price_starts_too_soon'],
    ['1970-01-01T00:00:00.000Z', 'price_starts_too_soon'],
    ['2026-11-22T11:05:00+01:00', `from ${EARLIEST}`],
    [undefined, `from ${EARLIEST}`],
  ])('to begin at %s is %s', (effectiveFrom, expected) => {
    expect(said(when([entry()], { effectiveFrom }))).toBe(expected);
  });

  it('may say what never was', () => {
    expect(said(when([], { giftTypeId: 'dragon' }))).toBe(`from ${EARLIEST}`);
  });

  describe('for a moment that is named', () => {
    const scheduled = entry({ coins: 2, effectiveFrom: LATER, changedBy: 'omar' });

    it('is none when that moment has it so, whoever asks and whenever', () => {
      expect(when([entry(), scheduled], { effectiveFrom: LATER })).toEqual({ stands: scheduled });
      const past = entry({ coins: 2, effectiveFrom: '2026-11-01T00:00:00.000Z' });
      expect(said(when([past], { effectiveFrom: past.effectiveFrom }))).toBe('nothing changes');
    });

    it('takes the place of another content of that moment, until the lead', () => {
      expect(said(when([entry(), scheduled], { coins: 3, effectiveFrom: LATER }))).toBe(`from ${LATER}`);
      const soon = entry({ effectiveFrom: TOO_SOON });
      expect(said(when([soon], { effectiveFrom: TOO_SOON }))).toBe('price_starts_too_soon');
    });

    it('is one also when it says what holds there anyway, for an earlier change may come between', () => {
      expect(said(when([entry()], { coins: 1, effectiveFrom: LATER }))).toBe(`from ${LATER}`);
    });
  });

  describe('for no moment', () => {
    it.each([
      ['what is in force', [entry({ coins: 2 })]],
      ['what begins until then', [entry(), entry({ coins: 2, effectiveFrom: TOO_SOON })]],
      ['what begins just then', [entry(), entry({ coins: 2, effectiveFrom: EARLIEST })]],
    ])('is none when it says %s', (_, given) => {
      expect(said(when(given))).toBe('nothing changes');
    });

    it.each([
      ['of another price', [entry()]],
      ['of what begins only later', [entry(), entry({ coins: 2, effectiveFrom: LATER })]],
      ['of what is replaced until then', [entry({ coins: 2 }), entry({ effectiveFrom: TOO_SOON })]],
      ['of another market', [entry({ coins: 2, market: 'JP' })]],
    ])('is one %s', (_, given) => {
      expect(said(when(given))).toBe(`from ${EARLIEST}`);
    });

    it('pins a market to what all have', () => {
      expect(said(when([entry({ coins: 2 })], { market: 'JP' }))).toBe(`from ${EARLIEST}`);
    });
  });

  it.each(['name', 'tier', 'animation'] as const)('counts a new %s', (field) => {
    expect(said(when([entry({ coins: 2 })], { [field]: 'new' }))).toBe(`from ${EARLIEST}`);
  });
  it.each(['streakable', 'onSale'] as const)('counts a new %s', (field) => {
    expect(said(when([entry({ coins: 2 })], { [field]: false }))).toBe(`from ${EARLIEST}`);
  });
});
