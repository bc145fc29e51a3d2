import { decode, encode } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { after, given, payout, wayInto } from '../../test/redemptions.js';
import { decide } from '../redeem-diamonds/redemption.js';
import {
  answerToCall,
  answerToPoll,
  commandOf,
  inOurWords,
  nextPollInMs,
  type ProviderRecord,
} from './provider-answer.js';

const record: ProviderRecord = {
  payoutId: 'rdm_1',
  providerReference: 'ref-1',
  status: 'pending',
  ...payout,
};

describe('an answer to a call', () => {
  test.each([
    [201, record, 'record'],
    [200, { ...record, status: 'paid' }, 'record'],
    [201, { ...record, payoutId: 'rdm_2' }, 'unanswered'],
    [201, { ...record, amountMinor: 1.5 }, 'unanswered'],
    [201, { ...record, status: 'done' }, 'unanswered'],
    [204, undefined, 'unanswered'],
    [302, undefined, 'unanswered'],
    [400, {}, 'refused'],
    [401, {}, 'not_sent'],
    [403, {}, 'refused'],
    [404, {}, 'refused'],
    [408, {}, 'unanswered'],
    [409, {}, 'unanswered'],
    [422, { code: 'no_such_account' }, 'refused'],
    [425, {}, 'unanswered'],
    [429, {}, 'unanswered'],
    [500, {}, 'unanswered'],
    [503, {}, 'unanswered'],
    [599, record, 'unanswered'],
  ])('%d %j is %s', (status, body, kind) => {
    expect(answerToCall('rdm_1', status, body).kind).toBe(kind);
  });
});

describe('an answer to a poll', () => {
  test.each([
    [200, record, 'record'],
    [201, record, 'unanswered'],
    [404, { code: 'payout_not_found' }, 'not_found'],
    // Of a proxy that knows no such path it says nothing.
    [404, '<html>', 'unanswered'],
    [404, undefined, 'unanswered'],
    [401, {}, 'unanswered'],
    [422, {}, 'unanswered'],
    [500, {}, 'unanswered'],
  ])('%d %j is %s', (status, body, kind) => {
    expect(answerToPoll('rdm_1', status, body).kind).toBe(kind);
  });
});

test.each([
  ['pending', 'accepted'],
  ['held', 'accepted'],
  ['paid', 'paid'],
  ['failed', 'failed'],
  ['returned', 'returned'],
] as const)('a record that says %s makes us say %s, of its own amount', (status, kind) => {
  expect(commandOf({ kind: 'record', record: { ...record, status, reason: 'why' } })).toEqual({
    kind,
    payout,
    providerReference: 'ref-1',
    reason: 'why',
  });
});

test.prop([fc.string({ unit: 'binary', maxLength: 2000 })])(
  'whatever the provider says as a reason can stand on an event',
  (reason) => {
    const command = commandOf(answerToCall('rdm_1', 422, { code: reason, detail: reason }));
    if (command === undefined) throw new Error('it was refused');
    const verdict = decide(after(wayInto.submitted), command, given('provider'));
    if (!('event' in verdict)) throw new Error(JSON.stringify(verdict));
    expect(decode('redemption.events.v1', encode(verdict.event))).toEqual({ event: verdict.event });
    expect(inOurWords(reason)).not.toMatch(/\p{Cc}|\p{Cs}/u);
  },
);

describe('the provider is asked again', () => {
  test('the less often the longer nothing changes, while it is open', () => {
    for (const status of ['submitted', 'in_transit', 'unknown'] as const)
      expect([0, 1, 2, 8, 9, 1_000].map((polls) => nextPollInMs(status, polls))).toEqual([
        1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
      ]);
  });

  test('for weeks about what it paid, or called failed, and about nothing else', () => {
    for (const status of ['paid', 'failed'] as const)
      expect([0, 1, 4, 5, 49, 50].map((polls) => nextPollInMs(status, polls))).toEqual([
        3_600_000,
        7_200_000,
        57_600_000,
        86_400_000,
        86_400_000,
        undefined,
      ]);
    for (const status of ['requested', 'approved', 'returned', 'rejected', 'cancelled', 'expired'] as const)
      expect(nextPollInMs(status, 0)).toBeUndefined();
  });
});
