import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { fc, test } from '@fast-check/jest';
import { afterAll, beforeAll, expect } from '@jest/globals';
import pg from 'pg';
import type { Digest } from '../seals/digest.js';
import { bagIn, bagOfRows, Fingerprint } from './fingerprint.js';
import { hashOfRow, RowHash } from './row-hash.js';

const KEY = 'a key of this run, of its own';

interface Row {
  readonly name: string | undefined;
  readonly amount: bigint | undefined;
  readonly partition: number;
}

/** What an event would say of a row: its fields, in the order of its columns. */
class ThreeFields extends RowHash {
  of({ name, amount, partition }: Row): Digest {
    this.start();
    this.text(name);
    this.bigint(amount);
    this.integer(partition);
    return this.digest();
  }
}

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
}, 60_000);
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

const SQL = `
  SELECT ${bagOfRows('hash')} AS bag FROM (
    SELECT ${hashOfRow(KEY, 'of')} AS hash FROM unnest($1::text[], $2::bigint[], $3::int[]) AS of OFFSET 0
  ) hashed`;

/** The bag of rows as Postgres adds it up. */
async function added(rows: readonly Row[]): Promise<ReturnType<typeof bagIn>> {
  const columns = [
    rows.map(({ name }) => name ?? null),
    rows.map(({ amount }) => amount?.toString() ?? null),
    rows.map(({ partition }) => partition),
  ];
  const { rows: answers } = await client.query<{ bag: string }>(SQL, columns);
  return bagIn(answers[0]?.bag ?? '');
}

function said(rows: readonly Row[]): string {
  const [hash, bag] = [new ThreeFields(KEY, 3), new Fingerprint()];
  for (const row of rows) bag.add(hash.of(row));
  return bag.value;
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 128 });
const rows = fc.array(
  fc.record({
    name: fc.option(printable, { nil: undefined }),
    amount: fc.option(int64, { nil: undefined }),
    partition: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  }),
  { minLength: 1, maxLength: 40 },
);

test.prop([rows])('Postgres adds up the very bag that events say, in whatever order rows lie', async (all) => {
  const { bag, count } = await added([...all].reverse());
  expect(bag).toBe(said(all));
  expect(count).toBe(all.length);
});

test.prop([rows, rows])('rows of another bag are other rows', async (some, others) => {
  const textOf = (all: readonly Row[]): string =>
    all
      .map(({ name, amount, partition }) => `${name}\n${amount}\n${partition}`)
      .sort()
      .join('\n\n');
  expect((await added(some)).bag === said(others)).toBe(textOf(some) === textOf(others));
});
