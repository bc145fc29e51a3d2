import { openTokenIssuer, type SigningKey, type TokenIssuer } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRateDoors, type RateDoors } from '../../test/rate-doors.js';
import { timeOf } from '../../test/rate-events.js';

const LEAD_MS = 900_000;
const HOUR_MS = 3_600_000;
let issuer: TokenIssuer;
let signing: SigningKey;
let doors: RateDoors;
let body: object;
beforeAll(async () => {
  issuer = await openTokenIssuer();
  signing = await issuer.addKey();
  const { url, audience } = issuer;
  doors = await openRateDoors(LEAD_MS, { issuer: url, audience, rolesClaim: 'roles', creatorClaim: undefined });
  const effectiveFrom = timeOf((await doors.nowMs()) + HOUR_MS);
  body = { kind: 'gift-to-diamond', numerator: 3, denominator: 5, effectiveFrom };
}, 60_000);
afterAll(async () => {
  await doors?.close();
  await issuer?.stop();
});

type Role = 'operator' | 'approver';
const token = (sub: string, ...roles: Role[]) => signing.sign({ sub, roles });

/** The ways in which a person is let in to one role. */
const ways: Record<string, (person: string, role: Role) => Promise<string>> = {
  'a key': (person, role) => doors.person(role, person),
  'a token': (person, role) => token(person, role),
  'a token of both roles': (person) => token(person, 'operator', 'approver'),
};
const pairs = Object.keys(ways).flatMap((proposing) => Object.keys(ways).map((deciding) => [proposing, deciding]));

let markets = 0;
const market = () => `M${++markets}`;
const propose = (bearer: string, key?: string) => doors.post('/v1/rates', bearer, { ...body, market: market() }, key);
const decide = (
  decision: 'approval' | 'rejection',
  proposal: { rateId: string; contentHash: string },
  bearer: string,
) =>
  doors.post(`/v1/rates/${proposal.rateId}/${decision}`, bearer, {
    contentHash: proposal.contentHash,
    ...(decision === 'rejection' ? { reason: 'too high' } : {}),
  });

describe.each(pairs)('a rate that alice proposed with %s', (proposing = '', deciding = '') => {
  const bearerOf = (way: string, person: string, role: Role) => ways[way]?.(person, role) ?? '';

  test(`cannot be approved by her with ${deciding}, and can by another person`, async () => {
    const { status, body: proposal } = await propose(await bearerOf(proposing, 'alice', 'operator'));
    expect(status).toBe(201);
    const alice = await bearerOf(deciding, 'alice', 'approver');
    expect(await decide('approval', proposal, alice)).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect((await doors.get(`/v1/rates/${proposal.rateId}`, alice)).body).toMatchObject({
      state: 'proposed',
      proposedBy: 'alice',
    });
    const omar = await bearerOf(deciding, 'omar', 'approver');
    expect(await decide('approval', proposal, omar)).toMatchObject({ status: 200, body: { state: 'approved' } });
  });
});

test('a name that differs in anything is another person, for a key as for a token', async () => {
  const { body: proposal } = await propose(await token('alice', 'operator'));
  expect(await decide('rejection', proposal, await token('Alice', 'approver'))).toMatchObject({ status: 200 });
  expect((await doors.get(`/v1/rates/${proposal.rateId}`, await token('ann', 'operator'))).body).toMatchObject({
    proposedBy: 'alice',
    decidedBy: 'Alice',
  });
});

test('what a person asked for with a key is answered again to their token', async () => {
  const asked = { ...body, market: market() };
  const first = await doors.post('/v1/rates', await doors.person('operator', 'alice'), asked, 'one');
  const again = await doors.post('/v1/rates', await token('alice', 'operator'), asked, 'one');
  expect(again).toEqual({ ...first, replayed: 'true' });
  const another = await doors.post('/v1/rates', await token('bob', 'operator'), asked, 'one');
  expect(another).toMatchObject({ status: 201, replayed: null });
  expect(another.body.rateId).not.toBe(first.body.rateId);
});

test('a token opens what its roles open', async () => {
  const { body: proposal } = await propose(await token('alice', 'operator'));
  expect((await propose(await token('alice', 'approver'))).status).toBe(403);
  expect((await decide('approval', proposal, await token('bob', 'operator'))).status).toBe(403);
  expect((await propose(await signing.sign({ sub: 'alice', roles: 'operator', exp: 1 }))).status).toBe(401);
});
