import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderDoors } from '../../test/provider-doors.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let provider: ProviderDoors;
beforeAll(async () => {
  provider = await ProviderDoors.open();
  await provider.advance(0);
}, 60_000);
afterEach(() => provider.behave({}));
afterAll(() => provider?.close());

const movementsOf = async (payoutId: string): Promise<string[]> =>
  (await provider.movements()).filter((it) => it.startsWith(`${payoutId} `)).map((it) => it.slice(payoutId.length + 1));

describe('a call that gives no answer', () => {
  test('is held open past the caller’s patience, hung up on, and the payout is made', async () => {
    await provider.behave({ delays: { holdOpenMs: 150 } });
    const startedMs = performance.now();
    await expect(provider.ask({ payoutId: 'rdm_timeout', method: 'pm_timeout' })).rejects.toThrow('fetch failed');
    expect(performance.now() - startedMs).toBeGreaterThan(140);
    expect(await provider.ask({ payoutId: 'rdm_timeout', method: 'pm_timeout' })).toMatchObject({
      status: 200,
      body: { status: 'pending' },
    });
    await provider.advance(5_000);
    expect(await provider.statusOf('rdm_timeout')).toBe('paid');
    expect(await movementsOf('rdm_timeout')).toEqual(['payout 100 25']);
  });

  test('is let go when the caller hangs up, and does not keep the provider from anything', async () => {
    const body = provider.bodyOf({ payoutId: 'rdm_impatient', amountMinor: 154 });
    const asked = provider.send(
      'POST',
      'payouts',
      body,
      { 'idempotency-key': body.payoutId },
      AbortSignal.timeout(100),
    );
    await expect(asked).rejects.toThrow('timeout');
    expect(await provider.statusOf('rdm_impatient')).toBe('pending');
  });
});

describe('a refusal', () => {
  test('is for ever, whatever the provider is like later, and there is no payout', async () => {
    await provider.behave({ plans: { refuses: 10_000 } });
    const refused = { status: 422, body: { code: 'payout_refused' } };
    expect(await provider.ask({ payoutId: 'rdm_no' })).toMatchObject(refused);
    await provider.behave({});
    const again = await provider.ask({ payoutId: 'rdm_no' });
    expect(again).toMatchObject(refused);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await provider.ask({ payoutId: 'rdm_no', amountMinor: 101 })).toMatchObject({ status: 409 });
    expect(await provider.find('rdm_no')).toMatchObject({ status: 404, body: { code: 'payout_not_found' } });
    await provider.advance(DAY_MS);
    expect(await movementsOf('rdm_no')).toEqual([]);
    expect((await provider.send('GET', 'payouts?limit=200')).body.items).not.toContainEqual(
      expect.objectContaining({ payoutId: 'rdm_no' }),
    );
  });
});

describe('a call that is turned away', () => {
  test.each([
    [429, 'too_many_at_once', 'isBusy', 129],
    [503, 'unavailable', 'isDown', 153],
  ])('with %i was not heard, and may come again', async (status, code, chance, amountMinor) => {
    const turnedAway = { status, body: { code } };
    for (let call = 0; call < 3; call++)
      expect(await provider.ask({ payoutId: `rdm_${code}_amount`, amountMinor })).toMatchObject(turnedAway);
    expect((await provider.find(`rdm_${code}_amount`)).status).toBe(404);
    await provider.behave({ plans: { [chance]: 10_000 } });
    const away = await provider.ask({ payoutId: `rdm_${code}` });
    expect(away).toMatchObject(turnedAway);
    expect(away.headers.get('retry-after')).toBe('1');
    await provider.behave({});
    expect(await provider.ask({ payoutId: `rdm_${code}` })).toMatchObject({ status: 201 });
  });
});

test('a provider that breaks after accepting has accepted', async () => {
  expect(await provider.ask({ payoutId: 'rdm_broken', amountMinor: 151 })).toMatchObject({
    status: 500,
    body: { code: 'internal' },
  });
  expect(await provider.statusOf('rdm_broken')).toBe('pending');
  expect(await provider.ask({ payoutId: 'rdm_broken', amountMinor: 151 })).toMatchObject({ status: 200 });
  await provider.advance(5_000);
  expect(await movementsOf('rdm_broken')).toEqual(['payout 151 25']);
});

