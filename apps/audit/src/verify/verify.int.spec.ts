import { encode } from '@carat/events';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { verified } from '../../test/verified.js';
import { onDatabase, worldBooks } from '../../test/world-books.js';
import type { AuditReport, Pass } from './audit-report.js';

const PARTITIONS = 4;

let template: TestDatabase;
beforeAll(async () => {
  template = await worldBooks({ seed: 7, gifts: 600, creators: 12, viewers: 40, partitions: PARTITIONS });
}, 60_000);
afterAll(() => template?.drop());

/** Verifies a copy in which somebody has changed something. */
async function tampered(change: (client: pg.Client) => Promise<unknown>): Promise<AuditReport> {
  const database = await freshDatabase(template);
  try {
    await onDatabase(database, change);
    return await verified(database);
  } finally {
    await database.drop();
  }
}

/** Appends records as their owner would, gap-free. */
/** What a service would file it under; an id that is no UUID is none of a service. */
function idIn(value: Buffer): string | null {
  const [id = null] = value.toString().match(/(?<="id":")[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=")/) ?? [];
  return id;
}

async function append(client: pg.Client, topic: string, ...values: readonly Buffer[]): Promise<void> {
  for (const value of values)
    await client.query(
      `WITH head AS (
         INSERT INTO journal.log_head (topic, part, next) VALUES ($1, 0, 1)
         ON CONFLICT (topic, part) DO UPDATE SET next = log_head.next + 1 RETURNING next)
       INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value)
       SELECT $1, 0, next - 1, $3, 'key', $2 FROM head`,
      [topic, value, idIn(value)],
    );
}

const giftType = (n: number): Buffer =>
  encode({
    specversion: '1.0',
    id: `change-${n}`,
    type: 'carat.gift-type.changed.v1',
    source: '/carat/gift-service',
    time: '2026-11-20T19:00:00.000Z',
    data: {
      giftTypeId: 'rose',
      name: 'Rose',
      coins: n,
      tier: 'small',
      animation: 'rose',
      streakable: true,
      onSale: true,
      market: '*',
      effectiveFrom: '2026-11-20T19:00:00.000Z',
      changedBy: 'nina',
    },
  });

const rateEvent = (type: string, data: object): Buffer =>
  encode({
    specversion: '1.0',
    id: `${type}-1`,
    type,
    source: '/carat/conversion-service',
    time: '2026-11-20T19:00:00.000Z',
    data: { rateId: 'rate_1', contentHash: 'hash', ...data },
  });

test('a log and books that nobody has touched are proven', async () => {
  const report = await verified(template);
  expect(report.findings).toEqual([]);
  expect(report.verdict).toBe('proven');
  expect(report.passes.filter(({ state }) => state === 'absent').map(({ pass }) => pass)).toEqual(['seals', 'journal']);
  // A pass that looked at nothing has proven nothing.
  expect(report.passes.filter(({ state, checked }) => state === 'proven' && checked === 0)).toEqual([
    expect.objectContaining({ pass: 'dead-letters' }),
  ]);
  const { totals } = report;
  expect(totals.gifts).toBe(600);
  expect(totals.earnedMillidiamonds + totals.adjustedMillidiamonds - totals.reversedMillidiamonds).toBe(
    totals.availableMillidiamonds +
      totals.heldMillidiamonds +
      totals.redeemedMillidiamonds -
      totals.recoverableMillidiamonds,
  );
});

test('a redemption that a migration has written anew is as good as one that its service wrote', async () => {
  const report = await tampered((client) => client.query('UPDATE payout.redemption SET state = state::jsonb'));
  expect(report.findings).toEqual([]);
});

test('wallets that are in no table of this database are not asked for', async () => {
  expect((await tampered((client) => client.query('DROP SCHEMA gift CASCADE'))).findings).toEqual([]);
});

