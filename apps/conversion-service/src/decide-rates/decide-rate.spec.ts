import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { approved, at, inForce, proposed, rejected, timeOf } from '../../test/rate-events.js';
import { emptyRateBook, evolve, proposalHash, type RateContent, type RateEvent } from '../rate-book/rate-book.js';
import { decideRate, type RateCommand, type RateVerdict } from './decide-rate.js';

const LEAD_MS = 900_000;
const noon = at('12:00:00');
const content: RateContent = {
  kind: 'gift-to-diamond',
  market: '*',
  numerator: 3,
  denominator: 5,
  rounding: 'floor',
  effectiveFrom: timeOf(noon),
};
const cash: RateContent = { ...content, kind: 'diamond-to-cash', currency: 'USD' };

type Asked = { by?: string; atMs?: number; key?: string };
const given = (...events: RateEvent[]) => ({
  when: (command: RateCommand, { by = 'approver:omar', atMs = noon - LEAD_MS, key = 'k-1' }: Asked = {}): RateVerdict =>
    decideRate(
      events.reduce(evolve, emptyRateBook),
      command,
      { principal: by, key },
      { clockMs: atMs, leadMs: LEAD_MS },
    ),
});
const propose = (change: Partial<RateContent> = {}): RateCommand => ({
  kind: 'propose',
  content: { ...content, ...change } as RateContent,
});
const proposal = proposed('rate_1', content);
const { contentHash } = proposal.data;
const approve: RateCommand = { kind: 'approve', rateId: 'rate_1', contentHash };
const reject: RateCommand = { kind: 'reject', rateId: 'rate_1', contentHash, reason: 'too high' };
const nina = { by: 'operator:nina' };
const eventsOf = (verdict: RateVerdict): readonly RateEvent[] => ('events' in verdict ? verdict.events : []);

describe('a proposal', () => {
  test('is an event with the content, who made it, and the hash of the content alone', () => {
    const verdict = given(...inForce('old')).when(propose(), nina);
    const rateId = 'rateId' in verdict ? verdict.rateId : '';
    expect(verdict).toEqual({
      rateId,
      events: [
        {
          specversion: '1.0',
          id: rateId.slice('rate_'.length),
          type: 'carat.rate.proposed.v1',
          source: '/carat/conversion-service',
          subject: 'rate-book',
          time: timeOf(noon - LEAD_MS),
          causationsource: 'operator:nina',
          causationid: 'k-1',
          data: { rateId, ...content, proposedBy: 'operator:nina', contentHash: proposalHash(content) },
        },
      ],
    });
  });

  test('has one id per person and key', () => {
    const idOf = (asked: Asked) => eventsOf(given().when(propose(), asked))[0]?.id;
    expect(idOf(nina)).toBe(idOf(nina));
    expect(new Set([idOf(nina), idOf({ ...nina, key: 'k-2' }), idOf({ by: 'operator:ben' })]).size).toBe(3);
  });

  test('has another hash when a single field of its content is another', () => {
    const changes: Partial<RateContent>[] = [
      {},
      { market: 'DE' },
      { numerator: 4 },
      { denominator: 6 },
      { rounding: 'ceiling' },
      { effectiveFrom: timeOf(noon + 1) },
      { kind: 'diamond-to-cash', currency: 'USD' },
      { kind: 'diamond-to-cash', currency: 'EUR' },
    ];
    const hashes = changes.map((change) => proposalHash({ ...content, ...change } as RateContent));
    expect(new Set(hashes).size).toBe(changes.length);
  });

  test.each([
    ['1,000 diamonds per coin', { numerator: 1000, denominator: 1 }, []],
    ['a hair more', { numerator: 1_000_001, denominator: 1000 }, ['rate_is_too_high', '/numerator']],
    ['a thousand million', { numerator: 1_000_000_000, denominator: 1 }, ['rate_is_too_high', '/numerator']],
    ['1,000,000 minor units per diamond', { ...cash, numerator: 1_000_000, denominator: 1 }, []],
    ['one more', { ...cash, numerator: 1_000_001, denominator: 1 }, ['rate_is_too_high', '/numerator']],
    ['a start without the lead', { effectiveFrom: timeOf(noon - 1) }, ['rate_starts_too_soon', '/effectiveFrom']],
    ['a start in the past', { effectiveFrom: timeOf(0) }, ['rate_starts_too_soon', '/effectiveFrom']],
  ])('of %s', (_, change, refusal) => {
    const verdict = given().when(propose(change), nina);
    expect('refused' in verdict ? [verdict.refused, verdict.pointer] : []).toEqual(refusal);
  });
});

