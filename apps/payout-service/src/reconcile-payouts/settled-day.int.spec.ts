import { pageOf } from '@carat/http-edge';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { expectOneStory } from '../../test/redeeming.js';
import {
  DAY,
  type FileLine,
  fileOf,
  lineOf,
  linesOf,
  moveOn,
  type Plan,
  type Planned,
  payoutsOf,
} from '../../test/settled-day.js';
import type { RedemptionStatus } from '../redeem-diamonds/redemption-machine.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
}, 60_000);
afterAll(() => doors?.close());

let files = 0;
// biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
async function importFile(lines: readonly FileLine[]): Promise<any> {
  const headers = { authorization: `Bearer ${doors.keys.approver}`, 'content-type': 'text/csv' };
  const answer = await doors.app.inject({
    method: 'POST',
    url: `/v1/settlement-files?day=${DAY}`,
    headers: { ...headers, 'idempotency-key': `file-${++files}` },
    payload: fileOf(lines),
  });
  expect(answer.statusCode).toBe(201);
  return answer.json();
}
const get = async (path: string) => (await doors.send('GET', `/v1/reconciliation/${path}`, doors.keys.auditor)).body;
const run = async () => (await doors.send('POST', '/v1/reconciliation/runs', doors.keys.operator)).body;
const tieOut = async (query = '') => (await get(`tie-out${query}`))['items'];

interface Break {
  readonly breakId: string;
  readonly outcome: string;
  readonly redemptionId?: string;
  readonly openedAt: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}
async function breaks(filter = ''): Promise<Break[]> {
  const found: Break[] = [];
  for (let cursor = ''; ; ) {
    const { items, nextCursor } = await get(`breaks?limit=5${filter}${cursor}`);
    found.push(...items);
    if (nextCursor === null) return found;
    cursor = `&cursor=${nextCursor}`;
  }
}
const named = ({ outcome, redemptionId = 'of nobody' }: Break): string => `${outcome} ${redemptionId}`;

/** Everything that an import may have left behind. */
const leftBehind = () =>
  doors.db.query(`
    SELECT (SELECT json_agg(t ORDER BY source_id, code) FROM payout.money_transfer t) AS money,
           (SELECT json_agg(l ORDER BY line) FROM payout.settlement_line l) AS lines,
           (SELECT json_agg(b ORDER BY break_id) FROM payout.break b) AS breaks,
           (SELECT json_agg(json_build_array(payout_id, outcome, outcomes, effects) ORDER BY payout_id)
            FROM payout.reconciled) AS items`);

const usualPlan = (nth: number): Plan => {
  const status: RedemptionStatus = nth % 10 === 7 ? 'returned' : nth % 25 === 3 ? 'failed' : 'paid';
  const isReturnedUnheard = status === 'returned' && nth % 20 === 7;
  const money = { currency: nth % 3 === 0 ? 'EUR' : 'USD', amountMinor: 5_000 + nth, feeMinor: 25 + (nth % 5) };
  return { status, ...money, isReturnedUnheard };
};

// `SETTLED_PAYOUTS=2000` books two thousand, which takes half a minute more.
const PAYOUTS = Number(process.env['SETTLED_PAYOUTS'] ?? 500);

