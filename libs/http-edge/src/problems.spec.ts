import { giftRefusals } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { Problem, problemBody, problemOf, problems } from './problems.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('the table of problems', () => {
  test('has every refusal of a gift, as 422 save the one that is about the right to ask', () => {
    const statuses = giftRefusals.map((refusal) => [refusal, problems[refusal].status]);
    expect(statuses).toEqual(
      giftRefusals.map((refusal) => [refusal, refusal === 'external_funding_not_attested' ? 403 : 422]),
    );
  });

  test('says of itself what a client may try again', () => {
    const retryable = Object.entries(problems).filter(([, definition]) => 'retryable' in definition);
    expect(retryable.map(([code]) => code)).toEqual([
      'request_timeout',
      'idempotency_key_in_use',
      'position_not_reached',
      'too_many_at_once',
      'unavailable',
      'internal',
    ]);
  });
});

test('a problem answers with all its fields: the title stands for a detail, and no errors are an empty list', () => {
  expect(problemBody(new Problem('gift_not_found'), TRACE)).toEqual({
    type: 'urn:carat:problem:gift_not_found',
    title: 'There is no such gift.',
    status: 404,
    code: 'gift_not_found',
    detail: 'There is no such gift.',
    traceId: TRACE,
    errors: [],
    retryable: false,
  });
  const errors = [{ pointer: '/quantity', code: 'too_small' }];
  expect(problemBody(new Problem('invalid_request', { detail: 'why', errors }), TRACE)).toMatchObject({
    detail: 'why',
    errors,
  });
});

describe('any thrown value is a problem', () => {
  test.each([
    [{ statusCode: 413 }, 'body_too_large'],
    [{ statusCode: 415 }, 'unsupported_media_type'],
    [{ status: 404 }, 'not_found'],
    [{ status: 418 }, 'bad_request'],
    [{ status: 500 }, 'internal'],
    [{ code: 'ECONNREFUSED' }, 'unavailable'],
    [{ code: '57P01' }, 'unavailable'],
    [new Error('Connection terminated unexpectedly'), 'unavailable'],
    [new Error('timeout exceeded when trying to connect'), 'unavailable'],
    [new Error('Query runner already released. Cannot run queries anymore.'), 'unavailable'],
    [{ code: '23505' }, 'internal'],
    [new Error('SELECT secret FROM somewhere'), 'internal'],
    ['a string', 'internal'],
    [undefined, 'internal'],
  ])('%p → %s', (thrown, code) => {
    expect(problemOf(thrown).code).toBe(code);
  });

  test('which says nothing of what it was', () => {
    const body = problemBody(problemOf(new Error('SELECT secret FROM somewhere')), TRACE);
    expect(JSON.stringify(body)).not.toContain('secret');
  });
});
