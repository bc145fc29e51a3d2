import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { append, ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { caused, contentHash, creditIdOf, type Event, giftIdOf, partitionOf, type Topic, uuidOf } from '@carat/events';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { DataSource } from 'typeorm';
import { addAudit } from '../audit/audit.js';
import { CommandFailure, exitCode } from '../output.js';

const BIN = fileURLToPath(new URL('../../bin/carat.js', import.meta.url));
const TIME = '2026-11-20T19:00:00.000Z';
const RATE = { id: 'half', numerator: 1, denominator: 2, rounding: 'floor' as const };
const PARTITIONS = 2;
const own = partitionOf('creator-1', PARTITIONS);
// One of the three diamonds there is of another creator.
const TO_THE_END = [`diamond.events.v1/${own}:3`, `award.events.v1/${own}:1`, `redemption.events.v1/${own}:0`].join(
  ',',
);

function credited(id: string, creatorId: string, millidiamonds: number): Event<'diamond.events.v1'> {
  const giftId = giftIdOf(Date.parse(TIME), '/test', id);
  const data = {
    creditId: creditIdOf(giftId),
    creatorId,
    giftId,
    coins: 1,
    millidiamonds,
    rate: RATE,
    residue: { numerator: 0, denominator: 1 },
    context: { kind: 'live' as const, id: 'live-1' },
  };
  const cause = { source: '/test', id, time: TIME };
  const event = {
    type: 'carat.diamonds.credited.v1' as const,
    source: '/carat/conversion-service',
    subject: creatorId,
  };
  return { ...caused(cause, { ...event, data }), id: uuidOf(data.creditId) };
}

const awarded: Event<'award.events.v1'> = caused(
  { source: '/test', id: 'award', time: TIME },
  {
    type: 'carat.diamonds.awarded.v1',
    source: '/carat/recognition-service',
    subject: 'creator-1',
    data: {
      awardId: 'awd_1',
      creatorId: 'creator-1',
      programmeId: 'pgm_1',
      millidiamonds: 70,
      reason: 'views',
      evidence: {},
    },
  },
);

function rates(): Event<'rate.events.v1'>[] {
  const { id: rateId, ...fraction } = RATE;
  const content = {
    kind: 'gift-to-diamond' as const,
    market: '*',
    ...fraction,
    effectiveFrom: '1970-01-01T00:00:00.000Z',
  };
  const hash = contentHash('rate', content);
  const cause = { source: '/test', id: rateId, time: TIME };
  const written = { source: '/carat/conversion-service', subject: 'rate-book' };
  const proposal = { rateId, ...content, proposedBy: 'nina', contentHash: hash };
  const approval = { rateId, contentHash: hash, approvedBy: 'omar' };
  return [
    caused(cause, { ...written, type: 'carat.rate.proposed.v1', data: proposal }),
    caused(cause, { ...written, type: 'carat.rate.approved.v1', data: approval }),
  ];
}

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-as-of-'));
  database = await freshDatabase();
  const db = new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] });
  await db.initialize();
  await db.runMigrations();
  const topics: Topic[] = ['diamond.events.v1', 'award.events.v1', 'redemption.events.v1'];
  await ensureJournalTopics(db, [
    ...topics.map((topic) => ({ topic, partitions: PARTITIONS })),
    { topic: 'rate.events.v1', partitions: 1 },
  ]);
  const diamonds = [credited('1', 'creator-1', 500), credited('2', 'creator-1', 41), credited('3', 'creator-2', 7)];
  await db.transaction((tx) => append(tx, 'diamond.events.v1', diamonds));
  await db.transaction((tx) => append(tx, 'award.events.v1', [awarded]));
  await db.transaction((tx) => append(tx, 'rate.events.v1', rates()));
  await db.destroy();
}, 60_000);

afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

async function carat(words: string) {
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: database.url };
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

/** What the same words are refused with here, which takes no process. */
async function refusal(words: string): Promise<unknown> {
  const program = new Command('carat').exitOverride().configureOutput({ writeErr: () => undefined });
  const [, verb] = words.split(' ');
  await addAudit(program, verb);
  return program.parseAsync(words.split(' '), { from: 'user' }).catch((error: unknown) => error);
}

