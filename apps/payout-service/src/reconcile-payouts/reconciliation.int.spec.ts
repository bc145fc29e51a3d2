import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { type Asked, type Paying, startPaying } from '../../test/paying.js';
import { expectOneStory } from '../../test/redeeming.js';
import { record } from '../../test/scripted-provider.js';
import { ProviderWebhooks } from '../pay-creator/provider-webhooks.store.js';

let paying: Paying;
beforeAll(async () => {
  paying = await startPaying({ SETTLEMENT_GRACE: 0 });
}, 60_000);
afterAll(() => paying?.end());
afterEach(() => expectOneStory(paying.doors.db));

const HEAD = 'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date';
const DAY = '2026-11-20';
let creators = 0;
let lines = 0;
let files = 0;

/** A redemption of 50 dollars that the provider has paid, or called something else. */
async function payout(status: 'paid' | 'failed' | 'returned' = 'paid'): Promise<Asked> {
  const asked = await paying.asked(`creator-${++creators}`);
  paying.provider.onCall = (sent) => record(sent, status === 'returned' ? 'paid' : status);
  await paying.look();
  const [call] = paying.provider.calls.filter(({ key }) => key === asked.redemptionId);
  if (call === undefined) throw new Error('it was not sent');
  if (status === 'returned') {
    paying.provider.onPoll = () => record(call.body, 'returned');
    await paying.doors.db.query('UPDATE payout.payout SET poll_at = clock_timestamp() WHERE redemption_id = $1', [
      asked.redemptionId,
    ]);
    await paying.look();
  }
  expect(await asked.now()).toMatchObject({ state: status });
  return asked;
}

interface Line {
  readonly line?: string;
  readonly kind?: string;
  readonly currency?: string;
  readonly amount?: number;
  readonly fee?: number;
  readonly day?: string;
}

const lineOf = (payoutId: string, of: Line = {}): string =>
  [
    of.line ?? `L-${++lines}`,
    `ref-${payoutId.slice(-8)}`,
    payoutId,
    of.kind ?? 'payout',
    of.currency ?? 'USD',
    of.amount ?? 5_000,
    of.fee ?? (of.kind === 'return' ? 0 : 25),
    of.day ?? DAY,
  ].join(',');

async function send(text: string, query = `?day=${DAY}`, key = `file-${++files}`) {
  const answer = await paying.doors.app.inject({
    method: 'POST',
    url: `/v1/settlement-files${query}`,
    headers: {
      authorization: `Bearer ${paying.doors.keys.operator}`,
      'content-type': 'text/csv',
      'idempotency-key': key,
    },
    payload: text,
  });
  const isReplayed = answer.headers['idempotency-replayed'] === 'true';
  return { status: answer.statusCode, body: answer.json(), isReplayed };
}
const importLines = async (...rows: string[]) => {
  const answer = await send([HEAD, ...rows].join('\n'));
  expect(answer.status).toBe(201);
  return answer.body;
};

const get = (path: string, key = paying.doors.keys.auditor) =>
  paying.doors.send('GET', `/v1/reconciliation/${path}`, key);
const breaksOf = async (redemptionId: string) =>
  (await get(`breaks?redemptionId=${redemptionId}`)).body['items'] as Record<string, unknown>[];
const outcomesOf = async (redemptionId: string) => (await breaksOf(redemptionId)).map(({ outcome }) => outcome).sort();
const tiedOut = async () => (await get('tie-out')).body['items'][0];

test('what both sides say the same is matched, and the money is out of the clearing account', async () => {
  const [one, two] = [await payout(), await payout('returned')];
  const before = await tiedOut();
  expect(before).toMatchObject({ clearingMinor: '5000', pendingMinor: '5000', differenceMinor: '0' });
  const imported = await importLines(
    lineOf(one.redemptionId),
    lineOf(two.redemptionId),
    lineOf(two.redemptionId, { kind: 'return' }),
  );
  expect(imported).toMatchObject({ day: DAY, lines: 3, imported: 3, outcomes: { matched: 2 } });
  expect(await tiedOut()).toEqual({
    currency: 'USD',
    paidMinor: '10000',
    returnedMinor: '5000',
    settledMinor: '5000',
    feesMinor: '50',
    clearingMinor: '0',
    pendingMinor: '0',
    breaks: {},
    differenceMinor: '0',
  });
  expect([...(await breaksOf(one.redemptionId)), ...(await breaksOf(two.redemptionId))]).toEqual([]);
});

