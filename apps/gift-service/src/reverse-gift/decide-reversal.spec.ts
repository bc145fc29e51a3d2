import { giftIdOf, reversalIdOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { type Decision, decideReversal, type Proposal, reversalHash } from './decide-reversal.js';

const giftId = giftIdOf(0, '/live', 'g-1');
const content = { reversalId: 'case-7', coins: 5, reason: 'abuse', restoreCoins: true };
const contentHash = reversalHash(giftId, content);
const proposed: Proposal = {
  reversalId: reversalIdOf(0, giftId, 'case-7'),
  contentHash,
  proposedBy: 'nina',
  state: 'proposed',
};
const approved: Proposal = { ...proposed, state: 'approved', decidedBy: 'omar' };
const rejected: Proposal = { ...proposed, state: 'rejected', decidedBy: 'omar', rejectedFor: 'fair' };
const approve: Decision = { kind: 'approve', contentHash };
const reject: Decision = { kind: 'reject', reason: 'fair' };
const another: Decision = { kind: 'approve', contentHash: 'another' };
const says = (proposal: Proposal, decision: Decision, by: string) => {
  const verdict = decideReversal(proposal, decision, by);
  return typeof verdict === 'string' ? verdict : verdict.refused;
};

describe('a decision on taking a gift back', () => {
  test.each([
    ['decided', proposed, approve, 'omar'],
    ['decided', proposed, reject, 'omar'],
    // Who thinks better of it may say so.
    ['decided', proposed, reject, 'nina'],
    ['self_approval', proposed, approve, 'nina'],
    ['self_approval', proposed, another, 'nina'],
    ['self_approval', approved, approve, 'nina'],
    ['proposal_changed', proposed, another, 'omar'],
    ['proposal_changed', approved, another, 'omar'],
    ['unchanged', approved, approve, 'omar'],
    ['unchanged', rejected, reject, 'omar'],
    ['reversal_already_decided', approved, approve, 'olga'],
    ['reversal_already_decided', approved, reject, 'omar'],
    ['reversal_already_decided', rejected, approve, 'omar'],
    ['reversal_already_decided', rejected, reject, 'olga'],
    ['reversal_already_decided', rejected, { kind: 'reject', reason: 'another' }, 'omar'],
  ] as [string, Proposal, Decision, string][])('%s', (verdict, proposal, decision, by) => {
    expect(says(proposal, decision, by)).toBe(verdict);
  });

  test('is bound to the gift and to every field of what was proposed', () => {
    const { coins: _, ...all } = content;
    const hashes = [
      contentHash,
      reversalHash(giftIdOf(0, '/live', 'g-2'), content),
      reversalHash(giftId, all),
      ...[{ reversalId: 'case-8' }, { coins: 6 }, { reason: 'fraud' }, { restoreCoins: false }].map((change) =>
        reversalHash(giftId, { ...content, ...change }),
      ),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(reversalHash(giftId, { ...all, coins: undefined })).toBe(reversalHash(giftId, all));
  });
});
