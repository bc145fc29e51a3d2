import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { Duration } from './duration.js';
import { rulesInForce } from './rules-in-force.js';

test('rules are shown as people write them, and nothing that is or might be a secret', () => {
  const schema = z.object({
    RATE_LEAD: Duration.prefault('15m'),
    GIFT_SKEW: Duration.default(120_000),
    STREAK_TIMEOUT: Duration,
    REDEMPTION_MINIMUM: z.coerce.number(),
    DAILY_MAXIMUM: z.coerce.bigint(),
    SOURCES: z.string(),
    PROVIDER_KEY: z.coerce.number(),
  });
  const environment = schema.parse({
    STREAK_TIMEOUT: '30s',
    REDEMPTION_MINIMUM: '10000000',
    DAILY_MAXIMUM: '9007199254740993',
    SOURCES: '{}',
    PROVIDER_KEY: '42',
  });
  expect(rulesInForce([schema], environment)).toEqual({
    DAILY_MAXIMUM: '9007199254740993',
    GIFT_SKEW: '2m',
    RATE_LEAD: '15m',
    REDEMPTION_MINIMUM: 10_000_000,
    STREAK_TIMEOUT: '30s',
  });
});
