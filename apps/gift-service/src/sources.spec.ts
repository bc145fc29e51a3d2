import { describe, expect, it } from '@jest/globals';
import { registrationOf, SourcesVariable } from './sources.js';

describe('SOURCES', () => {
  it('says what each source may do', () => {
    const sources = SourcesVariable.parse('{"/live": {"attestExternal": true, "dailyCoinCap": 100}, "/video": {}}');
    expect(registrationOf(sources, '/live')).toEqual({ attestExternal: true, dailyCoinCap: 100n });
    expect(registrationOf(sources, '/video')).toEqual({ attestExternal: false });
    expect(registrationOf(sources, '/other')).toBeUndefined();
  });

  it('may register every source that has no entry of its own', () => {
    const sources = SourcesVariable.parse('{"*": {"attestExternal": true}, "/video": {}}');
    expect(registrationOf(sources, '/any')).toEqual({ attestExternal: true });
    expect(registrationOf(sources, '/video')).toEqual({ attestExternal: false });
  });

  it.each([
    undefined,
    '',
    'none',
    '[]',
    '{"/live": true}',
    '{"/live": {"attest": true}}',
    '{"/live": {"dailyCoinCap": -1}}',
    '{"/live": {"dailyCoinCap": 1.5}}',
  ])('refuses %j', (text) => {
    expect(SourcesVariable.safeParse(text).success).toBe(false);
  });
});
