import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { coinBooks } from '../../test/coin-books.js';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';
import { askedGift } from '../asked-gift.js';

const VIEWERS = 6;
const ROUNDS = 30;
const NOW = new Date().toISOString();
let server: GiftServer;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

/** Numbers below a bound, the same ones for the same seed. */
const dice = (seed: number) => {
  let state = seed;
  return (bound: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return (state >>> 3) % bound;
  };
};
const anyKey = () => `key-${Math.random()}`;
const post = (path: string, as: string, body: unknown): Promise<Answered> =>
  server.call('POST', path, as, body, anyKey());

/** One of eight who write at the same time. It answers the codes that it was given. */
async function writer(number: number): Promise<string[]> {
  const roll = dice(number + 1);
  const said: string[] = [];
  const note = (what: string, { status, body }: Answered): unknown => said.push(`${what} ${body.code ?? status}`);

  const buy = async (round: number): Promise<void> => {
    const viewerId = `viewer-${roll(VIEWERS)}`;
    const paid = { currency: 'EUR', amountMinor: 1 };
    const body = { purchaseId: `p-${number}-${round}`, viewerId, coins: 1 + roll(60), paid, channel: 'web' };
    note('buy', await post('/v1/coin-purchases', '/live', body));
  };
  const sendBatch = (round: number): Promise<unknown> =>
    server.given.db.transaction((tx) =>
      server.given.gifts.send(
        tx,
        Array.from({ length: 12 }, (_, n) => {
          const senderId = `viewer-${roll(VIEWERS)}`;
          const more = { funding: { kind: 'wallet' } as const, senderId, creatorId: `creator-${roll(5)}` };
          // Every third is a frame of a streak that others tell as well, and few of them end.
          const streak = n % 3 === 0 ? { streak: { id: `s-${roll(4)}`, final: roll(6) === 0 } } : {};
          const data = rose('', { ...more, ...streak, quantity: 1 + roll(9) });
          return askedGift({ source: '/live', id: `${number}-${round}-${n}` }, data, NOW, Date.parse(NOW));
        }),
      ),
    );
  const refund = async (): Promise<void> => {
    const purchaseId = `p-${roll(8)}-${roll(ROUNDS)}`;
    note('refund', await post(`/v1/coin-purchases/${purchaseId}/reversal`, '/live', { reason: 'chargeback' }));
  };
  const moderate = async (round: number): Promise<void> => {
    const gifts = (await server.given.db.query(
      `SELECT 'gft_' || gift_id AS id FROM gift.gift WHERE coins_standing > 0 ORDER BY gift_id OFFSET $1 LIMIT 1`,
      [roll(20)],
    )) as { id: string }[];
    const path = `/v1/gifts/${gifts[0]?.id}/reversals`;
    const part = roll(2) === 0 ? {} : { coins: 1 + roll(4) };
    const asked = { reversalId: `${number}-${round}`, reason: 'abuse', restoreCoins: roll(2) === 0, ...part };
    const proposal = await post(path, 'operator', asked);
    if (proposal.status !== 201) return;
    const { reversalId, contentHash } = proposal.body;
    note('moderate', await post(`${path}/${reversalId}/approval`, 'approver', { contentHash }));
  };

  for (let round = 0; round < ROUNDS; round += 1) {
    const what = roll(8);
    if (what < 3) await buy(round);
    else if (what < 5) await sendBatch(round);
    else if (what < 6) await refund();
    else await moderate(round);
  }
  return said;
}

it('eight who buy, send, tell streaks, refund and moderate at once neither deadlock nor lose a coin', async () => {
  const said = (await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)))).flat();
  const kinds = new Set(said);
  for (const often of ['buy 201', 'refund 200', 'moderate 200']) expect(kinds).toContain(often);
  const expected = ['buy 201', 'refund 200', 'refund purchase_not_found', 'refund purchase_already_reversed'];
  expect(
    [...kinds].filter((one) => ![...expected, 'moderate 200', 'moderate gift_already_reversed'].includes(one)),
  ).toEqual([]);
  const { sold, held, spent, refunded, contradictions } = await coinBooks(server.given);
  expect(contradictions).toEqual([]);
  expect(held + spent + refunded).toBe(sold);
  for (const some of [held, spent, refunded]) expect(some).toBeGreaterThan(0);
  const ends = (await server.given.giftEvents()).flatMap(({ type, data }) =>
    type === 'carat.streak.closed.v1' ? [data.reason] : [],
  );
  expect(ends).toContain('purchase_reversed');
}, 60_000);
