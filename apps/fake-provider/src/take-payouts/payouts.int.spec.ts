import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderDoors } from '../../test/provider-doors.js';

let provider: ProviderDoors;
beforeAll(async () => {
  provider = await ProviderDoors.open();
  await provider.advance(0);
}, 60_000);
afterAll(() => provider?.close());

test('a payout is answered as it is now, and paid after a moment', async () => {
  const now = (await provider.send('GET', 'clock')).body.now;
  const asked = await provider.ask({ payoutId: 'rdm_a', currency: 'USD', amountMinor: 123_400 });
  expect(asked).toMatchObject({ status: 201 });
  expect(asked.body).toEqual({
    payoutId: 'rdm_a',
    providerReference: expect.stringMatching(/^fp_[0-9a-f-]{36}$/),
    status: 'pending',
    currency: 'USD',
    amountMinor: 123_400,
    feeMinor: 0,
    updatedAt: now,
  });
  expect((await provider.find('rdm_a')).body).toEqual(asked.body);
  await provider.advance(1_999);
  expect((await provider.find('rdm_a')).body).toEqual(asked.body);
  await provider.advance(1);
  const updatedAt = new Date(Date.parse(now) + 2_000).toISOString();
  expect((await provider.find('rdm_a')).body).toEqual({ ...asked.body, status: 'paid', feeMinor: 148, updatedAt });
  expect(await provider.movements()).toEqual(['rdm_a payout 123400 148']);
});

