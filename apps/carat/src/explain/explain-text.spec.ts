import type { Explanation } from '@carat/audit/explain';
import { expect, test } from '@jest/globals';
import { textOfExplanation } from './explain-text.js';

const evidence = (offset: string) => ({
  eventId: 'event-1',
  type: 'carat.redemption.rejected.v1',
  position: { topic: 'redemption.events.v1' as const, partition: 3, offset },
  recordedAt: '2026-11-20T19:00:00.000Z',
  recordHash: 'ab'.repeat(32),
});
const explanation: Explanation = {
  id: 'rdm_1',
  kind: 'redemption',
  about: 'rdm_1',
  creatorId: 'creator-1',
  sentence: '3000 millidiamonds for 1 USD (minor units): rejected',
  steps: [
    { step: 'redemption_requested', id: 'rdm_1', sentence: 'held', evidence: evidence('9') },
    { step: 'redemption_moved', id: 'rdm_1', sentence: 'rejected', by: ['pia'], evidence: evidence('10') },
  ],
  notKnown: [{ step: 'settlement_line', sentence: 'settlement lines are not in the log' }],
};

test('an explanation reads step by step, then where the log says so, then what is not known', () => {
  expect(textOfExplanation(explanation).split('\n')).toEqual([
    'redemption rdm_1 of creator-1',
    '3000 millidiamonds for 1 USD (minor units): rejected',
    '',
    '1. redemption_requested rdm_1',
    '   held',
    '2. redemption_moved rdm_1',
    '   rejected',
    '   by pia',
    '',
    '    position                      recorded at               event    record hash',
    `1.  redemption.events.v1/3 at 9   2026-11-20T19:00:00.000Z  event-1  ${'ab'.repeat(32)}`,
    `2.  redemption.events.v1/3 at 10  2026-11-20T19:00:00.000Z  event-1  ${'ab'.repeat(32)}`,
    '',
    'not known: settlement lines are not in the log',
  ]);
});

test('a terminal obeys nothing of what people wrote', () => {
  const [step] = explanation.steps;
  const sentence = 'rejected: \u001b[2J\u001b]0;owned\u0007a\r\nb\u202ec\u2028d';
  const text = textOfExplanation({ ...explanation, steps: step === undefined ? [] : [{ ...step, sentence }] });
  expect(text.split('\n')[4]).toBe('   rejected:  [2J ]0;owned a b c d');
});
