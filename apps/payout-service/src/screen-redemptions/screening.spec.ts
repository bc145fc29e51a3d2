import { describe, expect, test } from '@jest/globals';
import { after, given, method, NOW_MS, usual, wayInto } from '../../test/redemptions.js';
import { decide } from '../redeem-diamonds/redemption.js';
import { codesIn, type HoldCode, holdReasons, reasonOf, remaining } from './hold-reasons.js';
import { causesToHold, lookAgain, type Standing, screen } from './screening.js';

const good: Standing = {
  eligibility: { adult: true, taxForm: true, redemptionsAllowed: true, setBy: 'operator:olga' },
  isEligibilityRequired: true,
  recoverable: 0n,
  method,
};
const cooling = { ...method, usableFrom: new Date(NOW_MS + 1).toISOString() };
const eligibility = (change: object) => ({
  eligibility: { adult: true, taxForm: true, redemptionsAllowed: true, setBy: 'operator:olga', ...change },
});

describe('screening', () => {
  test('clears a creator whom nothing speaks against', () => {
    expect(screen(good, NOW_MS)).toEqual({ kind: 'clear' });
    expect(screen({ ...good, eligibility: undefined, isEligibilityRequired: false }, NOW_MS)).toEqual({
      kind: 'clear',
    });
  });

  test.each<[HoldCode, Partial<Standing>]>([
    ['redemptions_not_allowed', eligibility({ redemptionsAllowed: false })],
    ['creator_not_adult', eligibility({ adult: false })],
    ['tax_form_missing', eligibility({ taxForm: false })],
    ['eligibility_unknown', { eligibility: undefined }],
    ['debt_outstanding', { recoverable: 1n }],
    ['method_not_usable', { method: undefined }],
    ['method_not_usable', { method: cooling }],
  ])('flags %s', (code, change) => {
    expect(screen({ ...good, ...change }, NOW_MS)).toEqual({ kind: 'flag', reason: code });
    // Nobody lets that go on before it has ended.
    expect(remaining([code])).toEqual([code]);
    const review = after(wayInto.in_review);
    const causes = causesToHold({ ...good, ...change }, NOW_MS);
    expect(decide(review, { kind: 'release', causes }, given('approver'))).toEqual({ refused: 'hold_reason_remains' });
  });

  test('tells all of what it finds, and a method is usable from its first millisecond on', () => {
    const bad = { ...good, ...eligibility({ adult: false, redemptionsAllowed: false }), recoverable: 5n };
    const reason = 'redemptions_not_allowed, creator_not_adult, debt_outstanding';
    expect(screen(bad, NOW_MS)).toEqual({ kind: 'flag', reason });
    expect(causesToHold({ ...good, method: cooling }, NOW_MS + 1)).toEqual([]);
  });
});

describe('the look before it is sent', () => {
  const approval = { by: 'nina', at: new Date(NOW_MS).toISOString(), contentHash: 'now' };
  const approved = { approvals: [approval], approversNeeded: 1, contentHash: 'now', approvalTtlMs: 100 };

  test('sends what is still as it was approved', () => {
    expect(lookAgain(good, approved, NOW_MS + 99)).toEqual({ kind: 'submit', contentHash: 'now', approvalTtlMs: 100 });
    expect(lookAgain(good, { ...approved, approversNeeded: 0 }, NOW_MS)).toMatchObject({ kind: 'submit' });
  });

  test.each([
    ['method_changed', good, { ...approved, contentHash: 'of another account' }, NOW_MS],
    ['approval_expired', good, approved, NOW_MS + 100],
    ['approval_expired', good, { ...approved, approversNeeded: 2 }, NOW_MS],
    ['debt_outstanding', { ...good, recoverable: 1n }, approved, NOW_MS],
    ['debt_outstanding, method_changed', { ...good, recoverable: 1n }, { ...approved, contentHash: 'x' }, NOW_MS],
  ])('sends back %s', (reason, standing, of, atMs) => {
    expect(lookAgain(standing, of, atMs)).toEqual({ kind: 'send_back', reason });
  });

  test('never sends what the decision itself would refuse', () => {
    const redemption = after(wayInto.approved);
    const [submit] = usual('submit', redemption);
    expect(decide(redemption, submit, given('system'))).toHaveProperty('event');
    for (const contentHash of ['x', ''])
      expect(decide(redemption, { ...submit, contentHash } as typeof submit, given('system'))).toEqual({
        refused: 'approval_expired',
      });
  });
});

describe('a release', () => {
  test('is for others than whoever asked for the redemption', () => {
    const review = after(wayInto.in_review);
    const verdict = decide(review, { kind: 'release', causes: [] }, given('approver', { by: 'creator-7' }));
    expect(verdict).toEqual({ refused: 'self_approval' });
  });

  test('is for others than whoever said last that the creator may be paid', () => {
    const review = after(wayInto.in_review);
    const release = { kind: 'release', causes: [], clearedBy: 'approver:nina' } as const;
    expect(decide(review, release, given('approver'))).toEqual({ refused: 'self_approval' });
    expect(decide(review, release, given('approver', { by: 'approver:olga' }))).toHaveProperty('event');
  });

  test('is an approver’s to decide where the reason is a matter of judgement', () => {
    expect(remaining(['method_changed', 'approval_expired'])).toEqual([]);
  });
});

test('reasons are read as they were written, and every one has its words for the creator', () => {
  const codes = Object.keys(holdReasons) as HoldCode[];
  expect(codesIn(reasonOf(codes))).toEqual(codes);
  expect(codesIn('a word of nobody, debt_outstanding, toString')).toEqual(['debt_outstanding']);
  expect(codesIn(undefined)).toEqual([]);
  for (const { tellsCreator } of Object.values(holdReasons)) expect(tellsCreator).toMatch(/^[A-Z].+\.$/);
});
