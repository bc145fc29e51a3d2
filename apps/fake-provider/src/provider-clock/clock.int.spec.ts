import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderDoors } from '../../test/provider-doors.js';
import { LAST_MS } from './clock.js';

let provider: ProviderDoors;
beforeAll(async () => {
  provider = await ProviderDoors.open();
}, 60_000);
afterEach(async () => {
  await provider.send('POST', 'clock', { frozen: false });
  await provider.behave({});
});
afterAll(() => provider?.close());

const nowMs = async (): Promise<number> => Date.parse((await provider.send('GET', 'clock')).body.now);

describe('the clock', () => {
  test('reads as the wall’s at first, and goes on with it', async () => {
    const before = await nowMs();
    expect(Math.abs(before - Date.now())).toBeLessThan(10_000);
    await sleep(30);
    const after = await nowMs();
    expect(after - before).toBeGreaterThanOrEqual(25);
  });

  test('is moved on, and goes on from there', async () => {
    const before = await nowMs();
    const moved = await provider.send('POST', 'clock', { advanceMs: 3_600_000 });
    expect(moved).toMatchObject({ status: 200, body: { frozen: false } });
    expect(Date.parse(moved.body.now) - before).toBeGreaterThanOrEqual(3_600_000);
    await sleep(30);
    expect((await nowMs()) - Date.parse(moved.body.now)).toBeGreaterThanOrEqual(25);
  });

  test('stands still while it is frozen, moves when it is moved, and loses nothing when it is let go', async () => {
    const { body: frozen } = await provider.send('POST', 'clock', { frozen: true });
    expect(frozen.frozen).toBe(true);
    await sleep(30);
    expect((await provider.send('GET', 'clock')).body).toEqual(frozen);
    const { body: moved } = await provider.send('POST', 'clock', { advanceMs: 5 });
    expect(moved).toEqual({ now: new Date(Date.parse(frozen.now) + 5).toISOString(), frozen: true });
    const { body: going } = await provider.send('POST', 'clock', { frozen: false });
    expect(going).toEqual({ now: moved.now, frozen: false });
  });

  test.each([
    ['', {}],
    ['/advanceMs', { advanceMs: -1 }],
    ['/advanceMs', { advanceMs: 0.5 }],
    ['/frozen', { frozen: 'yes' }],
    ['', { now: '2026-11-22T00:00:00Z' }],
  ])('says no to %s of %j', async (pointer, body) => {
    expect(await provider.send('POST', 'clock', body)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: expect.arrayContaining([expect.objectContaining({ pointer })]) },
    });
  });
});

describe('what falls due', () => {
  test('does so by itself while the clock goes on', async () => {
    await provider.behave({ delays: { settleMs: 20 } });
    const { body } = await provider.ask();
    await eventually(async () => expect(await provider.statusOf(body.payoutId)).toBe('paid'));
  });

  test('waits while the clock is frozen', async () => {
    await provider.advance(0);
    await provider.behave({ delays: { settleMs: 20 } });
    const { body } = await provider.ask();
    await sleep(600);
    expect(await provider.statusOf(body.payoutId)).toBe('pending');
    await provider.advance(19);
    expect(await provider.statusOf(body.payoutId)).toBe('pending');
    await provider.advance(1);
    expect(await provider.statusOf(body.payoutId)).toBe('paid');
  });

  test('is done in the order in which it is due, and dated by then', async () => {
    await provider.advance(0);
    const startedMs = await nowMs();
    for (const [payoutId, settleMs] of [
      ['rdm_third', 300],
      ['rdm_first', 100],
      ['rdm_second', 200],
    ] as const) {
      await provider.behave({ delays: { settleMs, returnMs: 150 } });
      await provider.ask({ payoutId, method: 'pm_return' });
    }
    await provider.advance(1_000);
    const { body } = await provider.send('GET', 'movements');
    const ours = body.items.filter(({ payoutId }: { payoutId: string }) => /_(first|second|third)$/.test(payoutId));
    const at = (afterMs: number) => new Date(startedMs + afterMs).toISOString();
    expect(ours).toMatchObject([
      { payoutId: 'rdm_first', kind: 'payout', at: at(100) },
      { payoutId: 'rdm_second', kind: 'payout', at: at(200) },
      { payoutId: 'rdm_first', kind: 'return', at: at(250) },
      { payoutId: 'rdm_third', kind: 'payout', at: at(300) },
      { payoutId: 'rdm_second', kind: 'return', at: at(350) },
      { payoutId: 'rdm_third', kind: 'return', at: at(450) },
    ]);
    const lines = ours.map(({ line }: { line: string }) => Number(line.replace('L-', '')));
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  test('of many moves at once is done once', async () => {
    await provider.advance(0);
    const payouts = await Promise.all(Array.from({ length: 40 }, () => provider.ask({ method: 'pm_return' })));
    const before = await nowMs();
    await Promise.all(Array.from({ length: 10 }, () => provider.advance(86_400_000)));
    expect((await nowMs()) - before).toBe(864_000_000);
    const movements = await provider.movements();
    for (const { body } of payouts)
      expect(movements.filter((it) => it.startsWith(`${body.payoutId} `))).toEqual([
        `${body.payoutId} payout 100 25`,
        `${body.payoutId} return 100 0`,
      ]);
  });
});

test('the clock does not go past the last moment that can be written', async () => {
  const atOnce = await provider.send('POST', 'clock', { advanceMs: 2 ** 53 - 1 });
  expect(atOnce).toMatchObject({ status: 422, body: { errors: [{ pointer: '/advanceMs' }] } });
  await provider.advance(0);
  await provider.db.query('UPDATE fake_provider.provider SET reads_ms = $1', [LAST_MS - 1_000]);
  expect(await provider.advance(1_001)).toMatchObject({
    status: 422,
    body: { errors: [{ pointer: '/advanceMs', code: 'too_big' }] },
  });
  expect((await provider.advance(1_000)).body.now).toBe('9999-12-31T23:59:59.999Z');
});