describe('every kind of break', () => {
  test('is found, with its evidence and an owner, and the tie-out still comes to nothing', async () => {
    const of: Asked[] = [];
    for (let n = 0; n < 6; n++) of.push(await payout());
    const [amount, fee, conflict, double, late, missing] = of as [Asked, Asked, Asked, Asked, Asked, Asked];
    const failed = await payout('failed');
    const twice = lineOf(double.redemptionId);
    const { outcomes } = await importLines(
      lineOf(amount.redemptionId, { amount: 4_999 }),
      lineOf(fee.redemptionId, { fee: 26 }),
      lineOf(conflict.redemptionId),
      lineOf(conflict.redemptionId, { kind: 'return' }),
      lineOf(failed.redemptionId),
      twice,
      twice,
      lineOf(double.redemptionId),
      lineOf(late.redemptionId, { day: '2026-11-19' }),
      lineOf('po_of_nobody', { amount: 77 }),
    );
    expect(outcomes).toEqual({
      amount_differs: 1,
      fee_differs: 1,
      status_conflicts: 2,
      duplicate: 1,
      late: 1,
      missing_here: 1,
    });
    const found = await Promise.all(
      [amount, fee, conflict, failed, double, late, missing].map(({ redemptionId }) => outcomesOf(redemptionId)),
    );
    expect(found).toEqual([
      ['amount_differs'],
      ['fee_differs'],
      ['status_conflicts'],
      ['status_conflicts'],
      ['duplicate', 'duplicate'],
      ['late'],
      ['missing_at_provider'],
    ]);
    const [differs] = await breaksOf(amount.redemptionId);
    expect(differs).toMatchObject({
      state: 'open',
      owner: 'finance',
      evidence: { line: { amountMinor: '4999', fileDay: DAY }, ours: { state: 'paid', amountMinor: '5000' } },
    });
    const nobodys = (await get('breaks?outcome=missing_here')).body['items'];
    expect(nobodys).toMatchObject([{ evidence: { line: { amountMinor: '77' } } }]);
    expect(await tiedOut()).toMatchObject({
      differenceMinor: '0',
      pendingMinor: '0',
      breaks: {
        amount_differs: '1',
        status_conflicts: '0',
        duplicate: '-5000',
        missing_at_provider: '5000',
        missing_here: '-77',
      },
    });

    // A line that was missing ends its break by itself, and is late; what a person has to say stays open.
    await importLines(lineOf(missing.redemptionId));
    expect(await breaksOf(missing.redemptionId)).toMatchObject([
      { outcome: 'late', state: 'open' },
      { outcome: 'missing_at_provider', state: 'resolved', resolvedBy: 'system:reconciliation' },
    ]);
    expect(await breaksOf(amount.redemptionId)).toMatchObject([{ state: 'open' }]);
    expect(await tiedOut()).toMatchObject({
      differenceMinor: '0',
      breaks: expect.not.objectContaining({ missing_at_provider: '5000' }),
    });
  }, 60_000);

  test('is the same break, looked at again', async () => {
    const count = async () => (await paying.doors.db.query('SELECT count(*)::int AS n FROM payout.break'))[0].n;
    const before = await count();
    const run = await paying.doors.send('POST', '/v1/reconciliation/runs', paying.doors.keys.operator);
    expect(run).toMatchObject({ status: 200, body: { outcomes: expect.objectContaining({ amount_differs: 1 }) } });
    expect(await count()).toBe(before);
  });
});

