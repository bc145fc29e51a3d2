import { millidiamonds } from '@carat/amounts';
import { decode, encode, uuidOf } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { transfersOf } from '../diamond-ledger/transfers-of.js';
import { type ApprovedProposal, decide, proposalHash, propose } from '../proposals/proposal.js';
import { type AdjustmentContent, balanceAdjusted } from './adjustment.js';

const AT_MS = Date.parse('2026-11-22T10:00:00.000Z');
const standing = { ledgerSeq: 7, after: { 'diamond.events.v1': '90210' } };
const request = { key: 'key-9', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

/** An adjustment that nina proposed and omar approved a second later. */
function approved(change: Partial<AdjustmentContent> = {}): ApprovedProposal<AdjustmentContent> {
  const content = {
    creatorId: 'creator-7',
    millidiamonds: -500,
    reason: 'booked twice',
    evidence: 'case 7',
    ...change,
  };
  const proposal = propose({ kind: 'adjustment', content, by: 'nina', key: 'k', atMs: AT_MS, deadlineMs: 60_000 });
  const decision = { kind: 'approve', contentHash: proposalHash(proposal) } as const;
  const verdict = decide(proposal, decision, { by: 'omar', atMs: AT_MS + 1_000 });
  if ('refused' in verdict || verdict.proposal.state !== 'approved') throw new Error(JSON.stringify(verdict));
  return verdict.proposal;
}

describe('an approved adjustment', () => {
  test('is an event of the creator that says who agreed on what, and where the books stood', () => {
    const adjustment = approved();
    expect(balanceAdjusted(adjustment, standing, request)).toEqual({
      specversion: '1.0',
      id: uuidOf(adjustment.proposalId),
      type: 'carat.balance.adjusted.v1',
      source: '/carat/payout-service',
      subject: 'creator-7',
      time: '2026-11-22T10:00:01.000Z',
      traceparent: request.traceparent,
      causationsource: 'omar',
      causationid: 'key-9',
      data: {
        adjustmentId: adjustment.proposalId,
        creatorId: 'creator-7',
        millidiamonds: -500,
        reason: 'booked twice',
        proposedBy: 'nina',
        approvedBy: 'omar',
        ...standing,
      },
    });
  });

  test('is the same event whichever request it was approved in', () => {
    const adjustment = approved();
    const [one, other] = ['a', 'b'].map((key) => balanceAdjusted(adjustment, standing, { key }));
    expect(one?.id).toBe(other?.id);
    expect(transfersOf(balanceAdjusted(adjustment, standing, request))).toEqual(one && transfersOf(one));
  });

  const amounts = fc.maxSafeInteger().filter((amount) => amount !== 0);

  test.prop([amounts])('of any amount can be read back, and moves just that, from or to the creator', (amount) => {
    const event = balanceAdjusted(approved({ millidiamonds: amount }), standing, request);
    expect(decode('redemption.events.v1', encode(event))).toEqual({ event });
    const [transfer, ...more] = transfersOf(event);
    expect(more).toEqual([]);
    const net = transfer?.credit === 'creator' ? transfer.millidiamonds : -(transfer?.millidiamonds ?? 0n);
    expect(net).toBe(millidiamonds(amount));
    expect([transfer?.debit, transfer?.credit].sort()).toEqual(['adjustments', 'creator']);
  });
});
