import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { readEnvironment } from './environment.js';
import { providerEnvironment, providerSecrets } from './provider-environment.worker.js';
import type { Service } from './service.js';

class Nothing {}

const service = (name: string): Service => ({
  name,
  port: 8087,
  module: Nothing,
  migrations: [],
  environment: (context) => z.object(providerEnvironment(context)),
  reads: [],
  journals: [],
  transforms: [],
});
const alone = [service('provider')];
const standalone = [service('provider'), service('caller')];

const secretOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
const given = { PAYOUT_PROVIDER_KEY: 'key-of-the-provider', PAYOUT_WEBHOOK_SECRETS: secretOf(32) };
const mistakesIn = (variables: Record<string, string>): readonly string[] => {
  const read = readEnvironment(alone, variables);
  return 'mistakes' in read ? read.mistakes : [];
};

describe('the key and the secrets of the payout provider', () => {
  test('are asked for where a service runs alone', () => {
    expect(mistakesIn({})).toEqual([
      expect.stringMatching(/^PAYOUT_PROVIDER_KEY is not set: expects the key of the payout provider/),
      expect.stringMatching(/^PAYOUT_WEBHOOK_SECRETS is not set: expects a Standard Webhooks secret/),
    ]);
    expect(mistakesIn(given)).toEqual([]);
  });

  test('have well-known values in standalone, which a variable replaces', () => {
    expect(readEnvironment(standalone, {})).toMatchObject({
      environment: {
        PAYOUT_PROVIDER_KEY: 'carat-development-provider-key',
        PAYOUT_WEBHOOK_SECRETS: ['whsec_Y2FyYXQgZGV2ZWxvcG1lbnQgd2ViaG9vayBzZWNyZXQ='],
      },
    });
    expect(readEnvironment(standalone, given)).toMatchObject({
      environment: { PAYOUT_PROVIDER_KEY: 'key-of-the-provider', PAYOUT_WEBHOOK_SECRETS: [secretOf(32)] },
    });
  });

  test('may be several secrets, the newest first', () => {
    const PAYOUT_WEBHOOK_SECRETS = `${secretOf(64)}, ${secretOf(24)}`;
    expect(readEnvironment(alone, { ...given, PAYOUT_WEBHOOK_SECRETS })).toMatchObject({
      environment: { PAYOUT_WEBHOOK_SECRETS: [secretOf(64), secretOf(24)] },
    });
  });

  test('are told to the log as what to hide, where there are any', () => {
    const environment = z.object(providerEnvironment({ standalone: false })).parse(given);
    expect(providerSecrets({ ...environment, PORT: 8087 })).toEqual(['key-of-the-provider', secretOf(32)]);
    expect(providerSecrets({ PORT: 8081 })).toEqual([]);
  });

  test.each([
    ['PAYOUT_PROVIDER_KEY', 'too short'],
    ['PAYOUT_PROVIDER_KEY', 'one that has spaces in it'],
    ['PAYOUT_PROVIDER_KEY', `a-"quote"-${'x'.repeat(20)}`],
    ['PAYOUT_PROVIDER_KEY', 'x'.repeat(257)],
    ['PAYOUT_WEBHOOK_SECRETS', secretOf(23)],
    ['PAYOUT_WEBHOOK_SECRETS', secretOf(65)],
    ['PAYOUT_WEBHOOK_SECRETS', `${secretOf(32)},`],
    ['PAYOUT_WEBHOOK_SECRETS', secretOf(32).replace('whsec_', '')],
    ['PAYOUT_WEBHOOK_SECRETS', `${secretOf(32)}%`],
  ])('%s=%s is refused and not repeated', (name, value) => {
    const mistakes = mistakesIn({ ...given, [name]: value });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(new RegExp(`^${name} is malformed: expects `));
    expect(mistakes[0]).not.toContain(value);
  });
});
