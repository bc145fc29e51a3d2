import { openJournalReader } from '@carat/event-log/readers';
import { encode } from '@carat/events';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { onDatabase, worldBooks } from '../../test/world-books.js';
import { openBooks, relayedByNow } from '../booked/books.store.js';
import { openJournalRows } from '../carried/journal-rows.store.js';
import { inThreads } from '../run-verify/run-lanes.worker.js';
import type { AuditReport, Pass } from './audit-report.js';
import { verify } from './verify.flow.js';

let template: TestDatabase;
beforeAll(async () => {
  template = await worldBooks({ seed: 7, gifts: 600, creators: 12, viewers: 40, partitions: 4 });
}, 60_000);
afterAll(() => template?.drop());

const environment = { home: '', brokers: undefined, databaseUrl: undefined, kafka: { prefix: '' } };

async function verified(database: TestDatabase): Promise<AuditReport> {
  const log = await openJournalReader(database.url);
  const books = await openBooks(database.url, log.id);
  try {
    return await verify({
      log,
      kind: 'journal',
      books,
      openRows: () => openJournalRows(database.url),
      relayed: () => relayedByNow(database.url, log.id),
      seals: [],
      sealsAtLeast: 0,
      trusted: new Map(),
      run: inThreads(1, {
        source: { kind: 'postgres', url: database.url },
        environment,
        databaseUrl: undefined,
      }).runWith(log),
      key: 'drawn for this test',
      threads: 1,
      onRecords: () => undefined,
    });
  } finally {
    await books.close();
    await log.close();
  }
}

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
async function append(client: pg.Client, topic: string, ...values: readonly Buffer[]): Promise<void> {
  for (const value of values)
    await client.query(
      `WITH head AS (
         INSERT INTO journal.log_head (topic, part, next) VALUES ($1, 0, 1)
         ON CONFLICT (topic, part) DO UPDATE SET next = log_head.next + 1 RETURNING next)
       INSERT INTO journal.log_record (topic, part, "offset", key, value) SELECT $1, 0, next - 1, 'key', $2 FROM head`,
      [topic, value],
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

/** What somebody can do to one row, and what undoes it. */
interface RowTampering {
  readonly table: string;
  /** Columns that are written; the database makes the others. */
  readonly columns: readonly string[];
  readonly key: string;
  readonly edits: readonly (readonly [column: string, to: string])[];
}

const rowTamperings: readonly RowTampering[] = [
  {
    table: 'payout.transfer',
    columns: [
      'id',
      'log_offset',
      'event_id',
      'code',
      'creator_id',
      'debit',
      'credit',
      'millidiamonds',
      'gift_id',
      'redemption_id',
      'coins',
      'rate_id',
    ],
    key: 'event_id',
    edits: [
      ['code', `'correct'`],
      ['creator_id', `'creator-of-nothing'`],
      ['debit', `'adjustments'`],
      ['credit', `'redeemed'`],
      ['millidiamonds', 'millidiamonds + 1'],
      ['gift_id', `'gft_other'`],
      ['redemption_id', `'rdm_other'`],
      ['coins', 'coalesce(coins, 0) + 1'],
      ['rate_id', `'rate_other'`],
    ],
  },
  {
    table: 'payout.balance',
    columns: ['creator_id', 'earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed'],
    key: 'creator_id',
    edits: ['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed'].map(
      (term) => [term, `${term} + 1`] as const,
    ),
  },
  {
    table: 'payout.redemption',
    columns: ['redemption_id', 'creator_id', 'status', 'currency', 'millidiamonds', 'requested_at', 'state'],
    key: 'redemption_id',
    edits: [
      ['status', `CASE status WHEN 'paid' THEN 'failed' ELSE 'paid' END`],
      ['creator_id', `'creator-of-nothing'`],
      ['millidiamonds', 'millidiamonds - 1'],
    ],
  },
  {
    table: 'payout.money_transfer',
    columns: ['source_id', 'code', 'currency', 'debit', 'credit', 'amount_minor', 'payout_id'],
    key: 'source_id',
    edits: [
      ['amount_minor', 'amount_minor + 1'],
      ['currency', `'EUR'`],
      ['credit', `'bank'`],
      ['payout_id', `'rdm_other'`],
    ],
  },
];

/** Does one thing to one row, verifies, and puts the row back. Answers what was done when nobody noticed. */
async function missedRow(database: TestDatabase, int: (least: number, most: number) => number): Promise<string[]> {
  const { table, columns, key, edits } = rowTamperings[int(0, rowTamperings.length - 1)] as RowTampering;
  const [column, to] = edits[int(0, edits.length - 1)] as (typeof edits)[number];
  const list = columns.join(', ');
  const isDeleted = int(1, 4) === 1;
  const row = await onDatabase(database, async (client) => {
    const { rows } = await client.query(`SELECT ${list} FROM ${table} ORDER BY ${key} OFFSET $1 LIMIT 1`, [int(0, 5)]);
    const where = `WHERE ${key} = $1`;
    await client.query(isDeleted ? `DELETE FROM ${table} ${where}` : `UPDATE ${table} SET ${column} = ${to} ${where}`, [
      rows[0][key],
    ]);
    return rows[0] as Record<string, unknown>;
  });
  const { verdict, findings } = await verified(database);
  await onDatabase(database, async (client) => {
    await client.query(`DELETE FROM ${table} WHERE ${key} = $1`, [row[key]]);
    const places = columns.map((_, index) => `$${index + 1}`).join(', ');
    await client.query(
      `INSERT INTO ${table} (${list}) OVERRIDING SYSTEM VALUE VALUES (${places})`,
      columns.map((each) => row[each]),
    );
  });
  const done = isDeleted ? 'deleted' : `${column} edited`;
  return verdict === 'differs' && findings.length > 0 ? [] : [`${table} ${String(row[key])}: ${done}`];
}

test('whatever one thing is done to a row of the books, it is found: 100 of 100', async () => {
  const database = await freshDatabase(template);
  const random = xoroshiro128plus(20261128);
  try {
    const missed: string[] = [];
    for (let n = 0; n < 100; n++)
      missed.push(...(await missedRow(database, (least, most) => uniformInt(random, least, most))));
    expect(missed).toEqual([]);
    expect((await verified(database)).findings).toEqual([]);
  } finally {
    await database.drop();
  }
}, 120_000);