describe('what the provider says of a redemption that was never sent', () => {
  test('is an incident, by a line and by a webhook, and its money is explained', async () => {
    const { redemptionId, app } = await paying.asked(`creator-${++creators}`);
    await app.cancel(redemptionId);
    const before = await tiedOut();
    await importLines(lineOf(redemptionId, { amount: 12_500 }));
    expect(await outcomesOf(redemptionId)).toEqual(['amount_differs', 'incident']);
    const after = await tiedOut();
    expect(after).toMatchObject({ differenceMinor: '0', pendingMinor: before.pendingMinor });
    await paying.doors.app.get(ProviderWebhooks).take({ provider: 'fake', webhookId: 'msg_1', payoutId: redemptionId });
    expect(await outcomesOf(redemptionId)).toEqual(['amount_differs', 'incident', 'incident']);
  });
});

test('no word of the provider keeps others from being reconciled', async () => {
  const asked = await paying.asked(`creator-${++creators}`);
  paying.provider.onCall = (sent) => record(sent, 'paid', { reason: 'a\u0000b\ud800', updatedAt: '\u0000' });
  await paying.look();
  expect(await asked.now()).toMatchObject({ state: 'paid', reason: 'a b\ufffd' });
  expect(await importLines(lineOf(asked.redemptionId))).toMatchObject({ outcomes: { matched: 1 } });
});

describe('importing', () => {
  const booked = async () =>
    (
      await paying.doors.db.query(
        'SELECT count(*)::int AS lines, sum(amount_minor) AS minor FROM payout.settlement_line',
      )
    )[0];

  test('the same file again, or its lines in another, books nothing twice', async () => {
    const { redemptionId } = await payout();
    const text = [HEAD, lineOf(redemptionId)].join('\n');
    const first = await send(text, undefined, 'once');
    expect(first).toMatchObject({ status: 201, isReplayed: false, body: { imported: 1, outcomes: { matched: 1 } } });
    const after = await booked();
    expect(await send(text, undefined, 'once')).toEqual({ ...first, isReplayed: true });
    expect(await send(text)).toEqual({ ...first, isReplayed: true });
    const more = await send(`${text}\n${lineOf('po_unheard_of', { amount: 0, fee: 0 })}`);
    expect(more.body).toMatchObject({ lines: 2, imported: 1 });
    expect(await booked()).toEqual({ lines: after.lines + 1, minor: after.minor });
    expect(await breaksOf(redemptionId)).toEqual([]);
  });

  test('twice at once, it is imported once', async () => {
    const { redemptionId } = await payout();
    const text = [HEAD, lineOf(redemptionId)].join('\n');
    const before = await booked();
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(text)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 201]);
    expect(answers.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
    expect(await booked()).toMatchObject({ lines: before.lines + 1 });
  });

  test('a line with other words under its number is a break, and what it said first stands', async () => {
    const { redemptionId } = await payout();
    await importLines(lineOf(redemptionId, { line: 'L-conflict' }));
    await importLines(lineOf(redemptionId, { line: 'L-conflict', amount: 1 }));
    expect(await outcomesOf(redemptionId)).toEqual(['duplicate']);
    const [{ minor }] = await paying.doors.db.query(
      `SELECT amount_minor AS minor FROM payout.settlement_line WHERE line = $1`,
      ['L-conflict'],
    );
    expect(minor).toBe('5000');
    expect(await tiedOut()).toMatchObject({ differenceMinor: '0' });
  });

  test('refuses a file that is wrong in one place, all of it, and says where', async () => {
    const before = await booked();
    const answer = await send([HEAD, lineOf('po_1'), lineOf('po_2').replace('USD', 'dollars')].join('\n'));
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'settlement_file_malformed', errors: [{ pointer: '/lines/2/currency' }] },
    });
    expect(await booked()).toEqual(before);
    expect(await send(HEAD, '?provider=another')).toMatchObject({ status: 404 });
    for (const day of ['yesterday', '0000-02-29'])
      expect(await send(HEAD, `?day=${day}`)).toMatchObject({ status: 422 });
    const yearZero = [HEAD, lineOf('po_3', { day: '0000-01-01' })].join('\n');
    expect(await send(yearZero)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/lines/1/value_date' }] } });
    expect(await send(HEAD, '')).toMatchObject({ status: 201, body: { lines: 0 } });
  });

  test('takes many thousand lines in a few statements', async () => {
    const many = Array.from({ length: 20_000 }, (_, n) =>
      lineOf(`po_many_${n}`, { amount: 1, fee: 0, day: '2026-11-21' }),
    );
    const { imported, tieOut } = await importLines(...many);
    expect(imported).toBe(20_000);
    expect(tieOut).toMatchObject([{ differenceMinor: '0' }]);
  }, 60_000);
});

