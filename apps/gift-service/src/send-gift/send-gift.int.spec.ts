import type { Recorded } from '@carat/event-log';
import type { GiftRequest } from '@carat/events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type GiftDatabase, giftDatabase, rose } from '../../test/gift-database.js';
import { type AskedGift, askedGift } from '../asked-gift.js';
import { SourcesVariable } from '../sources.js';
import { GiftCollector } from './gift-collector.worker.js';
import type { Answer } from './same-identity.js';
import { SendGiftFlow } from './send-gift.flow.js';

const NOW = '2026-11-22T10:15:30.123Z';
let given: GiftDatabase;

beforeAll(async () => {
  given = await giftDatabase();
});
afterAll(() => given.drop());
beforeEach(async () => {
  await given.db.query('TRUNCATE gift.inbox, gift.external_reference, gift.attested_coins, gift.gift');
  await given.db.query(`DELETE FROM journal.log_record WHERE topic = 'gift.events.v1'`);
  await given.db.query(`UPDATE journal.log_head SET next = 0 WHERE topic = 'gift.events.v1'`);
});

const gift = (id: string, { source = '/live', ...more }: Partial<GiftRequest> & { source?: string } = {}): AskedGift =>
  askedGift({ source, id }, rose(`pay-${id}`, more), NOW, Date.parse(NOW));

const paidBy = (reference: string) => ({ funding: { kind: 'external' as const, reference } });

/** Sends a batch in a transaction of its own. */
const send = (asked: readonly AskedGift[], gifts = given.gifts): Promise<Answer[]> =>
  given.db.transaction((tx) => gifts.send(tx, asked));
const sendEachAlone = async (asked: readonly AskedGift[]): Promise<Answer[]> =>
  (await Promise.all(asked.map((one) => send([one])))).flat();