describe('one key is one payout', () => {
  test('for fifty at once too', async () => {
    const body = provider.bodyOf({ payoutId: 'rdm_fifty' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => provider.ask(body)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
    for (const { status, headers } of answers)
      expect(headers.get('idempotency-replayed')).toBe(status === 200 ? 'true' : null);
    expect(new Set(answers.map((answer) => answer.body.providerReference)).size).toBe(1);
    await provider.advance(10_000);
    expect((await provider.movements()).filter((it) => it.startsWith('rdm_fifty '))).toEqual([
      'rdm_fifty payout 100 25',
    ]);
  });

  test('for fifty bodies at once, of which one is heard', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, nth) => provider.ask({ payoutId: 'rdm_bodies', amountMinor: 1000 + nth * 100 })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
    await provider.advance(10_000);
    expect((await provider.movements()).filter((it) => it.startsWith('rdm_bodies '))).toHaveLength(1);
  });

  test('however its time goes on, and whatever else becomes of calls meanwhile', async () => {
    await provider.ask({ payoutId: 'rdm_again' });
    await provider.advance(10_000);
    await provider.behave({ plans: { isDown: 10_000 } });
    const again = await provider.ask({ payoutId: 'rdm_again' });
    await provider.behave({});
    expect(again).toMatchObject({ status: 200, body: { status: 'paid', feeMinor: 25 } });
  });

  test('with one body', async () => {
    await provider.ask({ payoutId: 'rdm_body' });
    for (const other of [{ amountMinor: 101 }, { currency: 'USD' }, { method: 'pm_return' }, { kind: 'bank_account' }])
      expect(await provider.ask({ payoutId: 'rdm_body', ...other })).toMatchObject({
        status: 409,
        body: { code: 'idempotency_conflict' },
      });
    expect(await provider.ask({ payoutId: 'rdm_body' })).toMatchObject({ status: 200, body: { amountMinor: 100 } });
  });

  test('that is the id of the payout', async () => {
    const body = provider.bodyOf({ payoutId: 'rdm_key' });
    expect(await provider.send('POST', 'payouts', body, { 'idempotency-key': 'rdm_other' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_mismatch' },
    });
    expect(await provider.send('POST', 'payouts', body)).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
    expect(await provider.find('rdm_key')).toMatchObject({ status: 404, body: { code: 'payout_not_found' } });
  });
});

test('a payout is not paid twice, whoever tries', async () => {
  await provider.ask({ payoutId: 'rdm_twice', method: 'pm_return' });
  await provider.advance(10_000);
  const again = (kind: string, amountMinor: number) =>
    provider.db.query(
      `INSERT INTO fake_provider.movement (payout_id, kind, amount_minor, fee_minor, at_ms)
       VALUES ('rdm_twice', $1, $2, 0, 0)`,
      [kind, amountMinor],
    );
  await expect(again('payout', 100)).rejects.toThrow('movement_pkey');
  await expect(again('return', 101)).rejects.toThrow('movement_returns_what_was_paid');
  // A plan that would pay it again stops the clock, rather than moving money.
  await provider.db.query(
    `INSERT INTO fake_provider.change (payout_id, nth, due_ms, status, kind, amount_minor, fee_minor)
     VALUES ('rdm_twice', 9, 0, 'paid', 'payout', 100, 25)`,
  );
  expect(await provider.advance(1)).toMatchObject({ status: 500 });
  await provider.db.query('DELETE FROM fake_provider.change WHERE nth = 9');
  await provider.advance(2 * 86_400_000);
  expect((await provider.movements()).filter((it) => it.startsWith('rdm_twice '))).toEqual([
    'rdm_twice payout 100 25',
    'rdm_twice return 100 0',
  ]);
});

test('nothing comes back that was not paid', async () => {
  await provider.ask({ payoutId: 'rdm_unpaid', method: 'pm_silent' });
  const returned = provider.db.query(
    `INSERT INTO fake_provider.movement (payout_id, kind, amount_minor, fee_minor, at_ms)
     VALUES ('rdm_unpaid', 'return', 100, 0, 0)`,
  );
  await expect(returned).rejects.toThrow('movement_returns_what_was_paid');
});

describe('what is asked for is checked', () => {
  test.each([
    ['/amountMinor', { amountMinor: 0 }],
    ['/amountMinor', { amountMinor: -100 }],
    ['/amountMinor', { amountMinor: 1.5 }],
    ['/amountMinor', { amountMinor: 2 ** 53 }],
    ['/currency', { currency: 'euro' }],
    ['/destination/payoutMethodId', { method: '' }],
    ['/destination/kind', { kind: 'ü' }],
  ])('%s of %j', async (pointer, of) => {
    const body = provider.bodyOf(of);
    expect(await provider.send('POST', 'payouts', body, { 'idempotency-key': body.payoutId })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
    expect((await provider.find(body.payoutId)).status).toBe(404);
  });

  test('an id may be any printable text', async () => {
    for (const payoutId of [`'; DROP TABLE fake_provider.payout; --`, '../../clock', '__proto__', 'a?b#c/d%2e']) {
      expect(await provider.ask({ payoutId })).toMatchObject({ status: 201, body: { payoutId } });
      expect(await provider.find(payoutId)).toMatchObject({ status: 200, body: { payoutId } });
    }
  });

  test('the largest amount is paid to the unit', async () => {
    await provider.ask({ payoutId: 'rdm_most', amountMinor: 2 ** 53 - 1 });
    await provider.advance(10_000);
    expect((await provider.movements()).filter((it) => it.startsWith('rdm_most '))).toEqual([
      'rdm_most payout 9007199254740991 9007199254765',
    ]);
  });
});

describe('the key', () => {
  test.each([
    ['none', {}],
    ['another', { authorization: 'Bearer the-key-of-the-provider-in-testZ' }],
    ['the beginning of it', { authorization: 'Bearer the-key-of-the-provider' }],
    ['by another scheme', { authorization: 'Basic the-key-of-the-provider-in-tests' }],
    ['one of Carat', { authorization: `Bearer carat_admin_01a206bf-9124-817a-8438-93def9f5b8c1_${'ab'.repeat(32)}` }],
  ])('%s opens no route', async (_which, headers) => {
    const routes = [
      ['POST', 'payouts'],
      ['GET', 'payouts'],
      ['GET', 'payouts/rdm_a'],
      ['GET', 'movements'],
      ['GET', 'settlement-files/2026-01-01'],
      ['GET', 'clock'],
      ['POST', 'clock'],
      ['GET', 'behaviour'],
      ['PUT', 'behaviour'],
    ] as const;
    for (const [method, path] of routes)
      expect(await provider.send(method, path, undefined, { authorization: '', ...headers })).toMatchObject({
        status: 401,
        body: { code: 'unauthorized' },
      });
  });
});

test('payouts are listed in the order of their ids, page by page', async () => {
  for (let nth = 0; nth < 9; nth++) await provider.ask({ payoutId: `rdm_a_refused_${nth}`, amountMinor: 122 });
  const listed: string[] = [];
  let cursor = '';
  do {
    const { body } = await provider.send('GET', `payouts?limit=3${cursor && `&cursor=${cursor}`}`);
    listed.push(...body.items.map(({ payoutId }: { payoutId: string }) => payoutId));
    cursor = body.nextCursor ?? '';
  } while (cursor !== '');
  expect(listed).toEqual([...listed].sort());
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed).toEqual(expect.arrayContaining(['rdm_a', 'rdm_fifty', '__proto__']));
  expect(await provider.send('GET', 'payouts?cursor=none')).toMatchObject({ status: 400 });
});
