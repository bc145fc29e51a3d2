import { setTimeout as sleep } from 'node:timers/promises';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { type Answered, type Asked, accessMigrations, IdempotentRequests, Problem } from './index.js';

let database: TestDatabase;
let db: DataSource;
let requests: IdempotentRequests;
beforeAll(async () => {
  database = await freshDatabase();
  const migrations = accessMigrations;
  db = await new DataSource({ type: 'postgres', url: database.url, migrations, poolSize: 20 }).initialize();
  await db.runMigrations();
  await db.query('CREATE TABLE effect (key text)');
  requests = new IdempotentRequests(db);
});
afterAll(async () => {
  await db?.destroy();
  await database?.drop();
});

const asked = (key: string, change: Partial<Asked> = {}): Asked => ({
  principal: 'nina',
  route: 'POST /v1/things',
  key,
  body: { n: 1, text: 'a' },
  ...change,
});
/** Leaves a row behind and answers how many there are, or fails after it has written. */
const write = (request: Asked, failure?: unknown, tookMs = 0): Promise<Answered<{ rows: number }>> =>
  requests.once(request, async (tx) => {
    await tx.query('INSERT INTO effect VALUES ($1)', [request.key]);
    await sleep(tookMs);
    if (failure !== undefined) throw failure;
    return { answer: { rows: await rowsOf(request.key, tx) }, replayed: false };
  });
const rowsOf = async (key: string, tx: { query(sql: string, values: unknown[]): Promise<unknown> } = db) =>
  ((await tx.query('SELECT 1 FROM effect WHERE key = $1', [key])) as unknown[]).length;
const codeOf = (error: unknown): unknown => (error instanceof Problem ? error.code : error);
const failureOf = (request: Promise<unknown>): Promise<unknown> => request.then(() => 'none', codeOf);

describe('a request under an Idempotency-Key', () => {
  test('happens once and gets the first answer again, however its body is written', async () => {
    expect(await write(asked('one'))).toEqual({ answer: { rows: 1 }, replayed: false });
    expect(await write(asked('one', { body: { text: 'a', n: 1 } }))).toEqual({ answer: { rows: 1 }, replayed: true });
    expect(await rowsOf('one')).toBe(1);
  });

  test('with another body is refused, and the first answer stays', async () => {
    await write(asked('two'));
    expect(await failureOf(write(asked('two', { body: { n: 2 } })))).toBe('idempotency_key_reused');
    expect(await write(asked('two'))).toMatchObject({ replayed: true });
  });

  test.each([{ principal: 'omar' }, { route: 'POST /v1/others' }])('of %j is another one', async (other) => {
    const key = JSON.stringify(other);
    await write(asked(key));
    expect(await write(asked(key, other))).toEqual({ answer: { rows: 2 }, replayed: false });
  });

  test('that is refused leaves nothing behind but the refusal, which comes again with all it said', async () => {
    const refusal = new Problem('conflict', { detail: 'why', errors: [{ pointer: '/a', code: 'b' }] });
    expect(await failureOf(write(asked('three'), refusal))).toBe('conflict');
    expect(await rowsOf('three')).toBe(0);
    await expect(write(asked('three'))).rejects.toMatchObject({
      code: 'conflict',
      more: { ...refusal.more, headers: { 'idempotency-replayed': 'true' } },
    });
    expect(await rowsOf('three')).toBe(0);
  });

  test.each([
    ['unauthorized', new Problem('unauthorized')],
    ['internal', new Problem('internal')],
    ['unavailable', new Problem('unavailable')],
    ['a fault', 'a fault'],
  ])('that failed with %s can be sent again', async (code, failure) => {
    expect(await failureOf(write(asked(`again ${code}`), failure))).toBe(code);
    expect(await write(asked(`again ${code}`))).toEqual({ answer: { rows: 1 }, replayed: false });
  });

  test('fifty times at once has one effect; everyone else is told to wait, or the answer', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        write(asked('many'), undefined, 50).then(({ replayed }) => (replayed ? 'replayed' : 'first'), codeOf),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'first')).toHaveLength(1);
    const others = outcomes.filter((outcome) => outcome !== 'first' && outcome !== 'replayed');
    expect(new Set(others)).toEqual(new Set(['idempotency_key_in_use']));
    expect(await rowsOf('many')).toBe(1);
  });
});
