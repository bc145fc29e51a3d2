import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, keepRate, MINIMUM } from '../../test/redeeming.js';
import { seedPayoutMethods } from './payout-methods.store.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors({ METHOD_COOLING: 3_600_000 });
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());

const seeded = ['pm_fail_late', 'pm_ok', 'pm_return', 'pm_review', 'pm_silent', 'pm_timeout'];
const account = { kind: 'bank_account', label: 'DE… 07' };
const idsOf = ({ body }: { body: Record<string, { payoutMethodId: string }[]> }): string[] =>
  (body['items'] ?? []).map(({ payoutMethodId }) => payoutMethodId);

describe('payout methods', () => {
  test('are the creator’s own and those of the fake provider, seeded once', async () => {
    await doors.db.transaction(seedPayoutMethods);
    const token = await doors.tokenOf('creator-7');
    const path = '/v1/creators/creator-7/payout-methods';
    expect(idsOf(await doors.send('GET', path, token))).toEqual(seeded);
    const printable = { ...account, label: 'DE.. 07' };
    const added = await doors.send('POST', path, token, printable, 'once');
    expect(added).toMatchObject({ status: 201, body: printable });
    expect(await doors.send('POST', path, token, printable, 'once')).toEqual({ ...added, replayed: true });
    const own = String(added.body['payoutMethodId']);
    expect(idsOf(await doors.send('GET', path, token)).sort()).toEqual([...seeded, own].sort());
    const first = await doors.send('GET', `${path}?limit=4`, token);
    const rest = await doors.send('GET', `${path}?limit=4&cursor=${first.body['nextCursor']}`, token);
    expect([...idsOf(first), ...idsOf(rest)].sort()).toEqual([...seeded, own].sort());
    expect(rest.body['nextCursor']).toBeNull();
    const other = await doors.send('GET', '/v1/creators/creator-8/payout-methods', doors.keys.operator);
    expect(idsOf(other)).toEqual(seeded);
    expect((await doors.send('GET', '/v1/creators/creator-8/payout-methods', token)).status).toBe(404);
  });

  test('say what is wrong with them', async () => {
    const path = '/v1/creators/creator-7/payout-methods';
    for (const label of ['', 'DE… 07', 'x'.repeat(129), undefined])
      expect(await doors.send('POST', path, doors.keys.operator, { ...account, label })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/label' }] },
      });
  });

  test('take no redemption before they have cooled, and none of another creator', async () => {
    await credit(doors.db, 'creator-9', 2 * MINIMUM);
    const app = await appOf(doors, 'creator-9');
    const added = await doors.send('POST', '/v1/creators/creator-9/payout-methods', doors.keys.operator, {
      kind: 'bank_account',
      label: 'new',
    });
    const method = String(added.body['payoutMethodId']);
    const quoteId = String((await app.quote()).body['quoteId']);
    expect(await app.redeem(quoteId, undefined, method)).toMatchObject({
      status: 409,
      body: { code: 'payout_method_too_new' },
    });
    await doors.db.query('UPDATE payout.payout_method SET usable_from = now() WHERE payout_method_id = $1', [method]);
    expect((await app.redeem(quoteId, undefined, method)).status).toBe(201);

    await credit(doors.db, 'creator-8', MINIMUM);
    const stranger = await appOf(doors, 'creator-8');
    const others = String((await stranger.quote()).body['quoteId']);
    for (const unknown of [method, 'pm_none'])
      expect(await stranger.redeem(others, undefined, unknown)).toMatchObject({
        status: 404,
        body: { code: 'payout_method_not_found' },
      });
  });
});