/** A streak that is open, and the lot with the most coins, of which it holds two. */
const openStreak = (held: string) => `
  WITH lot AS (
    UPDATE gift.lot SET coins_left = coins_left - 2
    WHERE ctid = (SELECT ctid FROM gift.lot ORDER BY coins_left DESC LIMIT 1) RETURNING viewer_id, sequence
  )
  INSERT INTO gift.streak (streak_key, viewer_id, state, is_open)
  SELECT 'streak-1', viewer_id, json_build_object('held', ${held}), true FROM lot`;
const HELD = `json_build_object('sequence', sequence, 'coins',`;

test.each([
  ['what it holds is no gift yet, and no finding', `json_build_array(${HELD} 1), ${HELD} 1))`, []],
  ['what it holds of nothing is missing', `json_build_array(${HELD} '2'))`, ['coins lot_differs']],
  ['nonsense holds nothing', `'[5, null, "x"]'::json`, ['coins lot_differs']],
])('of an open streak %s', async (_, held, found) => {
  const { findings } = await tampered((client) => client.query(openStreak(held)));
  expect(findings.map(({ pass, code }) => `${pass} ${code}`)).toEqual(found);
});

/** Changes a text in the value of one record. */
const edit = (topic: string, from: string, to: string, where = 'true') =>
  `UPDATE journal.log_record SET value = convert_to(replace(convert_from(value, 'UTF8'), '${from}', '${to}'), 'UTF8')
   WHERE (topic, part, "offset") = (
     SELECT topic, part, "offset" FROM journal.log_record
     WHERE topic = '${topic}' AND convert_from(value, 'UTF8') LIKE '%${from}%' AND ${where}
     ORDER BY part, "offset" LIMIT 1)`;

type Mutation = readonly [Pass, string, string, (client: pg.Client) => Promise<unknown>];

