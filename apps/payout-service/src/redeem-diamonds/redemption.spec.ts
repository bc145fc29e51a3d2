import { decode, encode } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { event, states } from '../../test/ledger-events.js';
import {
  after,
  DEADLINE_MS,
  eventOf,
  given,
  NOW_MS,
  none,
  payout,
  quote,
  request,
  usual,
  wayInto,
} from '../../test/redemptions.js';
import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';
import {
  type Circumstances,
  decide,
  evolve,
  type Redemption,
  RedemptionBroken,
  type RedemptionCommand,
} from './redemption.js';
import { machine, type RedemptionEvent, type RedemptionStatus, type StepFrom, typeOf } from './redemption-machine.js';

type Kind = RedemptionCommand['kind'];

// What every command comes to in every state. `>state` moves it there; `dup`, `late`, `vain`, `break` and `case` are
// written down and change nothing; the rest is refused.
const TABLE = `
                 none  requ  revi  pend  appr  subm  tran  unkn  paid  retu  fail  reje  canc  expi
request          >requ used  used  used  used  used  used  used  used  used  used  used  used  used
clear            ?     >pend wait  dup   wait  sent  sent  sent  end   end   end   end   end   end
flag             ?     >revi dup   wait  wait  sent  sent  sent  end   end   end   end   end   end
release          ?     wait  >pend dup   wait  sent  sent  sent  end   end   end   end   end   end
reject           ?     wait  >reje >reje >reje sent  sent  sent  end   end   end   dup   end   end
cancel           ?     >canc >canc >canc >canc sent  sent  sent  end   end   end   end   dup   end
expire           ?     >expi >expi >expi >expi sent  sent  sent  end   end   end   end   end   dup
approve          ?     wait  wait  >appr dup   sent  sent  sent  end   end   end   end   end   end
send_back        ?     wait  dup   wait  >revi sent  sent  sent  end   end   end   end   end   end
submit           ?     wait  wait  wait  >subm dup   sent  sent  end   end   end   end   end   end
settle_as_paid   ?     wait  wait  wait  wait  wait  wait  >paid dup   end   end   end   end   end
settle_as_failed ?     wait  wait  wait  wait  wait  wait  >fail end   end   dup   end   end   end
refused          ?     case  case  case  case  >fail late  late  late  late  dup   case  case  case
unanswered       ?     case  case  case  case  >unkn late  dup   late  late  late  case  case  case
accepted         ?     case  case  case  case  >tran dup   >tran late  late  late  case  case  case
not_found        ?     case  case  case  case  vain  late  vain  late  late  late  case  case  case
paid             ?     case  case  case  case  >paid >paid >paid dup   break >paid case  case  case
failed           ?     case  case  case  case  >fail >fail >fail >retu dup   dup   case  case  case
returned         ?     case  case  case  case  >retu >retu >retu >retu dup   late  case  case  case`;

const ANSWERS: Readonly<Record<string, object>> = {
  '?': { refused: 'redemption_not_found' },
  used: { refused: 'quote_already_used' },
  wait: { refused: 'redemption_not_ready' },
  sent: { refused: 'redemption_already_submitted' },
  end: { refused: 'redemption_already_ended' },
  dup: { recorded: 'duplicate' },
  late: { recorded: 'regression' },
  vain: { recorded: 'no_proof' },
  break: { recorded: 'break' },
  case: { recorded: 'incident' },
};

const [, head = '', ...lines] = TABLE.split('\n');
const stateOf = (short = ''): RedemptionStatus => {
  const state = states.find((name) => name.replace(/^in_/, '').startsWith(short));
  if (state === undefined) throw new Error(`no state begins with ${short}`);
  return state;
};
const columns = head.trim().split(/ +/).map(stateOf);
const cells = lines.flatMap((line) => {
  const [kind = '', ...answers] = line.split(/ +/);
  return columns.map((status, i) => [kind as Kind, status, answers[i] ?? ''] as const);
});

const timeFor = (kind: Kind): Partial<Circumstances> => ({ atMs: kind === 'expire' ? NOW_MS + DEADLINE_MS : NOW_MS });