describe('an approval', () => {
  test('is an event that names the content', () => {
    expect(eventsOf(given(proposal).when(approve))).toMatchObject([
      { type: 'carat.rate.approved.v1', data: { rateId: 'rate_1', contentHash, approvedBy: 'approver:omar' } },
    ]);
  });

  test.each([
    ['rate_not_found', [], approve, {}],
    ['self_approval', [proposal], approve, nina],
    ['self_approval', [proposal, approved(proposal)], approve, nina],
    ['proposal_changed', [proposal], { ...approve, contentHash: 'another' }, {}],
    ['proposal_changed', [proposal, approved(proposal)], { ...approve, contentHash: 'another' }, {}],
    ['rate_starts_too_soon', [proposal], approve, { atMs: noon - LEAD_MS + 1 }],
    ['rate_already_decided', [proposal, approved(proposal)], approve, { by: 'approver:ann' }],
    ['rate_already_decided', [proposal, approved(proposal)], reject, {}],
    ['rate_already_decided', [proposal, rejected(proposal)], approve, {}],
  ] as [string, RateEvent[], RateCommand, Asked][])('%s', (refused, events, command, asked) => {
    expect(given(...events).when(command, asked)).toEqual({ refused });
  });

  test.each([
    ['the same start', {}, 'rate_overlaps'],
    ['a later start', { effectiveFrom: timeOf(noon + 1) }, 'rate_overlaps'],
    ['an earlier start', { effectiveFrom: timeOf(noon - 1) }, undefined],
    ['another market', { market: 'DE' }, undefined],
    ['another kind', { kind: 'diamond-to-cash', currency: 'USD' }, undefined],
  ] as const)('after an approved rate of %s', (_, change, refused) => {
    const before = inForce('before', { ...content, ...change });
    const verdict = given(...before, proposal).when(approve);
    expect('refused' in verdict ? verdict.refused : undefined).toBe(refused);
    const next = given(...before).when(propose(), nina);
    expect('refused' in next ? next.refused : undefined).toBe(refused);
  });

  test('by the same person again changes nothing, also when it would come too late by now', () => {
    const again = given(proposal, approved(proposal)).when(approve, { atMs: noon + 1 });
    expect(again).toEqual({ rateId: 'rate_1', events: [] });
  });
});

describe('a rejection', () => {
  test('is an event with its reason, also from the one who proposed', () => {
    for (const by of ['approver:omar', 'operator:nina'])
      expect(eventsOf(given(proposal).when(reject, { by }))).toMatchObject([
        { type: 'carat.rate.rejected.v1', data: { rateId: 'rate_1', contentHash, rejectedBy: by, reason: 'too high' } },
      ]);
  });

  test('may come late, and again by the same person with the same reason', () => {
    expect(eventsOf(given(proposal).when(reject, { atMs: noon + 1 }))).toHaveLength(1);
    const decided = given(proposal, rejected(proposal));
    expect(decided.when(reject)).toEqual({ rateId: 'rate_1', events: [] });
    expect(decided.when({ ...reject, reason: 'another' } as RateCommand)).toEqual({ refused: 'rate_already_decided' });
    expect(decided.when(reject, { by: 'approver:ann' })).toEqual({ refused: 'rate_already_decided' });
  });
});

test('whatever is proposed and approved, no price up to the lead ever changes and lines grow at their end', () => {
  const step = fc.record({ startMs: fc.integer({ min: 0, max: 60 }), market: fc.constantFrom('*', 'DE') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
      let book = emptyRateBook;
      steps.forEach(({ startMs, market }, clockMs) => {
        const timing = { clockMs, leadMs: 10 };
        const wanted = propose({ market, effectiveFrom: timeOf(startMs) });
        const [event] = eventsOf(decideRate(book, wanted, { principal: 'nina', key: `${clockMs}` }, timing));
        if (event === undefined) return;
        book = evolve(book, event);
        const { rateId, contentHash: hash } = event.data;
        const verdict = decideRate(
          book,
          { kind: 'approve', rateId, contentHash: hash },
          { principal: 'omar', key: '' },
          timing,
        );
        const before = book.lines.get(`gift-to-diamond\n${market}\n`) ?? [];
        book = eventsOf(verdict).reduce(evolve, book);
        const after = book.lines.get(`gift-to-diamond\n${market}\n`) ?? [];
        expect(after.slice(0, before.length)).toEqual(before);
        expect(after.slice(before.length).every(({ fromMs }) => fromMs >= clockMs + 10)).toBe(true);
      });
    }),
  );
});