describe('a day of hundreds of payouts', () => {
  const oddStates: readonly RedemptionStatus[] = [
    ...Array<RedemptionStatus>(9).fill('paid'),
    'failed',
    'cancelled',
    'in_transit',
  ];
  let odd: readonly Planned[];
  let right: FileLine[];
  let one: FileLine[];
  let other: FileLine[];
  const oddOne = (nth: number): Planned => {
    const found = odd[nth];
    if (found === undefined) throw new Error(`there are not ${nth + 1} odd payouts`);
    return found;
  };

  beforeAll(async () => {
    const odds = oddStates.map((status) => ({ status, currency: 'USD', amountMinor: 7_000, feeMinor: 30 }));
    odd = await payoutsOf(
      doors.db,
      odds.map((plan, nth) => ({ ...plan, isOverdue: nth === 0 })),
    );
    const usual = Array.from({ length: PAYOUTS - odds.length }, (_, nth) => usualPlan(nth));
    right = (await payoutsOf(doors.db, usual)).flatMap(linesOf);
  }, 240_000);

  test('with every kind of break in it: just those are found, and they explain what is left to the unit', async () => {
    const repeated = lineOf(oddOne(5), 'payout');
    const contradicted = lineOf(oddOne(6), 'payout');
    // Of the first there is no line at all, and the last has still time.
    const wrong = [
      lineOf(oddOne(1), 'payout', { amount_minor: 6_999 }),
      lineOf(oddOne(2), 'payout', { currency: 'EUR' }),
      lineOf(oddOne(3), 'payout', { fee_minor: 31 }),
      lineOf(oddOne(4), 'payout'),
      lineOf(oddOne(4), 'payout'),
      repeated,
      repeated,
      contradicted,
      lineOf(oddOne(7), 'payout'),
      lineOf(oddOne(7), 'return'),
      lineOf(oddOne(8), 'payout', { value_date: '2026-11-19' }),
      lineOf(oddOne(9), 'payout'),
      lineOf(oddOne(10), 'payout'),
      lineOf({ ...oddOne(0), payoutId: 'of-nobody' }, 'payout'),
    ];
    one = [...right.filter((_, nth) => nth % 2 === 0), ...wrong];
    other = [...right.filter((_, nth) => nth % 2 === 1), { ...contradicted, amount_minor: 1 }];
    for (const file of [one, other])
      expect(await importFile(file)).toMatchObject({ lines: file.length, imported: file.length - 1 });
    const injected = [
      ['missing_at_provider', 0],
      ['amount_differs', 1],
      ['amount_differs', 2],
      ['fee_differs', 3],
      ['duplicate', 4],
      ['duplicate', 5],
      ['duplicate', 6],
      ['status_conflicts', 7],
      ['late', 8],
      ['status_conflicts', 9],
      ['incident', 10],
    ] as const;
    const expected = injected.map(([outcome, nth]) => `${outcome} ${oddOne(nth).payoutId}`);
    expect((await breaks('&state=open')).map(named).sort()).toEqual([...expected, 'missing_here of nobody'].sort());
    expect((await get('items?outcome=pending'))['items']).toMatchObject([{ payoutId: oddOne(11).payoutId }]);

    expect(await tieOut('?currency=USD')).toMatchObject([
      {
        clearingMinor: '-6999',
        pendingMinor: '0',
        breaks: {
          missing_at_provider: '7000',
          amount_differs: '7001',
          duplicate: '-7000',
          // One came back that we hold paid, and one was paid that we hold failed.
          status_conflicts: '0',
          incident: '-7000',
          missing_here: '-7000',
        },
        differenceMinor: '0',
      },
    ]);
    expect(await tieOut('?currency=EUR')).toMatchObject([
      { clearingMinor: '-7000', pendingMinor: '0', breaks: { amount_differs: '-7000' }, differenceMinor: '0' },
    ]);
  }, 120_000);

  test('tells in each break what both sides say, and where', async () => {
    const of = async (nth: number) =>
      (await breaks(`&redemptionId=${oddOne(nth).payoutId}`)).map(({ evidence }) => evidence);
    const { payoutId, providerReference } = oddOne(1);
    expect(await of(1)).toEqual([
      {
        line: {
          ...{ line: expect.stringMatching(/^L-/), fileId: expect.stringMatching(/^stf_/), row: one.length - 13 },
          ...{ payoutId, providerReference, kind: 'payout', currency: 'USD', amountMinor: '6999', feeMinor: '30' },
          ...{ valueDate: DAY, fileDay: DAY },
        },
        ours: {
          ...{ state: 'paid', providerReference, currency: 'USD', amountMinor: '7000', feeMinor: '30' },
          ...{ paidAt: expect.stringMatching(/Z$/), returnedAt: null },
        },
      },
    ]);
    expect(await of(0)).toMatchObject([{ missing: 'payout', ours: { amountMinor: '7000' } }]);
    expect(await of(6)).toMatchObject([
      { line: { amountMinor: '7000', row: one.length - 6 }, again: { amountMinor: '1', row: other.length } },
    ]);
    expect(await of(10)).toMatchObject([{ ours: { state: 'cancelled', paidAt: null } }]);
  });

  test('imported again, in other files and in another order, leaves everything as it is', async () => {
    const before = await leftBehind();
    const interleaved = [...one, ...other].sort((a, b) => (a.payout_id < b.payout_id ? -1 : 1));
    for (const file of [one, other, interleaved, interleaved.toReversed(), one.slice(100), [...other, ...one]])
      expect(await importFile(file)).toMatchObject({ lines: file.length });
    expect(await leftBehind()).toEqual(before);
    expect(await run()).toMatchObject({ outcomes: { pending: 1, missing_at_provider: 1 } });
    expect(await leftBehind()).toEqual(before);
  }, 120_000);

  test('is in the file for a spreadsheet just as it is in the list', async () => {
    const headers = { authorization: `Bearer ${doors.keys.auditor}` };
    const csvOf = async (name: string) => {
      const answer = await doors.app.inject({ method: 'GET', url: `/v1/reconciliation/${name}.csv`, headers });
      expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
      return parse(answer.payload, { columns: true }) as Record<string, string>[];
    };
    const listed: Record<string, unknown>[] = [];
    for (let cursor = ''; ; ) {
      const { items, nextCursor } = await get(`items?limit=200${cursor}`);
      listed.push(...items);
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(listed.length).toBe(PAYOUTS + 1);
    const asCells = (item: Record<string, unknown>, texts: Record<string, string>, columns: readonly string[]) =>
      Object.fromEntries(columns.map((column) => [column, texts[column] ?? String(item[column] ?? '')]));
    const items = await csvOf('items');
    expect(items).toEqual(
      listed.map((item) => {
        const effects = (item['effects'] as { outcome: string; currency: string; minor: string }[])
          .map(({ outcome, currency, minor }) => `${outcome} ${currency} ${minor}`)
          .join(', ');
        return asCells(
          item,
          { effects, outcomes: (item['outcomes'] as string[]).join(' ') },
          Object.keys(items[0] ?? {}),
        );
      }),
    );
    const file = await csvOf('breaks');
    const found = await breaks();
    expect(found.map(({ openedAt }) => openedAt)).toEqual(
      found
        .map(({ openedAt }) => openedAt)
        .sort()
        .reverse(),
    );
    expect(file).toEqual(
      found.map((one) => asCells({ ...one }, { evidence: JSON.stringify(one.evidence) }, Object.keys(file[0] ?? {}))),
    );
  });
});

test('a line that comes after it was missing ends that break, and is late', async () => {
  const [payout] = await payoutsOf(doors.db, [{ status: 'paid', currency: 'JPY', amountMinor: 900, isOverdue: true }]);
  if (payout === undefined) throw new Error('there is none');
  const of = async () =>
    (await breaks(`&redemptionId=${payout.payoutId}`)).map(({ outcome, ...rest }) => [outcome, rest]);
  await run();
  expect(await of()).toMatchObject([['missing_at_provider', { state: 'open' }]]);
  expect(await tieOut('?currency=JPY')).toMatchObject([
    { breaks: { missing_at_provider: '900' }, differenceMinor: '0' },
  ]);
  await importFile([lineOf(payout, 'payout')]);
  const both = [
    ['late', { state: 'open', evidence: { wasMissing: true } }],
    ['missing_at_provider', { state: 'resolved', resolvedBy: 'system:reconciliation', resolution: 'a line has come' }],
  ];
  expect(await of()).toMatchObject(both);
  await run();
  expect(await of()).toMatchObject(both);
  expect(await tieOut('?currency=JPY')).toMatchObject([{ clearingMinor: '0', breaks: {}, differenceMinor: '0' }]);
});

test('what a person has ended stays as that person ended it, whatever comes', async () => {
  const [payout] = await payoutsOf(doors.db, [{ status: 'paid', currency: 'NOK', amountMinor: 600, isOverdue: true }]);
  if (payout === undefined) throw new Error('there is none');
  await run();
  const [{ breakId }] = (await breaks(`&redemptionId=${payout.payoutId}`)) as [Break];
  const words = { resolution: 'it will come in the file of Monday' };
  const path = `/v1/reconciliation/breaks/${breakId}/resolution`;
  const { body } = await doors.send('POST', path, doors.keys.approver, words);
  expect(body).toMatchObject({ state: 'resolved', resolvedBy: 'approver' });
  await run();
  await importFile([lineOf(payout, 'payout')]);
  expect(await breaks(`&redemptionId=${payout.payoutId}&state=resolved`)).toEqual([body]);
});

test('a list of breaks goes on where it stopped, and by no other cursor', async () => {
  const { nextCursor } = await get('breaks?limit=1&outcome=late');
  for (const query of ['outcome=duplicate', 'outcome=late&owner=me', 'limit=1'])
    expect(await get(`breaks?${query}&cursor=${nextCursor}`)).toMatchObject({ code: 'cursor_invalid' });
  const filters = { list: 'breaks', outcome: 'late' };
  for (const position of [
    [],
    ['yesterday', 'brk_1'],
    ['2026-11-20T00:00:00Z'],
    ['2026-11-20T00:00:00Z', 'brk_1', 'x'],
  ]) {
    const forged = pageOf([1, 2], 1, () => position, filters).nextCursor;
    expect(await get(`breaks?outcome=late&cursor=${forged}`)).toMatchObject({ code: 'cursor_invalid' });
  }
});

test('what moves between two looks is still to come, and is told so', async () => {
  const [payout] = await payoutsOf(doors.db, [
    { status: 'in_transit', currency: 'GBP', amountMinor: 800, feeMinor: 5 },
  ]);
  if (payout === undefined) throw new Error('there is none');
  const askedNext = (sql: string) => doors.db.query(`${sql} WHERE redemption_id = $1`, [payout.payoutId]);
  await askedNext(`UPDATE payout.payout SET poll_at = clock_timestamp() + interval '1 day'`);
  await importFile([lineOf(payout, 'payout')]);
  // The line knows more than we do, so the provider is asked at once.
  expect(await askedNext('SELECT poll_at < clock_timestamp() AS "isDue" FROM payout.payout')).toEqual([
    { isDue: true },
  ]);
  const early = { clearingMinor: '-800', pendingMinor: '-800', breaks: {}, differenceMinor: '0' };
  expect(await tieOut('?currency=GBP')).toMatchObject([early]);
  const paid = await moveOn(doors.db, payout, 'paid');
  expect(await tieOut('?currency=GBP')).toMatchObject([
    { clearingMinor: '0', pendingMinor: '0', differenceMinor: '0' },
  ]);
  await moveOn(doors.db, paid, 'returned');
  const { at } = await get('tie-out');
  expect(await tieOut('?currency=GBP')).toMatchObject([early]);
  await run();
  await importFile([lineOf(payout, 'return')]);
  expect(await tieOut('?currency=GBP')).toMatchObject([
    { paidMinor: '800', returnedMinor: '800', settledMinor: '0', clearingMinor: '0', differenceMinor: '0' },
  ]);
  // As of before the run, the import of the first line was the last that had looked.
  expect(await tieOut(`?currency=GBP&asOf=${at}`)).toMatchObject([early]);
  expect(await get('tie-out?asOf=2020-01-01T00:00:00Z')).toEqual({ items: [] });
});

test('the provider’s fee that is heard of later is compared then', async () => {
  const [payout] = await payoutsOf(doors.db, [{ status: 'paid', currency: 'CHF', amountMinor: 700 }]);
  if (payout === undefined) throw new Error('there is none');
  await importFile([lineOf(payout, 'payout', { fee_minor: 9 })]);
  const of = async () => (await breaks(`&redemptionId=${payout.payoutId}`)).map(({ outcome }) => outcome);
  expect(await of()).toEqual([]);
  await doors.db.query(
    `UPDATE payout.payout SET heard_at = clock_timestamp(), heard = heard::jsonb || '{"feeMinor": 8}'
     WHERE redemption_id = $1`,
    [payout.payoutId],
  );
  await run();
  expect(await of()).toEqual(['fee_differs']);
});

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  status: fc.constantFrom<RedemptionStatus>('paid', 'paid', 'paid', 'returned', 'failed', 'in_transit', 'cancelled'),
  currency: fc.constantFrom('AUD', 'CAD'),
  amountMinor: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 2 ** 52 })),
  feeMinor: fc.constantFrom(undefined, 0, 25),
  isOverdue: fc.boolean(),
});
const anyFault = fc.constantFrom(
  ...Array<string>(12).fill('none'),
  ...['missing', 'twice', 'repeated', 'amount', 'currency', 'fee', 'late', 'unknown', 'no payout', 'returned', 'paid'],
);

