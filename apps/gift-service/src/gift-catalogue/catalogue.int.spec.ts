import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GiftDatabase, giftDatabase, rose } from '../../test/gift-database.js';
import { askedGift } from '../asked-gift.js';
import type { Answer } from '../send-gift/same-identity.js';
import { SendGiftStore } from '../send-gift/send-gift.store.js';
import { catalogueOf, entriesOf, type GiftType, priceAt } from './catalogue.js';
import { CurrentCatalogue } from './catalogue.store.js';
import type { AskedGiftType } from './change-gift-type.js';
import { ChangeGiftType } from './change-gift-type.store.js';

const LEAD_MS = 300_000;
let given: GiftDatabase;
beforeAll(async () => {
  given = await giftDatabase();
});
afterAll(() => given.drop());

/** An instance of the service: a catalogue of its own in memory, over the one database. */
const instance = () => {
  const catalogue = new CurrentCatalogue(given.db, given.environment);
  return {
    catalogue,
    gifts: new SendGiftStore(catalogue, given.environment),
    completeUntil: (timeMs: number) => given.db.transaction((tx) => catalogue.completeUntil(tx, timeMs)),
    priceAt: async (giftTypeId: string, timeMs: number, market = '*') =>
      priceAt(await given.db.transaction((tx) => catalogue.completeUntil(tx, timeMs)), giftTypeId, market, timeMs),
  };
};

const asked = (giftTypeId: string, more: Partial<AskedGiftType> = {}): AskedGiftType => ({
  giftTypeId,
  name: giftTypeId,
  coins: 1,
  tier: 'emoji',
  animation: 'pop',
  streakable: true,
  onSale: true,
  market: '*',
  ...more,
});
const change = (giftTypeId: string, more: Partial<AskedGiftType> = {}): Promise<GiftType> =>
  new ChangeGiftType(given.db, given.environment).change(asked(giftTypeId, more), { principal: 'nina' });
const fromOf = ({ effectiveFrom }: GiftType): number => Date.parse(effectiveFrom);
const clockMs = async (): Promise<number> =>
  ((await given.db.query('SELECT clock_timestamp() AS now')) as [{ now: Date }])[0].now.getTime();

let gifts = 0;
/** What a gift of a time costs that reaches an instance just then, or its refusal. */
async function sent({ gifts: at }: { gifts: SendGiftStore }, giftTypeId: string, timeMs: number, more = {}) {
  const id = `gift-${gifts++}`;
  const time = new Date(timeMs).toISOString();
  const gift = askedGift({ source: '/live', id }, rose(id, { giftTypeId, ...more }), time, timeMs);
  const [answer] = (await given.db.transaction((tx) => at.send(tx, [gift]))) as [Answer];
  if (answer.kind === 'refused') return answer.refusal;
  return answer.kind === 'sent' ? Number(answer.coins) : answer.kind;
}
const around = (timeMs: number): number[] => [timeMs - 1, timeMs, timeMs + 1];
const each = async <T>(times: readonly number[], of: (timeMs: number) => Promise<T>): Promise<T[]> => {
  const answers: T[] = [];
  for (const timeMs of times) answers.push(await of(timeMs));
  return answers;
};

