import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { actingAs, type CallerRole, roles } from './api-key.js';
import { type Claims, discoveryOf, holderOf, isIssuer, isJwt, isTamperProof, opensThings } from './issued-token.js';

const held = (claims: Claims, names: { rolesClaim?: string; creatorClaim?: string } = {}) =>
  holderOf({ sub: 'alice', ...claims }, { rolesClaim: 'roles', creatorClaim: undefined, ...names });

describe('the holder of a token', () => {
  test('is its `sub`, to the letter, as a key’s principal is', () => {
    for (const sub of ['alice', 'Alice', 'auth0|5f7c', ' a ', 'x'.repeat(128)])
      expect(held({ sub })).toEqual({ keyId: 'oidc', principal: sub, roles: [] });
  });

  test.each([undefined, '', 'zoë', 'a\nb', 'x'.repeat(129), 7, ['alice'], null])('is nobody by the `sub` %j', (sub) => {
    expect(held({ sub, roles: ['approver'] })).toBe(undefined);
  });

  test.each<[unknown, CallerRole[]]>([
    [['approver'], ['approver']],
    [
      ['approver', 'operator', 'approver'],
      ['operator', 'approver'],
    ],
    [
      ['carat:operator', 'auditor', 'admin'],
      ['operator', 'auditor', 'admin'],
    ],
    ['operator  carat:auditor openid', ['operator', 'auditor']],
    [['offline_access', 'Operator', 'other:operator', 'carat:carat:operator', 'operator approver'], []],
    [['publisher', 'carat:publisher', 'creator', 7, null, { operator: true }, ['operator']], []],
    [{ operator: true }, []],
    ['', []],
    [undefined, []],
  ])('by %j has the roles %j', (claim, expected) => {
    expect(held({ roles: claim })?.roles).toEqual(expected);
    expect(held({ roles: ['admin'], groups: claim }, { rolesClaim: 'groups' })?.roles).toEqual(expected);
  });

  test('is never a publisher and never a creator by its roles, whatever they are called', () => {
    const name = fc.oneof(fc.constantFrom(...roles, 'creator'), fc.string()).map((text) => [text, `carat:${text}`]);
    fc.assert(
      fc.property(fc.array(name), (names) => {
        const listed = new Set(names.flat());
        const expected = roles.filter((role) => role !== 'publisher' && listed.has(role));
        expect(held({ roles: names.flat() })?.roles).toEqual(expected);
      }),
    );
  });

  test('is a creator by the claim that is set for it, and then nothing else', () => {
    const creator = { keyId: 'oidc', principal: 'alice', roles: ['creator'], creatorId: 'ann' };
    const names = { creatorClaim: 'creator_id' };
    expect(held({ creator_id: 'ann' }, names)).toEqual(creator);
    expect(held({ creator_id: 'ann', roles: ['operator', 'approver', 'admin'] }, names)).toEqual(creator);
    expect(held({ roles: ['operator'] }, names)?.roles).toEqual(['operator']);
    expect(held({ creator_id: 'ann', roles: ['operator'] })?.roles).toEqual(['operator']);
  });

  test.each([null, '', 7, ['ann'], 'zoë', 'x'.repeat(129)])(
    'is nobody, and no staff, by the creator’s id %j',
    (claim) => {
      expect(held({ creator_id: claim, roles: ['operator'] }, { creatorClaim: 'creator_id' })).toBe(undefined);
    },
  );

  test('is nobody when the token is bound to a key that nobody proves here to have', () => {
    expect(held({ roles: ['operator'], cnf: { jkt: 'x' } })).toBe(undefined);
  });
});

describe('who holds several roles', () => {
  const known = { keyId: 'oidc', principal: 'alice', roles: ['operator', 'approver'] as const };

  test('acts in the first that a route names, and has no list of them there', () => {
    const caller = { keyId: 'oidc', principal: 'alice' };
    expect(actingAs(known, ['approver', 'operator'])).toEqual({ ...caller, role: 'approver' });
    expect(actingAs(known, ['publisher', 'operator', 'auditor'])).toEqual({ ...caller, role: 'operator' });
  });

  test('acts in none where none of them is named', () => {
    expect(actingAs(known, ['publisher', 'auditor'])).toBe(undefined);
    expect(actingAs({ ...known, roles: [] }, ['operator'])).toBe(undefined);
  });
});

describe('a bearer', () => {
  test.each(['eyJh.eyJz.c2ln', 'eyJh.eyJz.', 'eyJ.e30._-'])('is taken for a token: %s', (text) => {
    expect(isJwt(text)).toBe(true);
  });

  test.each(['', 'eyJh.eyJz', 'eyJh.eyJz.a.b.c', 'a.b.c', ' eyJh.eyJz.a', 'eyJh..a', 'eyJh.eyJ+.a', 'carat_admin_1_2'])(
    'is not: %j',
    (text) => {
      expect(isJwt(text)).toBe(false);
    },
  );

  test('opens things by a type that says so, or by none', () => {
    expect([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt'].map(opensThings)).not.toContain(false);
    expect(['', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'x-at+jwt', 'JWE'].map(opensThings)).not.toContain(true);
  });
});

describe('an issuer', () => {
  test.each([
    'https://id.example',
    'https://id.example/',
    'https://id.example/realms/a',
    'http://127.0.0.1:9/a',
    'http://[::1]',
  ])('may be %s', (issuer) => {
    expect(isIssuer(issuer)).toBe(true);
  });

  test.each([
    ...[
      '',
      'id.example',
      'http://id.example',
      'http://127.0.0.1.example',
      'http://localhost.example',
      'ftp://localhost',
    ],
    ...['https://id.example?a', 'https://id.example#a', 'https://u:p@id.example', 'https://u@id.example'],
    ...[' https://id.example', 'https://id.example\n', 'file:///etc/passwd', 'https://'],
  ])('may not be %j', (issuer) => {
    expect(isIssuer(issuer)).toBe(false);
  });

  test('may keep its keys elsewhere, where nobody on the way can change them', () => {
    expect(['https://keys.example/a?b=c', 'http://localhost:1/keys'].map(isTamperProof)).toEqual([true, true]);
    expect(['http://keys.example', 'http://10.0.0.1', '/keys', 'data:,{}'].map(isTamperProof)).not.toContain(true);
  });

  test('is asked below its own address, with one slash', () => {
    for (const issuer of ['https://id.example/a', 'https://id.example/a/'])
      expect(discoveryOf(issuer)).toBe('https://id.example/a/.well-known/openid-configuration');
  });
});
