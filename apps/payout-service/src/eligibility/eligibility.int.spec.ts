import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Paying, startPaying } from '../../test/paying.js';

let paying: Paying;
beforeAll(async () => {
  paying = await startPaying({ ELIGIBILITY_REQUIRED: true });
}, 60_000);
afterAll(() => paying?.end());

const said = { adult: true, taxForm: true, redemptionsAllowed: true, reason: 'passport and W-9 seen' };
const path = (creatorId: string) => `/v1/creators/${creatorId}/eligibility`;

test('is said by operators, and kept with who said it; what was said before stays in the table', async () => {
  const { send, keys, db } = paying.doors;
  expect(await send('GET', path('creator-1'), keys.auditor)).toMatchObject({
    status: 404,
    body: { code: 'eligibility_not_found' },
  });
  const first = await send('PUT', path('creator-1'), keys.operator, said);
  expect(first).toMatchObject({ status: 200, body: { creatorId: 'creator-1', ...said, setBy: 'operator' } });
  const second = await send('PUT', path('creator-1'), keys.operator, { ...said, redemptionsAllowed: false });
  expect((await send('GET', path('creator-1'), keys.approver)).body).toEqual(second.body);
  expect(await db.query('SELECT redemptions_allowed FROM payout.eligibility ORDER BY eligibility_id')).toEqual([
    { redemptions_allowed: true },
    { redemptions_allowed: false },
  ]);
  for (const role of ['publisher', 'approver', 'auditor', 'admin'] as const)
    expect((await send('PUT', path('creator-1'), keys[role], said)).status).toBe(403);
  for (const field of ['adult', 'taxForm', 'redemptionsAllowed', 'reason'])
    expect(await send('PUT', path('creator-1'), keys.operator, { ...said, [field]: undefined })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: `/${field}` }] },
    });
});

test('where it is required, a redemption of a creator of whom nothing was said waits until it is', async () => {
  const { send, keys } = paying.doors;
  const { now, decide } = await paying.asked('creator-2');
  await paying.look();
  expect(await now()).toMatchObject({ state: 'in_review', heldFor: [{ code: 'eligibility_unknown' }] });
  expect(await decide('release', keys.approver)).toMatchObject({ status: 409, body: { code: 'hold_reason_remains' } });
  await send('PUT', path('creator-2'), keys.operator, said);
  expect((await decide('release', keys.approver)).status).toBe(200);
  await paying.look();
  expect(await now()).toMatchObject({ state: 'in_transit' });
});
