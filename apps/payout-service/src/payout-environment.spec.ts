import { describe, expect, test } from '@jest/globals';
import { payoutEnvironment } from './payout-environment.worker.js';

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