const mutations: readonly Mutation[] = [
  [
    'schema',
    'invalid_event',
    'a record that is no event',
    (client) => append(client, 'catalogue.events.v1', encode({ type: 'carat.gift-type.changed.v1' })),
  ],
  ...(
    [
      ['another id', 'diamond.events.v1', 'gen_random_uuid()'],
      ['no id', 'coin.events.v1', 'NULL'],
    ] as const
  ).map(
    ([filed, topic, id]): Mutation => [
      'schema',
      'row_misfiled',
      `a record filed under ${filed}`,
      (client) =>
        client.query(
          `UPDATE journal.log_record SET event_id = ${id}
           WHERE ctid = (SELECT min(ctid) FROM journal.log_record WHERE topic = '${topic}')`,
        ),
    ],
  ),
  [
    'offsets',
    'offset_missing',
    'a record that was deleted',
    async (client) => {
      await append(client, 'catalogue.events.v1', giftType(1), giftType(2), giftType(3));
      await client.query(`DELETE FROM journal.log_record WHERE topic = 'catalogue.events.v1' AND "offset" = 1`);
    },
  ],
  [
    'offsets',
    'offset_missing',
    'the last record, deleted',
    async (client) => {
      await append(client, 'catalogue.events.v1', giftType(1), giftType(2));
      await client.query(`DELETE FROM journal.log_record WHERE topic = 'catalogue.events.v1' AND "offset" = 1`);
    },
  ],
  ...(
    [
      ['before the first offset', `topic, part, -1`],
      ['in a partition that nobody writes', `topic, part + 100, 0`],
      ['in a topic that there is not', `'junk.v1', 0, 0`],
    ] as const
  ).map(
    ([where, place]): Mutation => [
      'offsets',
      'row_past_end',
      `a record ${where}`,
      (client) =>
        client.query(`
          INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value)
          SELECT ${place}, event_id, key, value FROM journal.log_record WHERE topic = 'diamond.events.v1' LIMIT 1`),
    ],
  ),
  [
    'offsets',
    'row_past_end',
    'a record that nobody has appended',
    (client) =>
      client.query(`
        INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value)
        SELECT topic, part, "offset" + 1, event_id, key, value FROM journal.log_record
        WHERE topic = 'diamond.events.v1' AND part = 1 ORDER BY "offset" DESC LIMIT 1`),
  ],
  [
    'credits',
    'credit_differs',
    'a gift credited with more, in the log and in all books',
    async (client) => {
      await client.query(
        edit(
          'diamond.events.v1',
          '"millidiamonds":500,',
          '"millidiamonds":501,',
          `convert_from(value, 'UTF8') LIKE '%credited%'`,
        ),
      );
      await client.query(`
        WITH more AS (
          UPDATE payout.transfer SET millidiamonds = 501 WHERE event_id = (
            SELECT event_id FROM journal.log_record
            WHERE topic = 'diamond.events.v1' AND convert_from(value, 'UTF8') LIKE '%"millidiamonds":501,%')
          RETURNING creator_id, id
        ), later AS (
          UPDATE payout.balance_snapshot s SET earned = earned + 1 FROM more
          WHERE s.creator_id = more.creator_id AND transfer_id >= id)
        UPDATE payout.balance SET earned = earned + 1 WHERE creator_id = (SELECT creator_id FROM more)`);
    },
  ],
  [
    'coins',
    'lot_overspent',
    'a purchase made smaller',
    (client) => client.query(edit('coin.events.v1', '"coins":20000', '"coins":1')),
  ],
  [
    'redemptions',
    'redemption_differs',
    'a redemption called paid',
    (client) =>
      client.query(
        `UPDATE payout.redemption SET status = 'paid'
         WHERE redemption_id = (SELECT redemption_id FROM payout.redemption WHERE status <> 'paid' LIMIT 1)`,
      ),
  ],
  ...(
    [
      ['lot_missing', 'a lot that was deleted', 'DELETE FROM gift.lot WHERE ctid = (SELECT min(ctid) FROM gift.lot)'],
      [
        'lot_without_purchase',
        'a lot that nobody has bought',
        `INSERT INTO gift.lot (viewer_id, sequence, source, purchase_id, coins, coins_left, bought_at)
         VALUES ('mallory', 1, '/live-platform', 'never', 1000000, 1000000, now())`,
      ],
      [
        'lot_differs',
        'a lot that is called refunded',
        `UPDATE gift.lot SET reversed_at = now() WHERE ctid = (SELECT min(ctid) FROM gift.lot WHERE coins_left = 0)`,
      ],
    ] as const
  ).map(([code, name, statement]): Mutation => ['coins', code, name, (client) => client.query(statement)]),
  ...(
    [
      ['of more money, in what its service goes by', `jsonb_set(state::jsonb, '{asked,payout,amountMinor}', '999999')`],
      ['nested beyond all reading', `(repeat('[', 5000) || repeat(']', 5000))::json`],
      ['with a member that is there twice', `replace(state::text, '"status":', '"status":"failed","status":')::json`],
      ['with white space', `(state::text || ' ')::json`],
      ['in other letters', `replace(state::text, '"creator-', '"\\u0063reator-')::json`],
    ] as const
  ).map(
    ([name, state]): Mutation => [
      'redemptions',
      'redemption_differs',
      `a redemption ${name}`,
      (client) =>
        client.query(
          `UPDATE payout.redemption SET state = ${state}
           WHERE redemption_id = (SELECT min(redemption_id) FROM payout.redemption)`,
        ),
    ],
  ),
  ...['credit', 'hold'].map(
    (code): Mutation => [
      'transfers',
      'transfer_differs',
      `a ${code} moved to another place of the log`,
      (client) =>
        client.query(
          `UPDATE payout.transfer SET log_offset = log_offset + 1
           WHERE id = (SELECT min(id) FROM payout.transfer WHERE code = $1 AND log_offset IS NOT NULL)`,
          [code],
        ),
    ],
  ),
  [
    'transfers',
    'transfer_differs',
    'a hold with a place that nobody has told the ledger of yet',
    (client) =>
      client.query(
        `UPDATE payout.transfer SET log_offset = 0
         WHERE id = (SELECT max(id) FROM payout.transfer WHERE code = 'hold' AND log_offset IS NULL)`,
      ),
  ],
  [
    'transfers',
    'transfer_differs',
    'a transfer given to another gift',
    (client) =>
      client.query(
        `UPDATE payout.transfer SET gift_id = 'gft_other'
         WHERE id = (SELECT min(id) FROM payout.transfer WHERE code = 'credit')`,
      ),
  ],
  [
    'transfers',
    'transfer_missing',
    'a transfer moved to another id',
    (client) =>
      client.query(
        `UPDATE payout.transfer SET event_id = gen_random_uuid() WHERE id = (SELECT min(id) FROM payout.transfer)`,
      ),
  ],
  [
    'balances',
    'balance_differs',
    'a balance of other terms',
    (client) =>
      client.query(
        `UPDATE payout.balance SET earned = earned + 1, adjusted = adjusted - 1 WHERE creator_id = 'creator-1'`,
      ),
  ],
  [
    'balances',
    'balance_differs',
    'a balance that counts other events',
    (client) => client.query('UPDATE payout.balance SET ledger_seq = ledger_seq + 1 WHERE ledger_seq = 1'),
  ],
  ...(
    [
      ['another sum', 'earned = earned + 1'],
      ['another offset', 'next_offset = next_offset + 1000'],
      ['one gift less', 'transfer_id = transfer_id - 1'],
    ] as const
  ).map(
    ([name, change]): Mutation => [
      'balances',
      'snapshot_differs',
      `a snapshot of ${name}`,
      (client) =>
        client.query(`
          UPDATE payout.balance_snapshot SET ${change} WHERE (creator_id, next_offset) = (
            SELECT creator_id, next_offset FROM payout.balance_snapshot ORDER BY next_offset LIMIT 1)`),
    ],
  ),
  [
    'double-entry',
    'money_differs',
    'another amount of money',
    (client) =>
      client.query(
        `UPDATE payout.money_transfer SET amount_minor = amount_minor + 1
         WHERE source_id = (SELECT min(source_id) FROM payout.money_transfer)`,
      ),
  ],
  [
    'conservation',
    'balance_does_not_add_up',
    'more available than the terms give',
    async (client) => {
      await client.query('ALTER TABLE payout.balance ALTER available DROP EXPRESSION');
      await client.query(`UPDATE payout.balance SET available = available + 1 WHERE creator_id = 'creator-1'`);
    },
  ],
  [
    'dead-letters',
    'record_dropped',
    'a request that was dropped',
    async (client) => {
      await append(client, 'gift.requests.v1', Buffer.from('no JSON'), Buffer.from('nobody has come to this one yet'));
      await client.query(`
        INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
        SELECT 'carat.gift.intake', id::text, 'gift.requests.v1', 0, 1, 1 FROM journal.epoch`);
    },
  ],
  [
    'rate-book',
    'rate_book_broken',
    'an approval of nothing',
    (client) => append(client, 'rate.events.v1', rateEvent('carat.rate.approved.v1', { approvedBy: 'mallory' })),
  ],
  [
    'rate-book',
    'booked_rate_differs',
    'the rate beside transfers is another',
    (client) => client.query('UPDATE payout.rate_seen SET numerator = numerator + 1'),
  ],
  [
    'rate-book',
    'booked_rate_differs',
    'a rate to cash that nobody has approved any more',
    (client) => client.query('UPDATE payout.cash_rate SET approved_at = NULL'),
  ],
  ...['rate_seen', 'cash_rate'].map(
    (table): Mutation => [
      'rate-book',
      'booked_rate_missing',
      `no row of ${table}`,
      (client) => client.query(`DELETE FROM payout.${table}`),
    ],
  ),
];