describe('the catalogue of an instance', () => {
  it('is complete up to the clock and the lead, and prices nothing past that', async () => {
    const one = instance();
    const before = await clockMs();
    const { completeUntilMs } = await one.completeUntil(before);
    expect(completeUntilMs).toBeGreaterThanOrEqual(before + LEAD_MS);
    expect(completeUntilMs).toBeLessThanOrEqual((await clockMs()) + LEAD_MS);
    expect(await one.priceAt('rose', (await clockMs()) + LEAD_MS + 60_000)).toBe('gift_time_in_future');
    expect(await one.priceAt('rose', 0)).toBe(1n);
  });

  it('is not read again for a time that it covers', async () => {
    const one = instance();
    const known = await one.completeUntil(await clockMs());
    await change('unread');
    expect(await one.completeUntil(await clockMs())).toBe(known);
    expect(await sent(one, 'unread', await clockMs())).toBe('unknown_gift_type');
  });

  it('is not read again for a gift that is refused for its time', async () => {
    const one = instance();
    const known = await one.completeUntil(await clockMs());
    const id = 'far';
    const time = new Date(Date.now() + 86_400_000).toISOString();
    const gift = askedGift({ source: '/live', id }, rose(id), time, await clockMs());
    expect(await given.db.transaction((tx) => one.gifts.send(tx, [gift]))).toMatchObject([
      { refusal: 'gift_time_in_future' },
    ]);
    expect(await one.completeUntil(await clockMs())).toBe(known);
  });

  it('prices a change of another instance from its begin on, and not before', async () => {
    const [one, other] = [instance(), instance()];
    await Promise.all([one, other].map((each) => each.completeUntil(0)));
    const fromMs = fromOf(await change('rosa', { coins: 25 }));
    await sleep(5);
    expect(fromMs).toBeGreaterThanOrEqual((await one.completeUntil(0)).completeUntilMs);
    for (const each of [one, other])
      for (const [timeMs, price] of [
        [fromMs - 1, 10n],
        [fromMs, 25n],
        [fromMs + 1, 25n],
      ] as const)
        expect(await each.priceAt('rosa', timeMs)).toBe(price);
  });

  it('says the same of a moment for good, whichever instance is asked and whatever changed since', async () => {
    const now = await clockMs();
    const early = await sent(instance(), 'swan', now);
    await change('swan', { coins: 1 });
    expect(await sent(instance(), 'swan', now)).toBe(early);
  });

  it('waits for a change that has taken its clock and has not committed', async () => {
    const one = instance();
    const stalling = given.db.createQueryRunner();
    await stalling.startTransaction();
    await stalling.query(`SELECT 1 FROM journal.log_head WHERE topic = 'catalogue.events.v1' FOR UPDATE`);
    const fromMs = (await clockMs()) + LEAD_MS + 1000;
    const changing = change('duck', { coins: 7, effectiveFrom: new Date(fromMs).toISOString() });
    await sleep(1100);
    let isPriced = false;
    const pricing = one.priceAt('duck', fromMs).then((price) => {
      isPriced = true;
      return price;
    });
    await sleep(100);
    expect(isPriced).toBe(false);
    await stalling.commitTransaction();
    await stalling.release();
    await changing;
    expect(await pricing).toBe(7n);
    expect(await one.priceAt('duck', fromMs - 1)).toBe(299n);
  });

  it('lets no change begin in what it has covered, however long the change waited for it', async () => {
    const reading = given.db.createQueryRunner();
    await reading.startTransaction();
    await instance().catalogue.completeUntil(reading.manager, 0);
    const changing = change('motorcycle');
    await sleep(100);
    const readMs = await clockMs();
    await reading.commitTransaction();
    await reading.release();
    expect(fromOf(await changing)).toBeGreaterThanOrEqual(readMs + LEAD_MS);
  });

  it('forgets nothing that was replaced, and keeps the last', async () => {
    const one = instance();
    const effectiveFrom = new Date((await clockMs()) + LEAD_MS + 60_000).toISOString();
    for (const coins of [5, 6, 7]) {
      await change('train', { coins, effectiveFrom });
      await one.catalogue.latest();
    }
    const { offers } = await one.catalogue.latest();
    expect(offers.get('train')?.map(({ price }) => price)).toEqual([7n, 899n]);
    expect(await instance().catalogue.latest()).toMatchObject({ offers });
  });

  it('is what reading it shows, though it does not price what is not final', async () => {
    const one = instance();
    const before = await one.completeUntil(0);
    await change('shown');
    const shown = await one.catalogue.latest();
    expect(shown.offers.has('shown')).toBe(true);
    expect(shown.completeUntilMs).toBe(before.completeUntilMs);
  });

  it('is what the topic tells, read from its start', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => change(`busy-${n % 3}`, { coins: n + 1, market: n % 2 === 0 ? '*' : 'JP' })),
    );
    const told = catalogueOf((await given.catalogueEvents()).map(({ data }) => data));
    const rows = (await given.db.query('SELECT data FROM gift.gift_type')) as { data: GiftType }[];
    expect(entriesOf(catalogueOf(rows.map(({ data }) => data)))).toEqual(entriesOf(told));
    expect(entriesOf(await instance().catalogue.latest())).toEqual(entriesOf(told));
    expect(rows.length).toBeGreaterThan(45);
  });

  it('may be changed while many send and price: nobody waits for ever', async () => {
    const now = await clockMs();
    const sending = Array.from({ length: 40 }, (_, n) => sent(instance(), n % 2 === 0 ? 'gg' : 'coffee', now));
    const changing = Array.from({ length: 20 }, (_, n) => change('gg', { coins: n + 2 }));
    const answers = await Promise.all(sending);
    await Promise.all(changing);
    expect(new Set(answers)).toEqual(new Set([1, 9]));
  });
});

describe('a gift', () => {
  it('costs what its type costs at its time, in its market before all others', async () => {
    const [one, other] = [instance(), instance()];
    const effectiveFrom = new Date((await clockMs()) + LEAD_MS + 1000).toISOString();
    await change('perfume', { coins: 30, effectiveFrom });
    await change('perfume', { coins: 40, market: 'JP', effectiveFrom });
    await change('perfume', { onSale: false, market: 'KR', effectiveFrom });
    await sleep(1100);
    const times = around(Date.parse(effectiveFrom));
    for (const at of [one, other]) {
      expect(await each(times, (timeMs) => sent(at, 'perfume', timeMs))).toEqual([20, 30, 30]);
      expect(await each(times, (timeMs) => sent(at, 'perfume', timeMs, { market: 'JP' }))).toEqual([20, 40, 40]);
      expect(await each(times, (timeMs) => sent(at, 'perfume', timeMs, { market: 'KR' }))).toEqual([
        20,
        'gift_type_not_on_sale',
        'gift_type_not_on_sale',
      ]);
    }
  });

  it('is a frame of a streak while its type may be sent in streaks', async () => {
    const fromMs = fromOf(await change('doughnut', { coins: 30, streakable: false }));
    await sleep(5);
    const frame = (timeMs: number) =>
      sent(instance(), 'doughnut', timeMs, { streak: { id: `at ${timeMs}`, final: true } });
    const no = 'gift_type_not_streakable';
    expect(await each(around(fromMs), frame)).toEqual([30, no, no]);
    expect(await sent(instance(), 'doughnut', fromMs)).toBe(30);
  });

  it('of a new type can be sent from its begin on', async () => {
    const fromMs = fromOf(await change('comet', { coins: 77 }));
    await sleep(5);
    const answers = await each(around(fromMs), (timeMs) => sent(instance(), 'comet', timeMs));
    expect(answers).toEqual(['gift_type_not_on_sale', 77, 77]);
  });

  it('that its receiver takes for present and the catalogue does not cover is refused, not priced', async () => {
    expect(await sent(instance(), 'lion', (await clockMs()) + LEAD_MS + 60_000)).toBe('gift_time_in_future');
  });
});
