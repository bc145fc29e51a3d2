import { timeOfId } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { type Decision, decide, type Proposal, proposalHash, propose } from './proposal.js';

const AT_MS = Date.parse('2026-11-22T10:00:00.000Z');
const DEADLINE_MS = 14 * 86_400_000;
const content = { creatorId: 'creator-7', millidiamonds: -500, reason: 'booked twice' };
const wish = { kind: 'adjustment', content, by: 'nina', key: 'key-1', atMs: AT_MS, deadlineMs: DEADLINE_MS } as const;
type Content = typeof content;

const proposed = propose<Content>(wish);
const contentHash = proposalHash(proposed);
const approve: Decision = { kind: 'approve', contentHash };
const reject: Decision = { kind: 'reject', reason: 'fair' };
const another: Decision = { kind: 'approve', contentHash: 'another' };
const LAST_MS = AT_MS + DEADLINE_MS - 1;

function after(decision: Decision, by = 'omar'): Proposal<Content> {
  const verdict = decide(proposed, decision, { by, atMs: AT_MS + 1 });
  if ('refused' in verdict) throw new Error(verdict.refused);
  return verdict.proposal;
}
const approved = after(approve);
const rejected = after(reject);

function says(proposal: Proposal<Content>, decision: Decision, by: string, atMs: number): string {
  const verdict = decide(proposal, decision, { by, atMs });
  if ('refused' in verdict) return verdict.refused;
  return verdict.isNew ? verdict.proposal.state : `still ${verdict.proposal.state}`;
}

describe('a proposal', () => {
  test('says who wants what until when, under an id that follows from the wish', () => {
    expect(proposed).toEqual({
      proposalId: expect.stringMatching(/^adj_[0-9a-f-]{36}$/),
      kind: 'adjustment',
      content,
      proposedBy: 'nina',
      proposedAt: '2026-11-22T10:00:00.000Z',
      decideBefore: '2026-12-06T10:00:00.000Z',
      state: 'proposed',
    });
    expect(timeOfId(proposed.proposalId)).toBe(AT_MS);
    expect(propose(wish)).toEqual(proposed);
    const others = [{ by: 'ben' }, { key: 'key-2' }, { atMs: AT_MS + 1 }, { kind: 'redemption_rules' as const }];
    const ids = [wish, ...others.map((change) => ({ ...wish, ...change }))].map((made) => propose(made).proposalId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.at(-1)).toMatch(/^rules_/);
  });

  test('has a hash of its kind and of every field of its content', () => {
    const changes = [{ creatorId: 'creator-8' }, { millidiamonds: 500 }, { reason: 'fraud' }, { evidence: 'case 7' }];
    const hashes = [
      contentHash,
      proposalHash({ kind: 'redemption_rules', content }),
      ...changes.map((change) => proposalHash({ kind: 'adjustment', content: { ...content, ...change } })),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(proposalHash({ kind: 'adjustment', content: { ...content, evidence: undefined } })).toBe(contentHash);
  });
});

describe('a decision', () => {
  test.each<[string, Proposal<Content>, Decision, string, number]>([
    ['approved', proposed, approve, 'omar', AT_MS],
    ['approved', proposed, approve, 'omar', LAST_MS],
    ['proposal_expired', proposed, approve, 'omar', LAST_MS + 1],
    ['rejected', proposed, reject, 'omar', AT_MS],
    ['rejected', proposed, reject, 'omar', LAST_MS + 1],
    ['self_approval', proposed, approve, 'nina', AT_MS],
    ['self_approval', proposed, reject, 'nina', AT_MS],
    ['self_approval', proposed, another, 'nina', AT_MS],
    ['self_approval', proposed, approve, 'nina', LAST_MS + 1],
    ['self_approval', approved, approve, 'nina', AT_MS],
    ['proposal_changed', proposed, another, 'omar', AT_MS],
    ['proposal_changed', proposed, another, 'omar', LAST_MS + 1],
    ['proposal_changed', approved, another, 'omar', AT_MS],
    ['still approved', approved, approve, 'omar', AT_MS],
    ['still approved', approved, approve, 'omar', LAST_MS + 1],
    ['still rejected', rejected, reject, 'omar', LAST_MS + 1],
    ['already_decided', approved, approve, 'olga', AT_MS],
    ['already_decided', approved, reject, 'omar', AT_MS],
    ['already_decided', rejected, approve, 'omar', AT_MS],
    ['already_decided', rejected, reject, 'olga', AT_MS],
    ['already_decided', rejected, { kind: 'reject', reason: 'another' }, 'omar', AT_MS],
  ])('%s', (verdict, proposal, decision, by, atMs) => {
    expect(says(proposal, decision, by, atMs)).toBe(verdict);
  });

  test('is remembered with who made it and when, and leaves what was proposed as it is', () => {
    const decided = { decidedBy: 'omar', decidedAt: '2026-11-22T10:00:00.001Z' };
    expect(approved).toEqual({ ...proposed, ...decided, state: 'approved' });
    expect(rejected).toEqual({ ...proposed, ...decided, state: 'rejected', rejectedFor: 'fair' });
  });
});
