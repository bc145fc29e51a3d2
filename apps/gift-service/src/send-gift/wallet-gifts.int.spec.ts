import type { Recorded } from '@carat/event-log';
import type { EventOf } from '@carat/events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rose } from '../../test/gift-database.js';
import { type GiftServer, giftServer } from '../../test/gift-server.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { BuyCoinsStore } from '../buy-coins/buy-coins.store.js';
import type { Answer } from './same-identity.js';
import { SendGiftFlow } from './send-gift.flow.js';

const NOW = new Date().toISOString();
let server: GiftServer;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  const { db } = server.given;
  await db.query(
    `TRUNCATE gift.inbox, gift.external_reference, gift.attested_coins, gift.gift, gift.coin_purchase, gift.wallet,
     gift.lot, gift.payment`,
  );
  await db.query(`DELETE FROM journal.log_record WHERE topic IN ('gift.events.v1', 'coin.events.v1')`);
  await db.query(`UPDATE journal.log_head SET next = 0 WHERE topic IN ('gift.events.v1', 'coin.events.v1')`);
});

const buy = async (purchaseId: string, viewerId: string, coins: number): Promise<void> => {
  const data = { purchaseId, viewerId, coins, paid: { currency: 'EUR', amountMinor: 1 }, channel: 'web' };
  const answer = await new BuyCoinsStore(server.given.db).buy({ source: '/live', data, receivedAtMs: Date.parse(NOW) });
  expect(answer.kind).toBe('bought');
};
const fromWallet = (senderId: string, quantity: number, more: object = {}) =>
  rose('', { funding: { kind: 'wallet' }, senderId, quantity, ...more });
const gift = (id: string, ...data: Parameters<typeof fromWallet>): AskedGift =>
  askedGift({ source: '/live', id }, fromWallet(...data), NOW, Date.parse(NOW));
const send = (asked: readonly AskedGift[]): Promise<Answer[]> =>
  server.given.db.transaction((tx) => server.given.gifts.send(tx, asked));

/** How every answer reads, at whatever door, and how often. */
const tally = (answers: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
};
const said = (answer: Answer): string => (answer.kind === 'refused' ? answer.refusal : answer.kind);

/** What the lots paid, payment by payment, in the order of the events. */
const payments = async (): Promise<{ purchaseId: string; coins: number }[]> =>
  (await server.given.giftEvents())
    .filter((event): event is EventOf<'carat.gift.sent.v1'> => event.type === 'carat.gift.sent.v1')
    .flatMap(({ data: { funding } }) => (funding.kind === 'wallet' ? funding.lots : []));
/** What was bought and is no longer held, by purchase, as the table of lots has it. */
const debits = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      (await server.given.db.query(
        `SELECT purchase_id AS id, (coins - coins_left)::int AS coins FROM gift.lot WHERE coins_left < coins`,
      )) as { id: string; coins: number }[]
    ).map(({ id, coins }) => [id, coins]),
  );