describe('what becomes of a payout', () => {
  const lives = [
    ['pm_fail_late', 100, ['pending', 'failed', 'failed', 'failed'], []],
    ['pm_return', 100, ['paid', 'paid', 'paid', 'returned'], ['payout 100 25', 'return 100 0']],
    ['pm_review', 100, ['held', 'held', 'held', 'paid'], ['payout 100 25']],
    ['pm_silent', 100, ['pending', 'pending', 'pending', 'pending'], []],
    ['pm_ok', 181, ['pending', 'failed', 'failed', 'failed'], []],
    ['pm_ok', 182, ['pending', 'failed', 'paid', 'paid'], ['payout 182 25']],
    ['pm_ok', 183, ['paid', 'paid', 'paid', 'returned'], ['payout 183 25', 'return 183 0']],
    ['pm_ok', 184, ['held', 'held', 'held', 'paid'], ['payout 184 25']],
  ] as const;

  test('by method and amount, after a moment, a minute, an hour, a day', async () => {
    const ids = lives.map(([method, amount]) => `rdm_life_${method}_${amount}`);
    for (const [nth, [method, amountMinor]] of lives.entries())
      expect(await provider.ask({ payoutId: ids[nth] ?? '', method, amountMinor })).toMatchObject({
        status: 201,
        body: { status: 'pending', amountMinor, feeMinor: 0 },
      });
    const seen: string[][] = ids.map(() => []);
    for (const advanceMs of [5_000, MINUTE_MS, HOUR_MS, DAY_MS]) {
      await provider.advance(advanceMs);
      for (const [nth, id] of ids.entries()) seen[nth]?.push(await provider.statusOf(id));
    }
    expect(seen).toEqual(lives.map(([, , statuses]) => statuses));
    for (const [nth, id] of ids.entries()) expect(await movementsOf(id)).toEqual(lives[nth]?.[3]);
  });

  test('is told with its reason, and with the fee once there is one', async () => {
    const failed = (await provider.find('rdm_life_pm_fail_late_100')).body;
    expect(failed).toMatchObject({ reason: 'account_closed', feeMinor: 0 });
    const returned = (await provider.find('rdm_life_pm_return_100')).body;
    expect(returned).toMatchObject({ reason: 'refused_by_bank', feeMinor: 25 });
    expect(Object.keys((await provider.find('rdm_life_pm_review_100')).body)).not.toContain('reason');
  });

  test('all at once is the same', async () => {
    for (const [method, amountMinor] of lives)
      await provider.ask({ payoutId: `rdm_jump_${method}_${amountMinor}`, method, amountMinor });
    await provider.advance(2 * DAY_MS);
    for (const [method, amountMinor, statuses, movements] of lives) {
      expect(await provider.statusOf(`rdm_jump_${method}_${amountMinor}`)).toBe(statuses.at(-1));
      expect(await movementsOf(`rdm_jump_${method}_${amountMinor}`)).toEqual(movements);
    }
  });
});

test('another amount than was asked for is shown and paid', async () => {
  expect(await provider.ask({ payoutId: 'rdm_less', amountMinor: 185 })).toMatchObject({
    status: 201,
    body: { amountMinor: 184 },
  });
  await provider.advance(5_000);
  expect((await provider.find('rdm_less')).body).toMatchObject({ status: 'paid', amountMinor: 184 });
  expect(await movementsOf('rdm_less')).toEqual(['payout 184 25']);
  // The body that was asked with is still the one that counts.
  expect(await provider.ask({ payoutId: 'rdm_less', amountMinor: 184 })).toMatchObject({ status: 409 });
});

describe('the behaviour', () => {
  test('is shown as a whole, replaced as a whole, and counts from then on', async () => {
    await provider.ask({ payoutId: 'rdm_before' });
    const behaviour = { seed: 8, plans: { failsLate: 10_000 }, delays: { failMs: 10 } };
    const replaced = await provider.send('PUT', 'behaviour', behaviour);
    expect(replaced.body).toMatchObject({ ...behaviour, webhooks: { never: 0, delayedMs: 0 } });
    expect((await provider.send('GET', 'behaviour')).body).toEqual(replaced.body);
    await provider.ask({ payoutId: 'rdm_after' });
    await provider.advance(5_000);
    expect(await provider.statusOf('rdm_before')).toBe('paid');
    expect(await provider.statusOf('rdm_after')).toBe('failed');
    await provider.behave({ delays: { failMs: 10 } });
    expect((await provider.send('GET', 'behaviour')).body).toMatchObject({ seed: 1, plans: { failsLate: 0 } });
  });

  test('that cannot be is refused, and the one in force stays', async () => {
    await provider.behave({ seed: 8 });
    for (const [behaviour, pointer] of [
      [{ plans: { failsLate: 10_001 } }, '/plans/failsLate'],
      [{ plans: { fails: 1 } }, '/plans/fails'],
      [{ webhooks: { unsigned: 9_000, wronglySigned: 1_001 } }, '/webhooks'],
    ] as const) {
      const { status, body } = await provider.send('PUT', 'behaviour', behaviour);
      expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
    }
    expect((await provider.send('GET', 'behaviour')).body).toMatchObject({ seed: 8 });
  });

  test('gives the same payout the same plan on another database', async () => {
    const other = await ProviderDoors.open();
    try {
      const plans = { failsLate: 3_000, holds: 2_000, neverSettles: 1_000, paysThenReturns: 1_000 };
      const lives = [provider, other].map(async (one) => {
        await one.advance(0);
        await one.behave({ seed: 77, plans });
        const ids = Array.from({ length: 60 }, (_, nth) => `rdm_same_${nth}`);
        await Promise.all(ids.map((payoutId) => one.ask({ payoutId })));
        await one.advance(2 * HOUR_MS);
        return Promise.all(ids.map((payoutId) => one.statusOf(payoutId)));
      });
      const [here, there] = await Promise.all(lives);
      expect(here).toEqual(there);
      expect(new Set(here)).toEqual(new Set(['paid', 'failed', 'held', 'pending']));
    } finally {
      await other.close();
    }
  });
});
