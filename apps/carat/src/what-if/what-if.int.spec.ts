import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { append, ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { caused, contentHash, type Event, giftIdOf } from '@carat/events';
import { freePort, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';

const BIN = fileURLToPath(new URL('../../bin/carat.js', import.meta.url));
const TIME = '2026-11-20T19:00:00.000Z';
const WINDOW = '--from 2026-11-20 --to 2026-11-21';

/** Half a diamond per coin and half a US cent per diamond, from 1970 on, in every market. */
const rates = (): Event<'rate.events.v1'>[] => [
  ...approved('half', { kind: 'gift-to-diamond' }),
  ...approved('usd', { kind: 'diamond-to-cash', currency: 'USD' }),
];

type Kind = { readonly kind: 'gift-to-diamond' } | { readonly kind: 'diamond-to-cash'; readonly currency: string };

function approved(rateId: string, kind: Kind): Event<'rate.events.v1'>[] {
  const fraction = { market: '*', numerator: 1, denominator: 2, rounding: 'floor' as const };
  const content = { ...kind, ...fraction, effectiveFrom: '1970-01-01T00:00:00.000Z' };
  const hash = contentHash('rate', content);
  const cause = { source: '/test', id: rateId, time: TIME };
  const own = { source: '/carat/conversion-service', subject: 'rate-book' };
  const data = { rateId, ...content, proposedBy: 'nina', contentHash: hash };
  const decision = { rateId, contentHash: hash, approvedBy: 'omar' };
  return [
    caused(cause, { ...own, type: 'carat.rate.proposed.v1', data }),
    caused(cause, { ...own, type: 'carat.rate.approved.v1', data: decision }),
  ];
}

function gift(id: string, creatorId: string, coins: number): Event<'gift.events.v1'> {
  const data = {
    giftId: giftIdOf(Date.parse(TIME), '/test', id),
    giftTypeId: 'rose',
    quantity: 1,
    coins,
    senderId: 'viewer-1',
    creatorId,
    context: { kind: 'live' as const, id: 'live-1' },
    market: 'DE',
    funding: { kind: 'external' as const, reference: id },
    requestedBy: { source: '/test', id },
  };
  const cause = { source: '/test', id, time: TIME };
  return caused(cause, { type: 'carat.gift.sent.v1', source: '/carat/gift-service', subject: creatorId, data });
}

const gifts = [gift('1', 'creator-1', 10), gift('2', 'creator-2', 100), gift('3', 'creator-3', 1)];

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-audit-'));
  database = await freshDatabase();
  const db = new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] });
  await db.initialize();
  await db.runMigrations();
  const topics = ['gift.events.v1', 'rate.events.v1'];
  await ensureJournalTopics(
    db,
    topics.map((topic) => ({ topic, partitions: 1 })),
  );
  await db.transaction((tx) => append(tx, 'rate.events.v1', rates()));
  await db.transaction((tx) => append(tx, 'gift.events.v1', gifts));
  await db.destroy();
}, 60_000);

afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function carat(words: string, variables: Record<string, string> = { DATABASE_URL: database.url }) {
  const env = { PATH: process.env['PATH'] ?? '', ...variables };
  const child = spawn(process.execPath, [BIN, ...words.split(' ')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [data, talk] = ['', ''];
  child.stdout.on('data', (chunk) => {
    data += chunk;
  });
  child.stderr.on('data', (chunk) => {
    talk += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, data, talk };
}

describe('carat audit what-if', () => {
  test('prints a plain table, the largest change first, and what it rests on', async () => {
    expect(await carat(`audit what-if --rate 3/5 ${WINDOW}`)).toEqual({
      code: 0,
      talk: '',
      data: [
        'What if 3/5 diamonds per coin (floor) had been in force for market *',
        'for gifts given from 2026-11-20T00:00:00.000Z to 2026-11-21T00:00:00.000Z?',
        'In millidiamonds, all gifts included:',
        '',
        'creator    booked  at 3/5  change',
        'creator-2   50000   60000  +10000',
        'creator-1    5000    6000   +1000',
        'creator-3     500     600    +100',
        'TOTAL       55500   66600  +11100',
        '',
        'residue    0/1 booked, 0/1 at 3/5',
        'priced     3 gifts and reversals, 3 by the draft; 0 repeats counted once',
        'read up to rate.events.v1 4',
        'read up to gift.events.v1 3',
        '',
      ].join('\n'),
    });
  });

  test('prints the same as JSON, amounts as decimal strings', async () => {
    const { code, data } = await carat(`audit what-if --rate 1/3 --market DE ${WINDOW} --top 1 --json`);
    expect(code).toBe(0);
    expect(JSON.parse(data)).toEqual({
      complete: true,
      unit: 'millidiamond',
      draft: {
        numerator: 1,
        denominator: 3,
        rounding: 'floor',
        market: 'DE',
        from: '2026-11-20T00:00:00.000Z',
        to: '2026-11-21T00:00:00.000Z',
      },
      positions: { 'rate.events.v1': ['4'], 'gift.events.v1': ['3'] },
      counts: { priced: 3, underDraft: 3, repeated: 0 },
      total: {
        booked: '55500',
        drafted: '36999',
        difference: '-18501',
        residue: { booked: { numerator: '0', denominator: '1' }, drafted: { numerator: '1', denominator: '1' } },
      },
      creatorsTotal: 3,
      creators: [{ creatorId: 'creator-2', booked: '50000', drafted: '33333', difference: '-16667' }],
      leftOut: { count: 0, first: [] },
    });
  });

  test('shows so many creators as were asked for, and says how many there are besides', async () => {
    const { data } = await carat(`audit what-if --rate 3/5 ${WINDOW} --top 1`);
    expect(data).toMatch(/^creator-2 +50000 +60000 +\+10000\nand 2 more\nTOTAL/m);
  });

  test('names what it could not price, and ends as incomplete', async () => {
    const file = join(folder, 'log.jsonl');
    const line = (topic: string, offset: number, event: object) =>
      JSON.stringify({ topic, partition: 0, offset, key: null, value: JSON.stringify(event), recordedAt: TIME });
    const book = rates().map((event, offset) => line('rate.events.v1', offset, event));
    const misnamed = { ...gifts[0], data: { ...gifts[0]?.data, giftId: 'gft_1' } };
    const given = [gifts[1] ?? {}, misnamed].map((event, offset) => line('gift.events.v1', offset, event));
    await writeFile(file, [...book, ...given].join('\n'));
    const answer = await carat(`audit what-if --rate 3/5 ${WINDOW} --source file:${file}`);
    expect(answer).toMatchObject({
      code: 3,
      talk: 'incomplete; records that are in no figure: 1\n',
    });
    expect(answer.data).toContain('TOTAL       50000   60000  +10000');
    expect(answer.data).toContain("left out   gift.events.v1/0 at 1: malformed_gift_id: gft_1 is not a gift's id");
    expect(await carat(`audit what-if --rate 3/5 ${WINDOW} --source file:${file} --quiet`)).toEqual({
      ...answer,
      talk: '',
    });
    await writeFile(file, [...book, 'no line of a log'].join('\n'));
    expect(await carat(`audit what-if --rate 3/5 ${WINDOW} --source file:${file}`)).toMatchObject({
      code: 3,
      data: '',
      talk: expect.stringContaining('line 5 of the file is no record of a log'),
    });
  });

  test('says what the change is worth in cash, where there is a rate to that currency', async () => {
    expect((await carat(`audit what-if --rate 3/5 ${WINDOW} --cash USD`)).data).toContain(
      'cash       +5 minor units of USD, at 1/2 per diamond\n',
    );
    expect(await carat(`audit what-if --rate 3/5 ${WINDOW} --cash CHF`)).toMatchObject({
      code: 5,
      data: '',
      talk: expect.stringContaining('no diamond-to-cash rate for market * in CHF'),
    });
  });

  test.each([
    ['', '--rate'],
    ['--rate 3/5', '--from'],
    [`--rate 0.6 ${WINDOW}`, '--rate expects diamonds per coin'],
    [`--rate 3/5 ${WINDOW} --top some`, '--top expects a whole number'],
    [`--rate 3/5 ${WINDOW} --cash usd`, '--cash expects a currency of ISO 4217, like USD'],
    [`--rate 3/5 ${WINDOW} --source mysql:db`, '--source expects env, kafka:<brokers>'],
  ])('what-if %s is a mistake of the caller', async (words, said) => {
    expect(await carat(`audit what-if ${words}`.trim())).toMatchObject({
      code: 2,
      data: '',
      talk: expect.stringContaining(said),
    });
  });

  test('names a variable that is malformed', async () => {
    expect(await carat(`audit what-if --rate 3/5 ${WINDOW}`, { KAFKA_BROKERS: 'somewhere' })).toMatchObject({
      code: 2,
      data: '',
      talk: 'KAFKA_BROKERS is malformed: expects host:port, or several of them with commas between\n',
    });
  });

  test('says which part it cannot reach', async () => {
    const port = await freePort();
    const nobody = `postgres://carat:hunter2@127.0.0.1:${port}/carat`;
    const words = `audit what-if --rate 3/5 ${WINDOW}`;
    expect(await carat(words, { DATABASE_URL: nobody })).toEqual({
      code: 4,
      data: '',
      talk: `Postgres at 127.0.0.1:${port} cannot be read: connect ECONNREFUSED 127.0.0.1:${port}\n`,
    });
    expect(await carat(words, { CARAT_HOME: '/nowhere' })).toMatchObject({
      code: 4,
      talk: expect.stringContaining('nothing runs on /nowhere: start Carat first'),
    });
    expect(await carat(`${words} --source file:/nowhere/log.jsonl`)).toMatchObject({ code: 4, data: '' });
  });
});