const said = (answer: Answer | undefined): string => {
  if (answer === undefined) return 'nothing';
  const said = answer.kind === 'refused' ? answer.refusal : answer.kind;
  return 'replayed' in answer && answer.replayed ? `${said} before` : said;
};
const tally = (answers: readonly Answer[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[said(answer)] = (counts[said(answer)] ?? 0) + 1;
  return counts;
};
const count = async (table: string): Promise<number> => {
  const [row] = (await given.db.query(`SELECT count(*)::int AS n FROM gift.${table}`)) as [{ n: number }];
  return row.n;
};

/** A request as the log hands it over. */
const recorded = (asked: AskedGift, offset: number): Recorded<'gift.requests.v1'> => ({
  specversion: '1.0',
  type: 'carat.gift.requested.v1',
  ...asked.identity,
  time: NOW,
  data: asked.data,
  position: { topic: 'gift.requests.v1', partition: 0, offset: BigInt(offset) },
  recordedAtMs: asked.receivedAtMs,
});
const overTheLog = (asked: readonly AskedGift[]) => {
  const flow = new SendGiftFlow(given.gifts, given.environment);
  return given.db.transaction((tx) => flow.onRequests(asked.map(recorded), tx));
};

describe('the catalogue', () => {
  it('is seeded once, event and row', async () => {
    const { seed } = await import('../gift-service.module.js').then(({ giftService }) => giftService);
    await given.db.transaction((tx) => seed?.(tx) ?? Promise.resolve());
    expect(await count('gift_type')).toBe(45);
    const [events] = (await given.db.query(
      `SELECT sum(next)::int AS n FROM journal.log_head WHERE topic = 'catalogue.events.v1'`,
    )) as [{ n: number }];
    expect(events.n).toBe(45);
  });
});

describe('one identity', () => {
  it('sent fifty times at once is one gift and forty-nine replays', async () => {
    const answers = await sendEachAlone(Array.from({ length: 50 }, () => gift('a')));
    expect(tally(answers)).toEqual({ sent: 1, 'sent before': 49 });
    expect(await count('gift')).toBe(1);
    expect(await given.giftEvents()).toHaveLength(1);
  });

  it('at two doors at once is one gift', async () => {
    const identities = Array.from({ length: 200 }, (_, n) => `id-${n}`);
    const collector = new GiftCollector(given.db, given.gifts);
    const [poison, answers] = await Promise.all([
      overTheLog(identities.map((id) => gift(id))),
      Promise.all(identities.toReversed().map((id) => collector.send(gift(id)))),
    ]);
    expect(poison).toEqual([]);
    expect(answers.every(({ kind }) => kind === 'sent')).toBe(true);
    expect(await count('gift')).toBe(200);
    expect(await given.giftEvents()).toHaveLength(200);
  });

  it('with other content is a conflict, also when both race', async () => {
    const asked = Array.from({ length: 20 }, (_, n) => gift('a', { quantity: n + 1 }));
    expect(tally(await sendEachAlone(asked))).toEqual({ sent: 1, conflict: 19 });
    expect(await given.giftEvents()).toHaveLength(1);
  });

  it('of another source is another gift', async () => {
    expect(tally(await send([gift('a'), gift('a', { source: '/video' })]))).toEqual({ sent: 2 });
  });

  it('keeps its refusal for good, with the time that it came with', async () => {
    const asked = gift('a', { source: '/quiet' });
    expect((await send([asked, asked])).map(said)).toEqual([
      'external_funding_not_attested',
      'external_funding_not_attested before',
    ]);
    const attesting = given.giftsUnder({ SOURCES: SourcesVariable.parse('{"*": {"attestExternal": true}}') });
    expect((await send([asked], attesting)).map(said)).toEqual(['external_funding_not_attested before']);
    expect((await send([gift('a', { source: '/quiet', quantity: 2 })], attesting)).map(said)).toEqual(['conflict']);
    expect((await given.giftEvents()).map(({ type }) => type)).toEqual(['carat.gift.refused.v1']);
    const rows = await given.db.query(`SELECT 'gft_' || gift_id AS "giftId", refusal FROM gift.inbox`);
    expect(rows).toEqual([{ giftId: asked.giftId, refusal: 'external_funding_not_attested' }]);
  });

  it('may hold anything printable', async () => {
    const nasty = `'; DROP TABLE gift.inbox; -- "\\{NULL},../%00`;
    const asked = askedGift(
      { source: '/live', id: nasty },
      rose(nasty, { senderId: nasty, creatorId: `x${nasty}`, context: { kind: 'live', id: nasty }, market: nasty }),
      NOW,
      Date.parse(NOW),
    );
    expect(tally([...(await send([asked])), ...(await send([asked]))])).toEqual({ sent: 1, 'sent before': 1 });
    const [event] = await given.giftEvents();
    expect(event?.data).toMatchObject({ requestedBy: asked.identity, senderId: nasty, market: nasty });
  });
});

describe('an external reference', () => {
  it('raced by twenty gifts pays for one', async () => {
    const asked = Array.from({ length: 20 }, (_, n) => gift(`id-${n}`, paidBy('pay-1')));
    expect(tally(await sendEachAlone(asked))).toEqual({ sent: 1, external_reference_already_used: 19 });
    expect(await count('external_reference')).toBe(1);
  });

  it('is not used up by a gift that is refused', async () => {
    expect(tally(await send([gift('a', { ...paidBy('pay-1'), giftTypeId: 'dragon' })]))).toEqual({
      unknown_gift_type: 1,
    });
    expect(await count('external_reference')).toBe(0);
    expect(tally(await send([gift('b', paidBy('pay-1'))]))).toEqual({ sent: 1 });
  });

  it('raced by a gift that is refused is free for the one that is not', async () => {
    for (let round = 0; round < 20; round += 1) {
      const bad = gift(`bad-${round}`, { ...paidBy(`r-${round}`), giftTypeId: 'dragon' });
      const good = gift(`good-${round}`, paidBy(`r-${round}`));
      expect(tally(await sendEachAlone([bad, good]))).toEqual({ unknown_gift_type: 1, sent: 1 });
    }
  });
});

describe('a daily cap', () => {
  const attested = async (source: string): Promise<string | undefined> => {
    const [row] = (await given.db.query('SELECT coins FROM gift.attested_coins WHERE source = $1', [source])) as {
      coins: string;
    }[];
    return row?.coins;
  };

  it('raced is used to the full and not past it', async () => {
    const asked = Array.from({ length: 25 }, (_, n) => gift(`id-${n}`, { source: '/capped', quantity: 7 }));
    expect(tally(await sendEachAlone(asked))).toEqual({ sent: 14, daily_coin_cap_exceeded: 11 });
    expect(await attested('/capped')).toBe('98');
  });

  it('is counted by batch as it is one by one', async () => {
    const asked = Array.from({ length: 25 }, (_, n) => gift(`id-${n}`, { source: '/capped', quantity: 7 }));
    expect(tally(await send(asked))).toEqual({ sent: 14, daily_coin_cap_exceeded: 11 });
    expect(tally(await send([...asked, gift('more', { source: '/capped', quantity: 2 })]))).toEqual({
      'sent before': 14,
      'daily_coin_cap_exceeded before': 11,
      sent: 1,
    });
    expect(await attested('/capped')).toBe('100');
  });

  it('is counted for no source that has none', async () => {
    await send([gift('a')]);
    expect(await attested('/live')).toBeUndefined();
  });
});

describe('the door of the log', () => {
  it('sets aside what it cannot judge, by position, and takes the rest', async () => {
    const poison = await overTheLog([
      gift('a'),
      gift('b', { source: '/nobody' }),
      gift('a', { quantity: 2 }),
      gift('a'),
      gift('c', { giftTypeId: 'dragon' }),
    ]);
    expect(poison.map(({ position, code }) => [position.offset, code])).toEqual([
      [1n, 'source_not_registered'],
      [2n, 'identity_conflict'],
    ]);
    expect((await given.giftEvents()).map(({ type }) => type).sort()).toEqual([
      'carat.gift.refused.v1',
      'carat.gift.sent.v1',
    ]);
    expect(await count('inbox')).toBe(2);
  });

  it('takes a batch in which there is nothing to judge', async () => {
    expect(await overTheLog([gift('b', { source: '/nobody' })])).toHaveLength(1);
    expect(await count('inbox')).toBe(0);
  });
});

describe('many batches at once', () => {
  const shuffled = <T>(items: readonly T[], seed: number): T[] =>
    items
      .map((item, index) => ({ item, rank: ((index + 1) * 7919 * (seed + 3)) % 104_729 }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);

  it('of the same identities, references and caps in any order neither deadlock nor count twice', async () => {
    const asked = Array.from({ length: 400 }, (_, n) =>
      gift(`id-${n}`, {
        source: n % 2 === 0 ? '/deep' : '/live',
        creatorId: `creator-${n % 37}`,
        // Two identities of a source share a reference, so one of the two is refused.
        ...paidBy(`pay-${Math.floor(n / 4)}`),
      }),
    );
    for (let round = 0; round < 5; round += 1) {
      const batches = Array.from({ length: 8 }, (_, n) => send(shuffled(asked, 8 * round + n)));
      const answers = (await Promise.all(batches)).flat();
      if (round > 0)
        expect(tally(answers)).toEqual({ 'sent before': 1600, 'external_reference_already_used before': 1600 });
      else
        expect(tally(answers)).toEqual({
          sent: 200,
          external_reference_already_used: 200,
          'sent before': 1400,
          'external_reference_already_used before': 1400,
        });
    }
    expect(await count('gift')).toBe(200);
    expect(await given.giftEvents()).toHaveLength(400);
  });

  it('of shared and of own identities neither deadlock nor lose one', async () => {
    for (let round = 0; round < 10; round += 1) {
      const shared = Array.from({ length: 50 }, (_, n) => gift(`shared-${round}-${n}`, { source: '/deep' }));
      const own = (batch: number) =>
        Array.from({ length: 50 }, (_, n) =>
          gift(`own-${round}-${batch}-${n}`, { source: '/deep', creatorId: `c-${n}` }),
        );
      await Promise.all(Array.from({ length: 8 }, (_, batch) => send(shuffled([...shared, ...own(batch)], batch))));
    }
    expect(await count('gift')).toBe(10 * (50 + 8 * 50));
    expect(await given.giftEvents()).toHaveLength(10 * (50 + 8 * 50));
    const [row] = (await given.db.query('SELECT coins FROM gift.attested_coins')) as [{ coins: string }];
    expect(row.coins).toBe('4500');
  });

  it('of the same references under other identities neither deadlock nor let one pay twice', async () => {
    for (let round = 0; round < 10; round += 1) {
      const asking = (batch: number) =>
        Array.from({ length: 100 }, (_, n) => gift(`${round}-${batch}-${n}`, paidBy(`pay-${round}-${n}`)));
      const batches = Array.from({ length: 8 }, (_, batch) => send(shuffled(asking(batch), batch)));
      expect(tally((await Promise.all(batches)).flat())).toEqual({ sent: 100, external_reference_already_used: 700 });
    }
    expect(await count('external_reference')).toBe(1000);
  });
});