describe('one thing is tampered with, and exactly one pass finds it', () => {
  test.each(mutations)('%s: %s: %s', async (pass, code, _, change) => {
    const report = await tampered(change);
    expect([...new Set(report.findings.map((finding) => `${finding.pass} ${finding.code}`))]).toContain(
      `${pass} ${code}`,
    );
    expect(report.passes.filter(({ findings }) => findings > 0).map((result) => result.pass)).toEqual([pass]);
    if (pass === 'dead-letters') expect(report.findingsTotal).toBe(1);
    expect(report.verdict).toBe('differs');
  });
});

/** What was done, by a statement, and of what is found the one that says it. */
const breaks: readonly (readonly [done: string, found: string, statement: string])[] = [
  ...['gift', 'coin', 'diamond', 'redemption', 'rate'].map(
    (of) =>
      [
        `a record of ${of}.events.v1 deleted`,
        'offsets offset_missing',
        `DELETE FROM journal.log_record WHERE ctid =
           (SELECT ctid FROM journal.log_record WHERE topic = '${of}.events.v1' AND "offset" = 1 LIMIT 1)`,
      ] as const,
  ),
  [
    'a number in a redemption that nothing can hold',
    'redemptions redemption_differs',
    `UPDATE payout.redemption SET state = '{"a":1e400}' WHERE ctid = (SELECT min(ctid) FROM payout.redemption)`,
  ],
  [
    'money moved by a code that there is not',
    'double-entry money_without_event',
    `INSERT INTO payout.money_transfer (source_id, code, currency, debit, credit, amount_minor, payout_id)
     VALUES ('x', 'bogus', 'USD', 'payouts', 'clearing:provider', 1, 'rdm_x')`,
  ],
];