describe('carat audit as-of', () => {
  test('prints a creator’s balance at a position, and what it rests on', async () => {
    expect(await carat(`audit as-of --creator creator-1 --at ${TO_THE_END}`)).toEqual({
      code: 0,
      talk: '',
      data: [
        `Balance of creator-1 as of ${TO_THE_END}, in millidiamonds:`,
        '',
        'earned       541',
        'awarded       70',
        'adjusted       0',
        'reversed       0',
        'available    611',
        'held           0',
        'redeemed       0',
        'recoverable    0',
        '',
        'read       4 records from the first record; 0 repeats counted once',
        `position   ${TO_THE_END}`,
        '',
      ].join('\n'),
    });
  });

  test('prints the same as JSON, amounts as decimal strings', async () => {
    const { code, data } = await carat(`audit as-of --creator creator-1 --at ${new Date().toISOString()} --json`);
    expect(code).toBe(0);
    expect(JSON.parse(data)).toMatchObject({
      complete: true,
      creatorId: 'creator-1',
      unit: 'millidiamond',
      earned: '541',
      awarded: '70',
      available: '611',
      position: TO_THE_END,
      leftOut: { count: 0, first: [] },
    });
    const { data: earlier } = await carat('audit as-of --creator creator-1 --at 2020-01-01 --json');
    expect(JSON.parse(earlier)).toMatchObject({ earned: '0', available: '0' });
  });

  test('prints what is owed to all', async () => {
    const { code, data } = await carat(`audit as-of --liability --at ${new Date().toISOString()}`);
    expect(code).toBe(0);
    expect(data).toContain('Owed to 2 creators together');
    expect(data).toContain('available    618\n');
    expect(data).toContain('liability  618, available and held\n');
  });

  test('prints the rate book, by whom, and what was in force', async () => {
    const { code, data } = await carat(`audit as-of --rates --at ${new Date().toISOString()}`);
    expect(code).toBe(0);
    expect(data).toMatch(/^half +gift-to-diamond +\* +- +1\/2 +floor +1970-01-01T00:00:00.000Z +- +nina +omar +yes$/m);
    const { data: before } = await carat('audit as-of --rates --at rate.events.v1/0:1 --json');
    expect(JSON.parse(before)).toMatchObject({ lines: [], position: 'rate.events.v1/0:1' });
  });

  test('refuses a moment that the log has not come to, as incomplete', async () => {
    const beyond = TO_THE_END.replace(`award.events.v1/${own}:1`, `award.events.v1/${own}:2`);
    expect(await carat(`audit as-of --creator creator-1 --at ${beyond}`)).toEqual({
      code: 3,
      data: '',
      talk: `position_not_reached: award.events.v1/${own} ends at 1, before award.events.v1/${own}:2\n`,
    });
    expect(await carat('audit as-of --liability --at 2999-01-01')).toEqual({
      code: 3,
      data: '',
      talk: 'position_not_reached: --at is a time that is still to come\n',
    });
  });

  test('names what it could not read, and ends as incomplete', async () => {
    const file = join(folder, 'log.jsonl');
    const line = (offset: number, value: string) =>
      JSON.stringify({ topic: 'diamond.events.v1', partition: 0, offset, key: 'creator-1', value, recordedAt: TIME });
    const good = JSON.stringify(credited('1', 'creator-1', 500));
    await writeFile(file, [line(0, good), line(1, '{'), line(2, good)].join('\n'));
    const answer = await carat(`audit as-of --creator creator-1 --at 2026-11-21 --source file:${file}`);
    expect(answer).toMatchObject({ code: 3, talk: 'incomplete; records that are in no figure: 1\n' });
    expect(answer.data).toContain('earned       500\n');
    expect(answer.data).toContain('1 repeats counted once');
    expect(answer.data).toContain('left out   diamond.events.v1/0 at 1:');
  });

  test('answers a mistake of its caller with a sentence, nothing on stdout, and exit code 2', async () => {
    expect(await carat('audit as-of --rates')).toMatchObject({
      code: 2,
      data: '',
      talk: expect.stringContaining('--at'),
    });
  });

  test.each([
    ['--at yesterday --rates', '--at expects a time like'],
    ['--at 2026-11-20', 'as-of expects one of --creator <id>, --rates and --liability'],
    ['--at 2026-11-20 --rates --liability', 'as-of expects one of'],
    ['--at 2026-11-20 --creator é', '--creator expects 1 to 128 printable ASCII characters'],
    ['--at rate.events.v1/0:1 --creator creator-1', '--at does not say how far diamond.events.v1'],
    ['--at rate.events.v1/0:1,diamond.events.v1/0:1 --rates', '--at names diamond.events.v1/0, which has no part'],
  ])('as-of %s is a mistake of the caller', async (words, said) => {
    const failure = await refusal(`audit as-of ${words} --source ${database.url}`);
    expect(failure).toBeInstanceOf(CommandFailure);
    expect(failure).toMatchObject({ code: exitCode.usage, message: expect.stringContaining(said) });
  });
});
