import { coins } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { appendAll, recordOf } from '@carat/event-log/journal';
import { type GiftId, Id, type ReversalId, reversalIdOf, uuidOf } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { type Decision, decideReversal, type Proposal, type ReversalContent, reversalHash } from './decide-reversal.js';
import type { DecidedReversal } from './reversal-bodies.js';
import { type SentGift, takeBack } from './reverse-gift.store.js';

/** When a request reached the server, and its trace. */
export interface Arrival {
  readonly receivedAtMs: number;
  readonly traceparent?: string | undefined;
}

const FIND_GIFT = `
  SELECT data, sent_at AS "sentAt", coins_standing AS standing FROM gift.gift WHERE gift_id = $1`;

// Two proposals of one identity meet here: the later waits for the earlier's commit. In one millisecond they have one
// id, too, so whatever index they meet in, they are the same.
const REMEMBER = `
  INSERT INTO gift.reversal_proposal (gift_id, proposal_id, reversal_id, content, proposed_by, proposed_at)
  VALUES ($1, $2, $3, $4, $5, $6::timestamptz) ON CONFLICT DO NOTHING RETURNING 1`;

const RECALL = `
  SELECT 'rev_' || reversal_id AS "reversalId", content, state FROM gift.reversal_proposal
  WHERE (gift_id, proposal_id) = ($1, $2)`;

const LOCK_PROPOSAL = `
  SELECT 'rev_' || p.reversal_id AS "reversalId", p.content, p.state, p.proposed_by AS "proposedBy",
         p.decided_by AS "decidedBy", p.rejected_for AS "rejectedFor", g.data, g.sent_at AS "sentAt"
  FROM gift.reversal_proposal p JOIN gift.gift g USING (gift_id)
  WHERE p.gift_id = $1 AND 'rev_' || p.reversal_id = $2 FOR UPDATE OF p`;

const DECIDE = `
  UPDATE gift.reversal_proposal SET state = $3, decided_by = $4, decided_at = $5::timestamptz, rejected_for = $6,
         coins_taken = $7 WHERE gift_id = $1 AND 'rev_' || reversal_id = $2`;

interface ProposalRow {
  readonly reversalId: ReversalId;
  readonly content: ReversalContent;
  readonly state: Proposal['state'];
  readonly proposedBy: string;
  readonly decidedBy: string | null;
  readonly rejectedFor: string | null;
  readonly data: SentGift['data'];
  readonly sentAt: Date;
}

/** The moderation of gifts: one person proposes, another decides. */
@Injectable()
export class DecideReversals {
  constructor(private readonly requests: IdempotentRequests) {}

  /**
   * Remembers a proposal. It takes back nothing until another person approves it.
   * @throws Problem `gift_not_found`, `gift_not_paid_from_wallet`, `gift_already_reversed`, `reversal_conflict`
   */
  propose(asked: Asked, giftId: GiftId, content: ReversalContent, at: Arrival): Promise<Answered<DecidedReversal>> {
    return this.requests.once(asked, (tx) => propose(tx, giftId, content, Id.parse(asked.principal), at));
  }

  /**
   * Applies a proposal, or rejects it for good.
   * @throws Problem `reversal_not_found`, `gift_already_reversed`, and whatever `decideReversal` refuses
   */
  decide(
    asked: Asked,
    giftId: GiftId,
    reversalId: string,
    decision: Decision,
    at: Arrival,
  ): Promise<Answered<DecidedReversal>> {
    return this.requests.once(asked, async (tx) => {
      const [row] = (await tx.query(LOCK_PROPOSAL, [uuidOf(giftId), reversalId])) as ProposalRow[];
      if (row === undefined) throw new Problem('reversal_not_found');
      return decide(tx, giftId, row, decision, { ...at, ...asked });
    });
  }
}

async function propose(
  tx: Tx,
  giftId: GiftId,
  content: ReversalContent,
  proposedBy: string,
  { receivedAtMs }: Arrival,
): Promise<Answered<DecidedReversal>> {
  const gift = uuidOf(giftId);
  const [found] = (await tx.query(FIND_GIFT, [gift])) as { data: SentGift['data']; standing: string }[];
  if (found === undefined) throw new Problem('gift_not_found');
  if (content.restoreCoins && found.data.funding.kind !== 'wallet') throw new Problem('gift_not_paid_from_wallet');
  const contentHash = reversalHash(giftId, content);
  const reversalId = reversalIdOf(receivedAtMs, giftId, content.reversalId);
  const time = new Date(receivedAtMs).toISOString();
  const proposal = [gift, content.reversalId, uuidOf(reversalId), JSON.stringify(content), proposedBy, time];
  if (((await tx.query(REMEMBER, proposal)) as unknown[]).length === 0) {
    const [first] = (await tx.query(RECALL, [gift, content.reversalId])) as [ProposalRow];
    if (reversalHash(giftId, first.content) !== contentHash) throw new Problem('reversal_conflict');
    return { answer: { reversalId: first.reversalId, contentHash, state: first.state }, replayed: true };
  }
  // What stands never grows, so a proposal that is too large today could never be approved.
  const standing = BigInt(found.standing);
  if (standing === 0n || BigInt(content.coins ?? 0) > standing) throw new Problem('gift_already_reversed');
  return { answer: { reversalId, contentHash, state: 'proposed' }, replayed: false };
}

/** Locks are taken in the order of the gifts': the proposal as identities are, the wallet, the gift, the heads last. */
async function decide(
  tx: Tx,
  giftId: GiftId,
  row: ProposalRow,
  decision: Decision,
  { principal, key, receivedAtMs, traceparent }: Asked & Arrival,
): Promise<Answered<DecidedReversal>> {
  const { reversalId, content, proposedBy, state } = row;
  const contentHash = reversalHash(giftId, content);
  const proposal = {
    ...{ reversalId, contentHash, proposedBy, state },
    decidedBy: row.decidedBy ?? undefined,
    rejectedFor: row.rejectedFor ?? undefined,
  };
  const verdict = decideReversal(proposal, decision, principal);
  if (verdict === 'unchanged') return { answer: { reversalId, contentHash, state }, replayed: true };
  if (verdict !== 'decided') throw new Problem(verdict.refused);
  const decidedBy = Id.parse(principal);
  const decided = [uuidOf(giftId), reversalId];
  const time = new Date(receivedAtMs).toISOString();
  if (decision.kind === 'reject') {
    await tx.query(DECIDE, [...decided, 'rejected', decidedBy, time, decision.reason, null]);
    return { answer: { reversalId, contentHash, state: 'rejected' }, replayed: false };
  }
  const { reason, restoreCoins } = content;
  const amount = content.coins === undefined ? undefined : coins(content.coins);
  const agreed = { coins: amount, reason, restoreCoins, reversalId, proposedBy, approvedBy: decidedBy };
  const cause = { source: decidedBy, id: key, timeMs: receivedAtMs, traceparent };
  const gift = { giftId, data: row.data, sentAt: row.sentAt };
  const reversal = await takeBack(tx, gift, agreed, cause);
  if (reversal === undefined) throw new Problem('gift_already_reversed');
  await tx.query(DECIDE, [...decided, 'approved', decidedBy, time, null, String(reversal.coins)]);
  await appendAll(tx, [
    { topic: 'coin.events.v1', records: reversal.restored === undefined ? [] : [recordOf(reversal.restored)] },
    { topic: 'gift.events.v1', records: [recordOf(reversal.reversed)] },
  ]);
  return { answer: { reversalId, contentHash, state: 'approved' }, replayed: false };
}