test.each(breaks)('%s is told among what is found, and ends nothing: %s', async (_, found, statement) => {
  const { verdict, findings } = await tampered((client) => client.query(statement));
  expect(verdict).toBe('differs');
  expect(findings.map(({ pass, code }) => `${pass} ${code}`)).toContain(found);
});

/** A table of the books, and how it can be told that somebody has changed a row of it. */
interface Table {
  /** Of the service whose it is; without it `payout`. */
  readonly schema?: string;
  readonly name: string;
  readonly key: string;
  /** What the database gives, and how often a snapshot is taken: nothing that happened. */
  readonly untold?: readonly string[];
  /** What of a column is changed where one more would say the same. */
  readonly changes?: Readonly<Record<string, string>>;
  /** A row more or less of it changes no answer, or is looked at by a test of its own. */
  readonly isOptional?: true;
}

const tables: readonly Table[] = [
  {
    schema: 'gift',
    name: 'lot',
    key: 'purchase_id',
    untold: ['sequence', 'bought_at', 'reversal_reason', 'reversed_at'],
    changes: { coins_left: 'CASE WHEN coins_left < coins THEN coins_left + 1 ELSE coins_left - 1 END' },
    isOptional: true,
  },
  { name: 'transfer', key: 'event_id', untold: ['id', 'booked_at'] },
  { name: 'balance', key: 'creator_id', untold: ['gift_transfers'] },
  {
    name: 'balance_snapshot',
    key: 'creator_id',
    changes: { next_offset: 'next_offset + 1000', transfer_id: 'transfer_id - 1' },
    isOptional: true,
  },
  {
    name: 'redemption',
    key: 'redemption_id',
    changes: { state: `jsonb_set(state::jsonb, '{asked,payout,amountMinor}', '4711')` },
  },
  { name: 'money_transfer', key: 'source_id', untold: ['booked_at'] },
  {
    name: 'settlement_line',
    key: 'line',
    untold: ['file_id', 'row', 'provider_reference', 'value_date', 'day', 'again'],
  },
  { name: 'rate_seen', key: 'rate_id' },
  { name: 'cash_rate', key: 'rate_id' },
];

const changeOf: Readonly<Record<string, (column: string) => string>> = {
  text: (column) => `coalesce(${column}, '') || 'x'`,
  uuid: () => 'gen_random_uuid()',
  bigint: (column) => `coalesce(${column}, 0) + 1`,
  'timestamp with time zone': (column) => `coalesce(${column}, now()) + interval '1 ms'`,
};

