import { describe, expect, it } from '@jest/globals';
import { giftEnvironment } from './gift-environment.worker.js';

const read = (variables: Record<string, string>) => giftEnvironment({ standalone: true }).safeParse(variables);

describe('CATALOGUE_LEAD', () => {
  it.each([
    [{}, 300_000],
    [{ CATALOGUE_LEAD: '120001ms' }, 120_001],
    [{ GIFT_SKEW: '0s', CATALOGUE_LEAD: '1ms' }, 1],
  ])('of %j is %i ms', (variables, lead) => {
    expect(read(variables).data).toMatchObject({ CATALOGUE_LEAD: lead });
  });

  it.each([{ CATALOGUE_LEAD: '2m' }, { CATALOGUE_LEAD: '0s', GIFT_SKEW: '0s' }, { GIFT_SKEW: '5m' }])(
    'is refused by name where it does not cover GIFT_SKEW: %j',
    (variables) => {
      expect(read(variables).error?.issues).toMatchObject([
        { path: ['CATALOGUE_LEAD'], message: 'expects a duration longer than GIFT_SKEW' },
      ]);
    },
  );
});
