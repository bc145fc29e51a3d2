import { describe, expect, test } from '@jest/globals';
import { payoutEnvironment } from './payout-environment.worker.js';

const SECRET = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
const alone = (variables: object) => payoutEnvironment({ standalone: false }).safeParse(variables);
const provider = {
  PAYOUT_PROVIDER_URL: 'https://api.provider.example/',
  PAYOUT_PROVIDER_KEY: 'a-key-of-the-provider',
  PAYOUT_WEBHOOK_SECRETS: SECRET,
};

describe('payout-service, alone', () => {
  test('may do without a provider, and is then careful with creators of whom nothing is known', () => {
    const { data } = alone({});
    expect(data).toMatchObject({ PAYOUT_PROVIDER: 'fake', ELIGIBILITY_REQUIRED: true, METHOD_COOLING: 86_400_000 });
    expect(data?.PAYOUT_PROVIDER_URL).toBeUndefined();
  });

  test('with a provider needs its key and its secrets', () => {
    expect(alone(provider).data).toMatchObject({
      PAYOUT_PROVIDER_URL: 'https://api.provider.example',
      PAYOUT_WEBHOOK_SECRETS: [SECRET],
    });
    for (const missing of ['PAYOUT_PROVIDER_KEY', 'PAYOUT_WEBHOOK_SECRETS'])
      expect(alone({ ...provider, [missing]: undefined }).error?.issues).toMatchObject([
        { path: [missing], message: 'PAYOUT_PROVIDER_URL expects it' },
      ]);
  });

  test.each([
    ['PAYOUT_PROVIDER_URL', 'self'],
    ['PAYOUT_PROVIDER_URL', 'file:///etc/passwd'],
    ['ELIGIBILITY_REQUIRED', 'yes'],
    ['APPROVAL_TTL', '3'],
  ])('does not take %s=%s', (name, text) => {
    expect(alone({ ...provider, [name]: text }).error?.issues).toMatchObject([{ path: [name] }]);
  });
});

test('in standalone the provider is the fake one of the same process', () => {
  expect(payoutEnvironment({ standalone: true }).parse({})).toMatchObject({
    PAYOUT_PROVIDER_URL: 'self',
    PAYOUT_PROVIDER_KEY: expect.any(String),
    ELIGIBILITY_REQUIRED: false,
    METHOD_COOLING: 0,
  });
});

const read = (standalone: boolean, variables: Record<string, string> = {}) =>
  payoutEnvironment({ standalone }).safeParse(variables);

describe('WEBHOOKS_ALLOW_PRIVATE', () => {
  test.each([true, false])('is off unless it is said, standalone or not: %p', (standalone) => {
    expect(read(standalone).data).toMatchObject({ WEBHOOKS_ALLOW_PRIVATE: false, WEBHOOKS_EVERY: 1000 });
    expect(read(standalone, { WEBHOOKS_ALLOW_PRIVATE: '0' }).data).toMatchObject({ WEBHOOKS_ALLOW_PRIVATE: false });
  });

  test('can be turned on in standalone, which only its own machine reaches, and nowhere else', () => {
    expect(read(true, { WEBHOOKS_ALLOW_PRIVATE: '1' }).data).toMatchObject({ WEBHOOKS_ALLOW_PRIVATE: true });
    expect(read(false, { WEBHOOKS_ALLOW_PRIVATE: '1' }).error?.issues).toMatchObject([
      { path: ['WEBHOOKS_ALLOW_PRIVATE'], message: 'expects 0: 1 is for standalone only' },
    ]);
  });

  test.each(['', 'yes', '01', '1\n'])('is refused as %j', (text) => {
    expect(read(true, { WEBHOOKS_ALLOW_PRIVATE: text }).error?.issues).toMatchObject([
      { path: ['WEBHOOKS_ALLOW_PRIVATE'], message: 'expects 1 or 0' },
    ]);
  });
});
