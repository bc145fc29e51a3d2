import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { rotated, type SigningSecret, signedHeaders } from './signing-secrets.js';

const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');
const HOUR_MS = 3_600_000;
const secretOf = (n: number): string => `whsec_${Buffer.alloc(32, n).toString('base64')}`;
const at = (ms: number): string => new Date(ms).toISOString();
const signaturesAt = (secrets: readonly SigningSecret[], atMs: number): string[] =>
  signedHeaders('whd_1', atMs, '{}', secrets)['webhook-signature'].split(' ');
const signatureBy = (n: number, atMs: number): string => new Webhook(secretOf(n)).sign('whd_1', new Date(atMs), '{}');

describe('what is signed', () => {
  test('is the id, the second of the attempt and the body, as Standard Webhooks has it', () => {
    // The example of the specification's own libraries.
    const secrets = [{ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }];
    const body = '{"test": 2432232314}';
    expect(signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_999, body, secrets)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});

describe('a rotation', () => {
  const grace = rotated([{ secret: secretOf(1) }], secretOf(2), NOW_MS + HOUR_MS, NOW_MS);

  test('has the new secret sign, and the old one too until the grace ends', () => {
    expect(grace).toEqual([{ secret: secretOf(2) }, { secret: secretOf(1), until: at(NOW_MS + HOUR_MS) }]);
    const last = NOW_MS + HOUR_MS - 1;
    expect(signaturesAt(grace, last)).toEqual([signatureBy(2, last), signatureBy(1, last)]);
    expect(signaturesAt(grace, last + 1)).toEqual([signatureBy(2, last + 1)]);
  });

  test('without a grace ends every secret before it', () => {
    expect(rotated(grace, secretOf(3), NOW_MS + 1000, NOW_MS + 1000)).toEqual([{ secret: secretOf(3) }]);
  });

  test('again leaves the first its own grace, so an answer that got lost breaks nothing', () => {
    expect(rotated(grace, secretOf(3), NOW_MS + 2 * HOUR_MS, NOW_MS + 1000)).toEqual([
      { secret: secretOf(3) },
      { secret: secretOf(2), until: at(NOW_MS + 2 * HOUR_MS) },
      { secret: secretOf(1), until: at(NOW_MS + HOUR_MS) },
    ]);
  });

  test('with a shorter grace shortens those that run', () => {
    const untils = rotated(grace, secretOf(3), NOW_MS + 5000, NOW_MS).map(({ until }) => until);
    expect(untils).toEqual([undefined, at(NOW_MS + 5000), at(NOW_MS + 5000)]);
  });

  test('forgets what signs no more, and keeps five at most, the newest', () => {
    expect(rotated(grace, secretOf(3), NOW_MS + 9 * HOUR_MS, NOW_MS + HOUR_MS)).toHaveLength(2);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7 * 24 }), { minLength: 1, maxLength: 12 }), (graces) => {
        let secrets: readonly SigningSecret[] = [{ secret: secretOf(0) }];
        for (const [n, hours] of graces.entries())
          secrets = rotated(secrets, secretOf(n + 1), NOW_MS + hours * HOUR_MS, NOW_MS);
        expect(secrets.length).toBeLessThanOrEqual(5);
        const newestFirst = Array.from({ length: secrets.length }, (_, n) => secretOf(graces.length - n));
        expect(secrets.map(({ secret }) => secret)).toEqual(newestFirst);
        expect(secrets.filter(({ until }) => until === undefined)).toHaveLength(1);
      }),
    );
  });
});
