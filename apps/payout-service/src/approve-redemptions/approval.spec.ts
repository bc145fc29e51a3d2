import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import {
  APPROVAL_TTL_MS,
  after,
  approval,
  eventOf,
  given,
  NOW_MS,
  none,
  quote,
  request,
  wayInto,
} from '../../test/redemptions.js';
import { decide, evolve, type Redemption } from '../redeem-diamonds/redemption.js';
import { type Approval, approvalsInForce, contentHashOf, counting } from './approval.js';

const at = (ms: number) => new Date(NOW_MS + ms).toISOString();
const yes = (by: string, ms: number, contentHash = 'now'): Approval => ({ by, at: at(ms), contentHash });

describe('an approval counts', () => {
  test('of the content as it is now, and up to the last millisecond that it holds', () => {
    const all = [yes('nina', 0), yes('omar', 1), yes('olga', 2, 'before')];
    expect(approvalsInForce(all, 'now', NOW_MS + 100, 100)).toEqual([yes('omar', 1)]);
    expect(approvalsInForce(all, 'now', NOW_MS + 99, 100)).toEqual([yes('nina', 0), yes('omar', 1)]);
    expect(approvalsInForce(all, 'before', NOW_MS + 99, 100)).toEqual([yes('olga', 2, 'before')]);
  });

  test('with the latest of the same content', () => {
    const before = [yes('nina', 0), yes('omar', 1, 'before'), yes('olga', 2)];
    expect(counting(before, 0, yes('last', 3))).toEqual([yes('last', 3)]);
    expect(counting(before, 1, yes('last', 3))).toEqual([yes('olga', 2), yes('last', 3)]);
    expect(counting(before, 2, yes('last', 3))).toEqual([yes('nina', 0), yes('olga', 2), yes('last', 3)]);
  });

  test('for another account not at all: it has another hash, and so has one that is gone', () => {
    const { asked } = after(['request']) as Exclude<Redemption, { status: 'none' }>;
    const mine = { kind: 'bank', label: 'mine' };
    const others = [{ ...mine, label: 'another' }, { ...mine, kind: 'card' }, undefined].map((method) =>
      contentHashOf(asked, method),
    );
    expect(new Set([contentHashOf(asked, mine), ...others]).size).toBe(4);
  });
});

describe('an approval', () => {
  const refusalOf = (before: Redemption, change: object, by = 'approver:olga') =>
    decide(before, approval(before, change), given('approver', { by }));

  test('is not for whoever put the account there that the money goes to', () => {
    const pending = after(wayInto.pending_approval);
    const account = { accountSetBy: 'approver:olga' };
    expect(refusalOf(pending, account)).toEqual({ refused: 'self_approval' });
    expect(refusalOf(pending, account, 'approver:omar')).toHaveProperty('event');
  });

  test('of what is approved by now is no yes for who may not give one, or to another content', () => {
    const approved = after(wayInto.approved);
    expect(refusalOf(approved, {})).toEqual({ recorded: 'duplicate' });
    expect(refusalOf(approved, {}, 'creator-7')).toEqual({ refused: 'self_approval' });
    expect(refusalOf(approved, { contentHash: 'of nothing' })).toEqual({ refused: 'proposal_changed' });
  });
});

describe('approvals that are too old', () => {
  const large = (): Redemption => {
    const command = request({ quote: quote({ millidiamonds: 200_000_000 }) });
    return after(['clear'], evolve(none, eventOf(none, command, given('creator'))));
  };
  const approved = (before: Redemption, by: string, atMs: number): Redemption =>
    evolve(before, eventOf(before, approval(before), given('approver', { by, atMs })));

  test('are not added up with new ones', () => {
    const half = approved(large(), 'nina', NOW_MS);
    const late = approved(half, 'omar', NOW_MS + APPROVAL_TTL_MS);
    expect(late).toMatchObject({ status: 'pending_approval', approvals: [{ by: 'omar' }] });
    const inTime = approved(half, 'omar', NOW_MS + APPROVAL_TTL_MS - 1);
    expect(inTime).toMatchObject({ status: 'approved', approvals: [{ by: 'nina' }, { by: 'omar' }] });
    // Whoever approved before may do so again, when that no longer counts.
    expect(approved(half, 'nina', NOW_MS + APPROVAL_TTL_MS)).toMatchObject({ approvals: [{ by: 'nina' }] });
  });

  test('send nothing, nor do those of another content', () => {
    const before = after(wayInto.approved);
    const hash = before.status === 'none' ? '' : before.asked.contentHash;
    const submit = (contentHash: string, atMs: number) =>
      decide(before, { kind: 'submit', contentHash, approvalTtlMs: APPROVAL_TTL_MS }, given('system', { atMs }));
    const refused = { refused: 'approval_expired' };
    expect(submit(hash, NOW_MS + APPROVAL_TTL_MS)).toEqual(refused);
    expect(submit('of another account', NOW_MS)).toEqual(refused);
    expect(submit(hash, NOW_MS + APPROVAL_TTL_MS - 1)).toHaveProperty('event.type', 'carat.redemption.submitted.v1');
  });

  test.prop([
    fc.array(
      fc.record({ by: fc.constantFrom('nina', 'omar', 'olga'), hash: fc.constantFrom('a', 'b'), after: fc.nat(90) }),
      {
        maxLength: 30,
      },
    ),
  ])('never add up to a redemption that two people have not approved as it is, within the time they hold', (steps) => {
    const ttl = 100;
    let redemption = large();
    let atMs = NOW_MS;
    const said: { by: string; hash: string; atMs: number }[] = [];
    for (const { by, hash, after: waited } of steps) {
      atMs += waited;
      const command = approval(redemption, { contentHash: hash, contentHashNow: hash, approvalTtlMs: ttl });
      const verdict = decide(redemption, command, given('approver', { by, atMs }));
      if (!('event' in verdict)) continue;
      said.push({ by, hash, atMs });
      redemption = evolve(redemption, verdict.event);
      const counted = said.filter((one) => one.hash === hash && one.atMs > atMs - ttl).map((one) => one.by);
      const isEnough = new Set(counted).size >= 2;
      if (redemption.status === 'approved') expect(isEnough).toBe(true);
      // An approval of another content makes those before it void, even if the content comes back.
      else if (said.every((one) => one.hash === hash)) expect(isEnough).toBe(false);
      if (redemption.status === 'approved') return;
    }
  });
});