describe('the machine', () => {
  test.each(cells)('%s, and it is %s: %s', (kind, status, answer) => {
    const before = after(wayInto[status]);
    expect(before.status).toBe(status);
    const [command, as] = usual(kind, before);
    // Another approver than the one who let it through before.
    const verdict = decide(before, command, given(as, { ...timeFor(kind), by: `${as}:olga` }));
    if (!answer.startsWith('>')) return expect(verdict).toEqual(ANSWERS[answer]);
    if (!('event' in verdict)) throw new Error(JSON.stringify(verdict));
    expect(verdict.event.data.from).toBe(status);
    expect(evolve(before, verdict.event)).toMatchObject({ status: stateOf(answer.slice(1)) });
  });

  test('was asked for every command in every state, and its table holds just the moves', () => {
    expect(columns).toEqual(states);
    const moving = cells.filter(([, , answer]) => answer.startsWith('>'));
    const asked = moving.map(([kind, status, answer]) => `${kind} ${status} ${stateOf(answer.slice(1))}`);
    const held = machine.flatMap(({ what, from, to }) => from.map((status) => `${what} ${status} ${to}`));
    expect(asked.sort()).toEqual(held.sort());
    expect(new Set(machine.map(({ what }) => what).concat('not_found' as 'paid'))).toEqual(
      new Set(cells.map(([kind]) => kind)),
    );
  });

  test('is known to the compiler: a step that is not in the table from a state is no step there', () => {
    const steps: [StepFrom<'requested'>, StepFrom<'approved'>, StepFrom<'unknown'>, StepFrom<'paid'>] = [
      'clear',
      'submit',
      'settle_as_paid',
      'returned',
    ];
    // @ts-expect-error: nothing is sent that was not approved
    steps[0] = 'submit';
    // @ts-expect-error: what is approved is not approved again
    steps[1] = 'approve';
    // @ts-expect-error: what is unknown is never sent again
    steps[2] = 'submit';
    // @ts-expect-error: what is paid is not given back by anybody but the provider
    steps[3] = 'cancel';
    const isAllowed = (what: string, from: RedemptionStatus) =>
      machine.some((row) => row.what === what && row.from.includes(from));
    expect(
      steps.map((what, i) => isAllowed(what, (['requested', 'approved', 'unknown', 'paid'] as const)[i] ?? 'none')),
    ).toEqual([false, false, false, false]);
  });

  test('and the ledger agree on what each move books', () => {
    for (const { from, event: name, posting } of machine)
      for (const status of from) {
        const booked = transfersOf(event(typeOf(name), { from: status }));
        expect([name, status, booked.map(({ code }) => code)]).toEqual([name, status, posting ? [posting] : []]);
      }
  });

  test('lets nobody make a move that is another’s', () => {
    for (const { what, from, who } of machine) {
      const before = after(wayInto[from[0] ?? 'none']);
      const [command] = usual(what, before);
      for (const as of ['creator', 'operator', 'approver', 'system', 'timer', 'provider'] as const) {
        const verdict = decide(before, command, given(as, timeFor(what)));
        if (!who.includes(as)) expect([what, as, verdict]).toEqual([what, as, { refused: 'forbidden' }]);
      }
    }
  });

  test('takes no event that leads nowhere', () => {
    const submitted = after(wayInto.submitted);
    const paid = eventOf(submitted, ...pair('paid', submitted));
    expect(() => evolve(after(wayInto.requested), paid)).toThrow(RedemptionBroken);
    expect(() => evolve(after(wayInto.in_transit), paid)).toThrow('from submitted, and it is in_transit');
    expect(() => evolve(none, paid)).toThrow(RedemptionBroken);
  });
});

const pair = (kind: Kind, of: Redemption): [RedemptionCommand, Circumstances] => {
  const [command, as] = usual(kind, of);
  return [command, given(as, timeFor(kind))];
};