/** The lines of a payout with something wrong in them. */
function faulty(payout: Planned, fault: string): FileLine[] {
  const right = linesOf(payout);
  const [first] = right;
  switch (fault) {
    case 'missing':
      return [];
    case 'twice':
      return [...right, ...linesOf(payout)];
    case 'repeated':
      return [...right, ...right.slice(0, 1)];
    case 'amount':
      return right.map((line) => ({ ...line, amount_minor: line.amount_minor + 1 }));
    case 'currency':
      return right.map((line) => ({ ...line, currency: payout.currency === 'AUD' ? 'CAD' : 'AUD' }));
    case 'fee':
      return right.map((line) => ({ ...line, fee_minor: line.fee_minor + 1 }));
    case 'late':
      return right.map((line) => ({ ...line, value_date: '2026-11-01' }));
    case 'unknown':
      return right.map((line) => ({ ...line, payout_id: `unknown-${line.line}` }));
    case 'no payout':
      return right.slice(1);
    case 'returned':
      return [...right, lineOf(payout, 'return')];
    case 'paid':
      return first === undefined ? [lineOf(payout, 'payout')] : right;
    default:
      return right;
  }
}

test('whatever went wrong and whatever files tell of it, the tie-out comes to nothing', async () => {
  const lefts = { AUD: 0n, CAD: 0n } as Record<string, bigint>;
  const day = fc.array(fc.tuple(anyPlan, anyFault, fc.nat({ max: 2 })), { minLength: 1, maxLength: 25 });
  const property = fc.asyncProperty(day, async (wanted) => {
    const payouts = await payoutsOf(
      doors.db,
      wanted.map(([plan]) => plan),
    );
    const told = payouts.map((payout, nth) => faulty(payout, wanted[nth]?.[1] ?? 'none'));
    for (const file of [0, 1, 2]) {
      const lines = told.filter((_, nth) => wanted[nth]?.[2] === file).flat();
      const imported = await importFile(lines);
      for (const { differenceMinor } of imported.tieOut) expect(differenceMinor).toBe('0');
    }
    // A naive count: what we hold paid, less what each line that counts once says.
    for (const { status, currency, amountMinor } of payouts)
      if (status === 'paid') lefts[currency] = (lefts[currency] ?? 0n) + BigInt(amountMinor);
    for (const line of new Map(told.flat().map((one) => [one.line, one])).values()) {
      const minor = BigInt(line.amount_minor);
      lefts[line.currency] = (lefts[line.currency] ?? 0n) + (line.kind === 'payout' ? -minor : minor);
    }
    for (const currency of ['AUD', 'CAD']) {
      const [{ clearingMinor, pendingMinor, breaks: explained, differenceMinor } = noMoney] = await tieOut(
        `?currency=${currency}`,
      );
      const sum = (Object.values(explained) as string[]).reduce((total, minor) => total + BigInt(minor), 0n);
      expect([clearingMinor, sum + BigInt(pendingMinor), differenceMinor]).toEqual([
        `${lefts[currency]}`,
        lefts[currency],
        '0',
      ]);
    }
  });
  await fc.assert(property, { numRuns: 12, endOnFailure: true });
}, 240_000);
const noMoney = { clearingMinor: '0', pendingMinor: '0', breaks: {}, differenceMinor: '0' };

test('the books, the tables and the log tell one story all the while', () => expectOneStory(doors.db), 60_000);