describe('a break', () => {
  test('is somebody’s, and is ended once, by words that move no money', async () => {
    const { redemptionId } = await payout();
    await importLines(lineOf(redemptionId, { amount: 1 }));
    const [{ breakId }] = (await breaksOf(redemptionId)) as [{ breakId: string }];
    const before = await tiedOut();
    const door = (name: string, body: object, key = paying.doors.keys.operator) =>
      paying.doors.send('POST', `/v1/reconciliation/breaks/${breakId}/${name}`, key, body);
    expect((await door('assignment', { owner: 'person:olga' })).body).toMatchObject({
      owner: 'person:olga',
      state: 'open',
    });
    const resolution = { resolution: 'the provider corrects it in December, ticket 7' };
    expect(await door('resolution', { resolution: '' })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/resolution' }] },
    });
    expect(await door('resolution', resolution, paying.doors.keys.auditor)).toMatchObject({ status: 403 });
    const ended = await door('resolution', resolution);
    expect(ended).toMatchObject({ status: 200, body: { state: 'resolved', resolvedBy: 'operator', ...resolution } });
    expect(await door('resolution', resolution)).toMatchObject({ body: ended.body, replayed: true });
    const another = await door('resolution', { resolution: 'no, in January' });
    expect(another).toMatchObject({ status: 409, body: { code: 'break_already_resolved' } });
    expect(await door('assignment', { owner: 'me' })).toMatchObject({ status: 409 });
    expect(await tiedOut()).toEqual(before);
    expect((await get(`breaks?state=resolved&owner=person:olga`)).body['items']).toEqual([ended.body]);
  });

  test('is in the file for a spreadsheet as it is in the list, and no cell is a formula', async () => {
    const { redemptionId } = await payout();
    await importLines(lineOf(redemptionId, { amount: 2 }));
    const [{ breakId }] = (await breaksOf(redemptionId)) as [{ breakId: string }];
    const path = `/v1/reconciliation/breaks/${breakId}/assignment`;
    await paying.doors.send('POST', path, paying.doors.keys.operator, { owner: '=HYPERLINK("http://evil")' });
    const headers = { authorization: `Bearer ${paying.doors.keys.auditor}` };
    const url = `/v1/reconciliation/breaks.csv?redemptionId=${redemptionId}`;
    const answer = await paying.doors.app.inject({ method: 'GET', url, headers });
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8');
    const [row] = parse(answer.payload, { columns: true }) as [Record<string, string>];
    expect(row).toMatchObject({ breakId, outcome: 'amount_differs', owner: `'=HYPERLINK("http://evil")` });
    expect(JSON.parse(row['evidence'] ?? '')).toEqual((await breaksOf(redemptionId))[0]?.['evidence']);

    const items = await paying.doors.app.inject({ method: 'GET', url: '/v1/reconciliation/items.csv', headers });
    const listed = parse(items.payload, { columns: true }) as Record<string, string>[];
    const page = (await get('items?limit=200')).body;
    expect(page['nextCursor']).not.toBeNull();
    expect(listed.slice(0, 200).map(({ payoutId }) => payoutId)).toEqual(
      page['items'].map(({ payoutId }: { payoutId: string }) => payoutId),
    );
    expect(listed.find(({ payoutId }) => payoutId === redemptionId)).toMatchObject({ outcome: 'amount_differs' });
  });
});