interface RowTampering {
  readonly done: string;
  readonly table: string;
  /** Columns that are written; the database makes the others. */
  readonly columns: readonly string[];
  /** What is done to the row of that number. */
  statement(row: number): string;
}

/** All that can be done to one row: each column edited, the row deleted, and another one like it. */
async function rowTamperings(client: pg.Client): Promise<readonly RowTampering[]> {
  const all: RowTampering[] = [];
  for (const { schema = 'payout', name, key, untold = [], changes = {}, isOptional } of tables) {
    const { rows } = await client.query<{ column: string; type: string }>(
      `SELECT column_name AS column, data_type AS type FROM information_schema.columns
       WHERE table_schema = $2 AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position`,
      [name, schema],
    );
    const table = `${schema}.${name}`;
    const columns = rows.map(({ column }) => column);
    const changed = ({ column, type }: (typeof rows)[number]): string =>
      changes[column] ?? (changeOf[type] as (column: string) => string)(column);
    const oneOf = (row: number): string => `(SELECT ctid FROM ${table} ORDER BY ${key} OFFSET ${row} LIMIT 1)`;
    for (const each of rows.filter(({ column }) => !untold.includes(column)))
      all.push({
        done: `${each.column} of ${table} edited`,
        table,
        columns,
        statement: (row) => `UPDATE ${table} SET ${each.column} = ${changed(each)} WHERE ctid = ${oneOf(row)}`,
      });
    if (isOptional) continue;
    all.push({
      done: `a row of ${table} deleted`,
      table,
      columns,
      statement: (row) => `DELETE FROM ${table} WHERE ctid = ${oneOf(row)}`,
    });
    const others = rows.filter(({ column }) => column !== 'id');
    const values = others.map((each) => (each.column === key ? changed(each) : each.column)).join(', ');
    all.push({
      done: `a row of ${table} doubled`,
      table,
      columns,
      statement: (row) =>
        `INSERT INTO ${table} (${others.map(({ column }) => column).join(', ')})
         SELECT ${values} FROM ${table} WHERE ctid = ${oneOf(row)}`,
    });
  }
  return all;
}

/** Does one thing to one row, verifies, and puts the table back. Answers what was done when nobody noticed. */
async function missedRow(database: TestDatabase, of: RowTampering, row: number): Promise<string[]> {
  const { table, columns } = of;
  await onDatabase(database, async (client) => {
    await client.query(`CREATE TABLE public.before AS TABLE ${table}`);
    const { rowCount } = await client.query(of.statement(row));
    if (rowCount !== 1) throw new Error(`${of.done}: ${rowCount} rows`);
  });
  const { verdict, findings } = await verified(database);
  await onDatabase(database, async (client) => {
    await client.query(`DELETE FROM ${table}`);
    const list = columns.join(', ');
    await client.query(
      `INSERT INTO ${table} (${list}) OVERRIDING SYSTEM VALUE SELECT ${list} FROM public.before;
       DROP TABLE public.before`,
    );
  });
  return verdict === 'differs' && findings.length > 0 ? [] : [of.done];
}

test('whatever one thing is done to a row of the books, each column among it, it is found: 100 of 100', async () => {
  const database = await freshDatabase(template);
  const random = xoroshiro128plus(20261128);
  try {
    const all = await onDatabase(database, rowTamperings);
    expect(all.length).toBeLessThan(100);
    const missed: string[] = [];
    for (let n = 0; n < 100; n++) {
      const of = (all[n] ?? all[uniformInt(random, 0, all.length - 1)]) as RowTampering;
      // As many as the smallest table has.
      missed.push(...(await missedRow(database, of, uniformInt(random, 0, 1))));
    }
    expect(missed).toEqual([]);
    expect((await verified(database)).findings).toEqual([]);
  } finally {
    await database.drop();
  }
}, 120_000);