describe('a request', () => {
  const refusalOf = (command: RedemptionCommand, atMs = NOW_MS) => decide(none, command, given('creator', { atMs }));

  test('holds what the quote says, at the rate of the quote, until a deadline', () => {
    const asked = eventOf(none, request(), given('creator', { ledgerSeq: 7 }));
    expect(asked).toMatchObject({
      type: 'carat.redemption.requested.v1',
      source: '/carat/payout-service',
      subject: 'creator-7',
      time: '2026-11-22T23:59:30.000Z',
      data: {
        redemptionId: expect.stringMatching(/^rdm_[0-9a-f-]{36}$/),
        creatorId: 'creator-7',
        millidiamonds: 20_000_000,
        payout,
        rate: quote().rate,
        payoutMethodId: 'pm_ok',
        quoteId: quote().quoteId,
        decideBefore: '2026-12-06T23:59:30.000Z',
        from: 'none',
        by: 'creator-7',
        ledgerSeq: 7,
        after: { 'diamond.events.v1': '90210' },
      },
    });
  });

  test.each<[string, object]>([
    ['quote_not_found', { quote: undefined }],
    ['quote_not_found', { quote: quote({ creatorId: 'creator-8' }) }],
    ['quote_already_used', { quote: quote({ usedBy: 'rdm_1' }) }],
    ['quote_already_used', { quote: quote({ usedBy: 'rdm_1', expiresAtMs: NOW_MS - 1 }) }],
    ['quote_expired', { quote: quote({ expiresAtMs: NOW_MS }) }],
    ['payout_method_not_found', { method: undefined }],
    ['payout_method_too_new', { method: { ...request().method, usableFrom: new Date(NOW_MS + 1).toISOString() } }],
    ['redemption_below_minimum', { quote: quote({ millidiamonds: 9_999_999 }) }],
    ['redemption_exceeds_available', { available: 19_999_999n }],
    ['daily_maximum_exceeded', { before: { today: 180_000_001n, thisWeek: 0n } }],
    ['weekly_maximum_exceeded', { before: { today: 0n, thisWeek: 980_000_001n } }],
  ])('%s', (refused, change) => {
    expect(refusalOf(request(change))).toEqual({ refused });
  });

  test.each<[string, object]>([
    ['of the minimum', { quote: quote({ millidiamonds: 10_000_000 }) }],
    ['of all there is', { available: 20_000_000n }],
    ['up to the maximum of the day', { before: { today: 180_000_000n, thisWeek: 0n } }],
    ['up to the maximum of the week', { before: { today: 0n, thisWeek: 980_000_000n } }],
    ['in the last millisecond of the quote', { quote: quote({ expiresAtMs: NOW_MS + 1 }) }],
    [
      'as soon as the method is usable',
      { method: { ...request().method, usableFrom: new Date(NOW_MS).toISOString() } },
    ],
  ])('%s is taken', (_, change) => {
    expect(refusalOf(request(change))).toMatchObject({ event: { type: 'carat.redemption.requested.v1' } });
  });

  test('says by its hash what is approved: the amount, the money, the rate and the account', () => {
    const { method } = request();
    const hashes = [
      request(),
      request({ quote: quote({ millidiamonds: 20_000_001 }) }),
      request({ quote: quote({ payout: { currency: 'EUR', amountMinor: 10_000 } }) }),
      request({ quote: quote({ rate: { ...quote().rate, id: 'rate_other' } }) }),
      request({ method: method && { ...method, payoutMethodId: 'pm_2' } }),
      request({ method: method && { ...method, label: 'another account' } }),
    ].map((command) => eventOf(none, command, given('creator')).data.contentHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe('an approval', () => {
  const waiting = (millidiamonds: number, way: readonly Kind[] = ['clear']): Redemption => {
    const asked = evolve(none, eventOf(none, request({ quote: quote({ millidiamonds }) }), given('operator')));
    return after(way, asked);
  };
  const approve = (before: Redemption, by: string, as: 'approver' | 'system' = 'approver') =>
    decide(before, usual('approve', before)[0], given(as, { by }));
  const approved = (before: Redemption, by: string, as?: 'approver' | 'system'): Redemption => {
    const verdict = approve(before, by, as);
    if (!('event' in verdict)) throw new Error(JSON.stringify(verdict));
    return evolve(before, verdict.event);
  };

  test('is nobody’s below 20,000 diamonds, one person’s below 200,000, and two people’s from there', () => {
    expect(approved(waiting(19_999_999), 'system:tiers', 'system').status).toBe('approved');
    expect(approve(waiting(20_000_000), 'system:tiers', 'system')).toEqual({ refused: 'forbidden' });
    expect(approved(waiting(199_999_999), 'approver:omar').status).toBe('approved');
    const half = approved(waiting(200_000_000), 'approver:omar');
    expect(half).toMatchObject({ status: 'pending_approval', approvals: [{ by: 'approver:omar' }] });
    expect(approve(half, 'approver:omar')).toEqual({ recorded: 'duplicate' });
    expect(approved(half, 'approver:olga')).toMatchObject({
      status: 'approved',
      approvals: [{ by: 'approver:omar' }, { by: 'approver:olga' }],
    });
    expect(approve(half, 'approver:olga')).toMatchObject({ event: { data: { approval: { given: 2, needed: 2 } } } });
  });

  test('is of the content that its hash names, and so is a rejection', () => {
    const before = waiting(20_000_000);
    const hashes = [
      { contentHash: 'of another' },
      // The account was changed since: what was shown is not what is approved.
      { contentHashNow: 'of another account' },
    ];
    for (const kind of ['approve', 'reject'] as const)
      for (const change of hashes) {
        const command = { ...usual(kind, before)[0], ...change } as RedemptionCommand;
        expect(decide(before, command, given('approver'))).toEqual({ refused: 'proposal_changed' });
      }
  });

  test('is not for who asked for the redemption, nor for who let it out of a review', () => {
    expect(approve(waiting(20_000_000), 'operator:nina')).toEqual({ refused: 'self_approval' });
    const released = waiting(20_000_000, ['flag', 'release']);
    expect(approve(released, 'approver:nina')).toEqual({ refused: 'self_approval' });
    expect(approved(released, 'approver:omar').status).toBe('approved');
  });

  test('is void once something has changed, and who released it before still does not approve', () => {
    const back = after(['send_back'], approved(waiting(20_000_000, ['flag', 'release']), 'approver:omar'));
    expect(back).toMatchObject({ status: 'in_review', approvals: [] });
    const [release] = usual('release', back);
    const again = evolve(back, eventOf(back, release, given('approver', { by: 'approver:olga' })));
    expect(again).toMatchObject({ approvals: [], releasedBy: ['approver:nina', 'approver:olga'] });
    for (const by of ['approver:nina', 'approver:olga'])
      expect(approve(again, by)).toEqual({ refused: 'self_approval' });
  });
});

describe('the outcome', () => {
  test.each(['accepted', 'paid', 'failed', 'returned'] as const)('%s over another amount is a break', (kind) => {
    for (const status of ['submitted', 'in_transit', 'unknown', 'paid', 'returned', 'failed'] as const)
      for (const other of [
        { ...payout, amountMinor: 9_999 },
        { ...payout, currency: 'EUR' },
      ]) {
        const verdict = decide(after(wayInto[status]), { kind, payout: other }, given('provider'));
        expect(verdict).toEqual({ recorded: 'break' });
      }
  });

  test('is settled by two people, and the event names both and their evidence', () => {
    const unknown = after(wayInto.unknown);
    for (const kind of ['settle_as_paid', 'settle_as_failed'] as const) {
      const command = { kind, proposedBy: 'approver:omar', reason: 'evidence' };
      expect(decide(unknown, command, given('approver', { by: 'approver:omar' }))).toEqual({
        refused: 'self_approval',
      });
      expect(decide(unknown, command, given('approver', { by: 'approver:olga' }))).toMatchObject({
        event: { data: { by: 'approver:olga', proposedBy: 'approver:omar', reason: 'evidence' } },
      });
    }
  });

  test('still says who approved', () => {
    expect(after(wayInto.returned)).toMatchObject({ approvals: [{ by: 'approver:nina' }] });
  });

  test('paid after failed is late, and paid at once is not', () => {
    expect(after(['paid'], after(wayInto.failed))).toMatchObject({ status: 'paid', isLate: true });
    expect(after(wayInto.paid)).toMatchObject({ isLate: false, providerReference: 'po_1' });
  });

  test('does not come before the deadline', () => {
    const before = after(wayInto.requested);
    expect(decide(before, { kind: 'expire' }, given('timer', { atMs: NOW_MS + DEADLINE_MS - 1 }))).toEqual({
      refused: 'redemption_not_due',
    });
  });
});

describe('whatever is asked for and turns out, in any order', () => {
  const kinds = [...new Set(cells.map(([kind]) => kind))];
  const amounts = [15_000_000, 20_000_000, 200_000_000, 10_000_000];
  const EARNED = 240_000_000n;
  const steps = fc.array(
    fc.record({
      which: fc.nat({ max: 3 }),
      // Requests first and payouts often, or the walks seldom leave the first states.
      kind: fc.oneof(fc.constantFrom(...kinds), fc.constantFrom<Kind>('request', 'clear', 'approve', 'submit', 'paid')),
      by: fc.constantFrom('nina', 'omar', 'olga'),
    }),
    { maxLength: 80 },
  );
  const HELD = ['requested', 'in_review', 'pending_approval', 'approved', 'submitted', 'in_transit', 'unknown'];

  /** Walks a few redemptions of one creator, and answers every event with the redemption that it led to. */
  function* walk(taken: readonly { which: number; kind: Kind; by: string }[]) {
    const redemptions: Redemption[] = amounts.map(() => none);
    const events: RedemptionEvent[] = [];
    for (const [at, { which, kind, by }] of taken.entries()) {
      const before = redemptions[which] ?? none;
      const [usually, as] = usual(kind, before);
      const held = booksOf(events);
      const own = { millidiamonds: amounts[which] ?? 0, quoteId: `qt_${which}` };
      const command =
        usually.kind === 'request' ? { ...usually, quote: quote(own), available: held.available } : usually;
      const circumstances = given(as, { ...timeFor(kind), by: `${as}:${by}`, ledgerSeq: at + 1 });
      const verdict = decide(before, command, circumstances);
      if (!('event' in verdict)) continue;
      events.push(verdict.event);
      redemptions[which] = evolve(before, verdict.event);
      yield { redemptions, events, event: verdict.event, before, command, circumstances };
    }
  }

  function booksOf(events: readonly LedgerEvent[]) {
    const transfers = events.flatMap(transfersOf);
    const on = (account: string): bigint =>
      transfers.reduce(
        (sum, t) => sum + (t.credit === account ? t.millidiamonds : 0n) - (t.debit === account ? t.millidiamonds : 0n),
        0n,
      );
    const net = EARNED + on('creator');
    return { held: on('held'), redeemed: on('redeemed'), net, available: net > 0n ? net : 0n };
  }

  test('what is held, redeemed and left is told by the states alone, and a request takes no more than there is', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        for (const { redemptions, events, event: last } of walk(taken)) {
          const sumOf = (of: (status: string) => boolean): bigint =>
            redemptions.reduce((sum, { status }, i) => sum + (of(status) ? BigInt(amounts[i] ?? 0) : 0n), 0n);
          const books = booksOf(events);
          expect(books.held).toBe(sumOf((status) => HELD.includes(status)));
          expect(books.redeemed).toBe(sumOf((status) => status === 'paid'));
          expect(books.net + books.held + books.redeemed).toBe(EARNED);
          if (last.type === 'carat.redemption.requested.v1') expect(books.net >= 0n).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('an event reads as written, has an id of its own, and is the same again; the command again is nothing', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const ids = new Set<string>();
        for (const { event: said, before, command, circumstances } of walk(taken)) {
          expect(decode('redemption.events.v1', encode(said))).toEqual({ event: said });
          expect(ids.has(said.id)).toBe(false);
          ids.add(said.id);
          expect(decide(before, command, circumstances)).toEqual({ event: said });
          expect(decide(evolve(before, said), command, circumstances)).not.toHaveProperty('event');
        }
      }),
    );
  });
});
