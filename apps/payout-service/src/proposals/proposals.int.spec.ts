import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Named, type People, peopleAt } from '../../test/four-eyes.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { rules } from '../../test/rules.js';
import { decideProposal } from './four-eyes.store.js';
import type { Decision, ProposalKind } from './proposal.js';
import { openProposals } from './proposals.store.js';

let doors: PayoutDoors;
let adjustments: People;
let ruleBook: People;
beforeAll(async () => {
  doors = await openPayoutDoors();
  adjustments = await peopleAt(doors, '/v1/adjustments', 'adjustmentId');
  ruleBook = await peopleAt(doors, '/v1/redemption-rules', 'rulesId');
}, 60_000);
afterAll(() => doors?.close());

const HOUR_MS = 3_600_000;
const adjustment = (n: number): Promise<Named> =>
  adjustments.proposed({ creatorId: `creator-${n}`, millidiamonds: n, reason: 'because' });
const newRules = (hour: number): Promise<Named> =>
  ruleBook.proposed(rules({ effectiveFrom: new Date(Date.now() + hour * HOUR_MS).toISOString() }));

describe('what waits for an approval', () => {
  test('is listed whatever it is, oldest first, page by page, until it is decided or too late', async () => {
    const made = [await adjustment(1), await newRules(1), await adjustment(2), await newRules(2), await adjustment(3)];
    const ids = made.map(({ id }) => id);
    const open = async (limit: number, after?: Parameters<typeof openProposals>[2]) =>
      openProposals(doors.db.manager, limit, after);
    const first = await open(2);
    const rest = await open(9, first.at(-1));
    expect([...first, ...rest].map(({ proposalId }) => proposalId)).toEqual(ids);
    expect(first).toMatchObject([
      { kind: 'adjustment', content: { creatorId: 'creator-1', millidiamonds: 1 }, proposedBy: 'nina' },
      { kind: 'redemption_rules', content: { minimumMillidiamonds: 10_000_000 }, state: 'proposed' },
    ]);
    const [one, two, three] = made as [Named, Named, Named, Named, Named];
    await adjustments.approve(one);
    await ruleBook.reject(two);
    await doors.db.query('UPDATE payout.proposal SET decide_before = clock_timestamp() WHERE proposal_id = $1', [
      three.id,
    ]);
    expect((await open(9)).map(({ proposalId }) => proposalId)).toEqual(ids.slice(3));
  });
});

describe('a decision that comes with others', () => {
  const decide = (kind: ProposalKind, { id }: Named, decision: Decision, principal = 'omar') =>
    doors.db.transaction((tx) =>
      decideProposal(tx, { kind, id, decision, principal, key: `item ${id}`, logId: 'this-log' }),
    );

  test('is the same for every kind of proposal', async () => {
    const [given, changed] = [await adjustment(7), await newRules(7)];
    for (const [kind, named] of [
      ['adjustment', given],
      ['redemption_rules', changed],
    ] as const) {
      const approve: Decision = { kind: 'approve', contentHash: named.contentHash };
      await expect(decide(kind, named, approve, 'nina')).rejects.toMatchObject({ code: 'self_approval' });
      const another: Decision = { kind: 'approve', contentHash: 'another' };
      await expect(decide(kind, named, another)).rejects.toMatchObject({ code: 'proposal_changed' });
      expect(await decide(kind, named, approve)).toMatchObject({ replayed: false, proposal: { state: 'approved' } });
      expect(await decide(kind, named, approve)).toMatchObject({ replayed: true, proposal: { state: 'approved' } });
    }
    const { body } = await doors.send('GET', '/v1/creators/creator-7/balance', doors.keys.auditor);
    expect(body).toMatchObject({ adjusted: '7' });
    expect((await ruleBook.get(`/${changed.id}`)).body).toMatchObject({ state: 'approved', to: null });
  });

  test('is about a proposal of its kind, and of no other', async () => {
    const [given, changed] = [await adjustment(8), await newRules(8)];
    const reject: Decision = { kind: 'reject', reason: 'not so' };
    await expect(decide('redemption_rules', given, reject)).rejects.toMatchObject({ code: 'rules_not_found' });
    await expect(decide('adjustment', changed, reject)).rejects.toMatchObject({ code: 'adjustment_not_found' });
  });
});

test('not even SQL makes a proposal one that its own maker approved', async () => {
  const { id } = await adjustment(9);
  const approving = doors.db.query(
    `UPDATE payout.proposal SET state = 'approved', decided_by = proposed_by, decided_at = now()
     WHERE proposal_id = $1`,
    [id],
  );
  await expect(approving).rejects.toThrow('proposal_decided_by_another');
});
