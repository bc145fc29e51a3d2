import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenReader } from '@carat/event-log';
import { freePort, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type LogEnvironment, LogUnreachable, openLogSource } from './log-source.worker.js';

const NOWHERE: LogEnvironment = { home: '.carat', brokers: undefined, databaseUrl: undefined, kafka: { prefix: '' } };
const GIFTS = 'gift.events.v1';

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-log-source-'));
  database = await freshDatabase();
});
afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

const open = (source: Parameters<typeof openLogSource>[0], environment = NOWHERE): Promise<OpenReader> =>
  openLogSource(source, async () => environment);

describe('a source that cannot be reached', () => {
  test('is told in a sentence, without a password', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const url = `postgres://carat:hunter2@${nobody}/carat`;
    const failure = await open({ kind: 'postgres', url }).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(LogUnreachable);
    expect((failure as Error).message).toBe(`Postgres at ${nobody} cannot be read: connect ECONNREFUSED ${nobody}`);
    await expect(open({ kind: 'environment' }, { ...NOWHERE, databaseUrl: url })).rejects.toThrow(LogUnreachable);
    await expect(open({ kind: 'kafka', brokers: [nobody] })).rejects.toThrow(`Kafka at ${nobody} cannot be read`);
    await expect(open({ kind: 'environment' })).rejects.toThrow('nothing runs on .carat');
    await expect(open({ kind: 'file', path: join(folder, 'none') })).rejects.toThrow('cannot be read: ENOENT');
  });

  test('is one that holds no journal, too', async () => {
    await expect(open({ kind: 'postgres', url: database.url })).rejects.toThrow('this database holds no journal');
  });
});

describe('a log in a file', () => {
  const line = (partition: number, offset: number, value = 'x'): string =>
    `${JSON.stringify({ topic: GIFTS, partition, offset, key: null, value, recordedAt: '2026-11-20T19:00:00Z' })}\n`;
  const opened = async (text: string): Promise<OpenReader> => {
    await writeFile(join(folder, 'log.jsonl'), text);
    return open({ kind: 'file', path: join(folder, 'log.jsonl') });
  };

  test('may mix its partitions, leave gaps, and hold a line separator in a text', async () => {
    const log = await opened(`${line(1, 0)}${line(0, 2, 'a\u2028b')}\n${line(1, 5)}${line(1, 6).trimEnd()}`);
    expect(await log.ends([GIFTS, 'rate.events.v1'])).toEqual({ [GIFTS]: [3n, 7n], 'rate.events.v1': [] });
    const timeMs = Date.parse('2026-11-20T19:00:00Z');
    expect(await log.offsetsAt([GIFTS], timeMs)).toEqual({ [GIFTS]: [0n, 0n] });
    expect(await log.offsetsAt([GIFTS], timeMs + 1)).toEqual({ [GIFTS]: [3n, 7n] });
    const read: string[] = [];
    for await (const { partition, records, nextOffset } of log.read(
      [GIFTS],
      { [GIFTS]: [0n, 5n] },
      { [GIFTS]: [3n, 6n] },
    ))
      read.push(`${partition}: ${records.map(({ offset, value }) => `${offset} ${value}`)} → ${nextOffset}`);
    expect(read).toEqual(['0: 2 a\u2028b → 3', '1: 5 x → 6']);
  });

  test.each([
    ['goes back', `${line(0, 1)}${line(0, 0)}`, 'line 2 of the file is no record of a log'],
    ['repeats an offset', `${line(0, 1)}${line(0, 1)}`, 'gift.events.v1/0 goes from offset 1 to 1'],
    ['ends in the middle of a line', `${line(0, 1)}{"topic":`, 'line 2 of the file'],
  ])('that %s is no log', async (_, text, sentence) => {
    const log = await opened(text);
    await expect(log.ends([GIFTS])).rejects.toThrow(sentence);
    await expect(log.ends([GIFTS])).rejects.not.toThrow(LogUnreachable);
  });
});