const perPurchase = (paid: readonly { purchaseId: string; coins: number }[]): Record<string, number> => {
  const sums: Record<string, number> = {};
  for (const { purchaseId, coins } of paid) sums[purchaseId] = (sums[purchaseId] ?? 0) + coins;
  return sums;
};
const shuffled = <T>(items: readonly T[], seed: number): T[] =>
  items
    .map((item, index) => ({ item, rank: ((index + 1) * 7919 * (seed + 3)) % 104_729 }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);

describe('a gift from a wallet', () => {
  it('debits the wallet once over HTTP, however often it is asked for', async () => {
    await buy('p-1', 'viewer-1', 10);
    await buy('p-2', 'viewer-1', 5);
    const ask = () => server.call('POST', '/v1/gifts', '/quiet', fromWallet('viewer-1', 12), 'a');
    const first = await ask();
    expect(first).toMatchObject({ status: 201, replayed: null, body: { coins: 12 } });
    expect(await ask()).toEqual({ ...first, replayed: 'true' });
    const lots = [
      { purchaseId: 'p-1', source: '/live', coins: 10 },
      { purchaseId: 'p-2', source: '/live', coins: 2 },
    ];
    expect(await payments()).toEqual(lots);
    const { body } = await server.call('GET', `/v1/gifts/${first.body.giftId}`, '/quiet');
    expect(body.funding).toEqual({ kind: 'wallet', lots });
    expect((await server.call('GET', '/v1/viewers/viewer-1/coins', '/live')).body).toMatchObject({
      coins: '3',
      lots: [
        { purchaseId: 'p-1', coins: 10, left: 0 },
        { purchaseId: 'p-2', coins: 5, left: 3 },
      ],
    });
  });

  it('is the same gift over the log, and a refused one takes nothing', async () => {
    await buy('p-1', 'viewer-1', 10);
    const flow = new SendGiftFlow(server.given.gifts, server.given.environment);
    const asked = [gift('a', 'viewer-1', 7), gift('b', 'viewer-1', 4), gift('c', 'viewer-1', 3)];
    const recorded = asked.map(
      ({ identity, data, receivedAtMs }, offset): Recorded<'gift.requests.v1'> => ({
        specversion: '1.0',
        type: 'carat.gift.requested.v1',
        ...identity,
        time: NOW,
        data,
        position: { topic: 'gift.requests.v1', partition: 0, offset: BigInt(offset) },
        recordedAtMs: receivedAtMs,
      }),
    );
    expect(await server.given.db.transaction((tx) => flow.onRequests(recorded, tx))).toEqual([]);
    expect((await send(asked)).map(said)).toEqual(['sent', 'insufficient_coins', 'sent']);
    expect(await debits()).toEqual({ 'p-1': 10 });
    expect((await server.given.giftEvents()).map(({ type }) => type).sort()).toEqual([
      'carat.gift.refused.v1',
      'carat.gift.sent.v1',
      'carat.gift.sent.v1',
    ]);
  });

  it('can never take more than a lot has, the table says so too', async () => {
    await buy('p-1', 'viewer-1', 10);
    for (const coins of [-1, 11])
      await expect(server.given.db.query('UPDATE gift.lot SET coins_left = $1', [coins])).rejects.toThrow(
        'lot_coins_left',
      );
  });

  it('costs four statements a batch, whatever its size, and none where no wallet is to pay', async () => {
    for (let viewer = 0; viewer < 200; viewer += 1) await buy(`p-${viewer}`, `viewer-${viewer}`, 100);
    const statementsOf = (asked: readonly AskedGift[]): Promise<number> =>
      server.given.db.transaction(async (tx) => {
        let statements = 0;
        const query = tx.query.bind(tx);
        tx.query = (sql: string, parameters?: unknown[]) => {
          statements += 1;
          return query(sql, parameters);
        };
        await server.given.gifts.send(tx, asked);
        return statements;
      });
    const external = (id: string) => askedGift({ source: '/live', id }, rose(id), NOW, Date.parse(NOW));
    const many = Array.from({ length: 1000 }, (_, n) => gift(`many-${n}`, `viewer-${n % 200}`, 3));
    await statementsOf([external('first')]);
    // Of the two, the one claims its reference instead.
    const withoutWallet = (await statementsOf([external('other')])) - 1;
    expect(await statementsOf([gift('one', 'viewer-1', 1)])).toBe(withoutWallet + 4);
    expect(await statementsOf(many)).toBe(withoutWallet + 4);
  });
});

describe('many at once', () => {
  it('spend the coins of one viewer to the last gift that they pay for, and no coin twice', async () => {
    const bought = [100, 1, 250, 49, 300, 300];
    for (const [index, coins] of bought.entries()) await buy(`p-${index}`, 'viewer-1', coins);
    const overHttp = Array.from({ length: 50 }, async (_, client) => {
      const answers = [];
      for (const n of [1, 2]) {
        const { status, body } = await server.call(
          'POST',
          '/v1/gifts',
          '/live',
          fromWallet('viewer-1', 7),
          `http-${client}-${n}`,
        );
        answers.push(status === 201 ? 'sent' : body.code);
      }
      return answers;
    });
    const inBatches = Array.from({ length: 8 }, async (_, batch) =>
      (await send(Array.from({ length: 25 }, (_, n) => gift(`log-${batch}-${n}`, 'viewer-1', 7)))).map(said),
    );
    const answers = (await Promise.all([...overHttp, ...inBatches])).flat();
    // 1000 coins pay for 142 gifts of seven.
    expect(tally(answers)).toEqual({ sent: 142, insufficient_coins: 158 });
    expect((await server.call('GET', '/v1/viewers/viewer-1/coins', '/live')).body.coins).toBe('6');
    const paid = await payments();
    expect(perPurchase(paid)).toEqual(await debits());
    // The gifts have one creator, so their events stand in the order in which the coins were taken: lot after lot.
    const order = paid.map(({ purchaseId }) => purchaseId);
    expect(order).toEqual([...order].sort());
  });

  it('with shuffled viewers, references and caps neither deadlock nor lose a coin', async () => {
    const viewers = Array.from({ length: 40 }, (_, n) => `viewer-${n}`);
    for (const viewer of viewers) await buy(`first of ${viewer}`, viewer, 30);
    for (let round = 0; round < 6; round += 1) {
      // A cap is locked first and lets one batch in at a time; without one they meet at the wallets.
      const attesting = round === 0 ? '/deep' : '/live';
      const purchases = shuffled(viewers, round).map((viewer) => buy(`${round} of ${viewer}`, viewer, 3));
      // The last round spends the last coins, so these have to be there.
      if (round === 5) await Promise.all(purchases);
      const batches = Array.from({ length: 8 }, (_, batch) =>
        send(
          shuffled(
            viewers.flatMap((viewer, n) => [
              gift(`${round}-${batch}-${n}`, viewer, 1 + (n % 3), { creatorId: `creator-${n % 7}` }),
              askedGift(
                { source: attesting, id: `paid-${round}-${batch}-${n}` },
                rose(`pay-${round}-${n}`, { creatorId: `creator-${n % 7}` }),
                NOW,
                Date.parse(NOW),
              ),
            ]),
            8 * round + batch,
          ),
        ),
      );
      await Promise.all([...batches, ...purchases]);
    }
    expect(perPurchase(await payments())).toEqual(await debits());
    const [sums] = (await server.given.db.query(
      `SELECT sum(coins)::int AS sold, sum(coins_left)::int AS held FROM gift.lot`,
    )) as [{ sold: number; held: number }];
    const spent = (await payments()).reduce((sum, { coins }) => sum + coins, 0);
    expect(sums.sold).toBe(40 * (30 + 6 * 3));
    expect(sums.held + spent).toBe(sums.sold);
    // Each viewer was asked for 48 gifts of 1, 2 or 3 coins and bought 48 coins: those of one coin were all paid.
    const held = (await server.given.db.query(
      `SELECT viewer_id AS "viewerId", sum(coins_left)::int AS held FROM gift.lot GROUP BY 1`,
    )) as { viewerId: string; held: number }[];
    expect(
      held.filter(({ viewerId }) => Number(viewerId.slice(7)) % 3 === 0).every(({ held: left }) => left === 0),
    ).toBe(true);
  });
});
