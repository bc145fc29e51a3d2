import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@carat/event-log';
import { lockHead } from '@carat/event-log/journal';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sent } from '../../test/gifts.js';
import { openRateDoors, type RateDoors } from '../../test/rate-doors.js';
import { timeOf } from '../../test/rate-events.js';
import { CreditDiamondsFlow } from '../credit-diamonds/credit-diamonds.flow.js';
import { CurrentRateBook } from '../rate-book/current-rate-book.store.js';
import { rateInForce } from '../rate-book/rate-book.js';

const LEAD_MS = 300;
let doors: RateDoors;
let nina: string;
let omar: string;
beforeAll(async () => {
  doors = await openRateDoors(LEAD_MS);
  nina = await doors.person('operator', 'nina');
  omar = await doors.person('approver', 'omar');
}, 60_000);
afterAll(() => doors?.close());

interface Timed {
  readonly rateId: string;
  readonly contentHash: string;
  readonly fromMs: number;
}

/** A proposal of a rate that leaves so much time for its approval. Undefined when there is none of it left. */
async function proposed(market: string, numerator: number, hurryMs: number): Promise<Timed | undefined> {
  const fromMs = (await doors.nowMs()) + LEAD_MS + hurryMs;
  const effectiveFrom = timeOf(fromMs);
  const body = { kind: 'gift-to-diamond', market, numerator, denominator: 10, effectiveFrom };
  const { status, body: proposal } = await doors.post('/v1/rates', nina, body);
  return status === 201 ? { ...proposal, fromMs } : undefined;
}
const approve = ({ rateId, contentHash }: Timed) => doors.post(`/v1/rates/${rateId}/approval`, omar, { contentHash });
const inTime = (proposal: Timed | undefined): Timed => {
  if (proposal === undefined) throw new Error('the proposal took longer than a test allows');
  return proposal;
};

describe('a newly approved rate', () => {
  test('is used from its begin on, to the millisecond, and not before', async () => {
    const proposal = inTime(await proposed('AA', 7, 2_000));
    const { rateId, fromMs } = proposal;
    expect((await approve(proposal)).status).toBe(200);
    await sleep(fromMs + 100 - LEAD_MS - (await doors.nowMs()));
    const gifts = [-1, 0, 1].map((ms) => sent(10, { id: `${ms}`, market: 'AA', timeMs: fromMs + ms }));
    const flow = doors.app.get(CreditDiamondsFlow);
    const credits = await flow.onGifts(gifts as unknown as Recorded<'gift.events.v1'>[]);
    expect(credits.map(({ data }) => 'millidiamonds' in data && data.millidiamonds)).toEqual([5000, 7000, 7000]);
    expect(credits.map(({ data }) => 'rate' in data && data.rate.id === rateId)).toEqual([false, true, true]);
  });

  test('is refused when its approval waits behind conversion until it is too late', async () => {
    const proposal = inTime(await proposed('CC', 7, 1_000));
    const conversion = doors.db.createQueryRunner();
    await conversion.startTransaction();
    await lockHead(conversion.manager, 'rate.events.v1', 0, 'share');
    const approval = approve(proposal);
    await sleep(proposal.fromMs + 1 - LEAD_MS - (await doors.nowMs()));
    await conversion.commitTransaction();
    await conversion.release();
    expect(await approval).toMatchObject({
      status: 422,
      body: {
        code: 'rate_starts_too_soon',
        detail: expect.stringMatching(/^approved now, a rate begins at \d{4}-.*Z or later$/),
      },
    });
  });

  test('never changes a price that conversion has given, however the two meet', async () => {
    const stopAtMs = Date.now() + 4_000;
    const priced: { timeMs: number; rateId: string }[] = [];
    // Each prices at the very end of what its book covers, where an approval could still come in between.
    const convert = async (): Promise<void> => {
      const rates = new CurrentRateBook(doors.db, { RATE_LEAD: LEAD_MS });
      while (Date.now() < stopAtMs) {
        const { completeUntilMs } = await rates.completeUntil((await doors.nowMs()) + LEAD_MS);
        const timeMs = completeUntilMs - 1;
        const book = await rates.completeUntil(timeMs);
        priced.push({ timeMs, rateId: rateInForce(book, 'gift-to-diamond', 'BB', timeMs).id });
      }
    };
    const begun: number[] = [];
    let tried = 0;
    const decide = async (): Promise<void> => {
      while (Date.now() < stopAtMs) {
        // From hardly possible to easy, so that some come in just in time and some just too late.
        const proposal = await proposed('BB', begun.length + 1, (tried++ % 20) * 15);
        if (proposal !== undefined && (await approve(proposal)).status === 200) begun.push(proposal.fromMs);
      }
    };
    await Promise.all([convert(), convert(), convert(), decide(), decide()]);
    const last = Math.max(...priced.map(({ timeMs }) => timeMs));
    await sleep(Math.max(0, last + 1 - LEAD_MS - (await doors.nowMs())));
    const final = await new CurrentRateBook(doors.db, { RATE_LEAD: LEAD_MS }).completeUntil(last);
    const wrong = priced.filter(
      ({ timeMs, rateId }) => rateInForce(final, 'gift-to-diamond', 'BB', timeMs).id !== rateId,
    );
    expect(wrong).toEqual([]);
    expect(priced.length).toBeGreaterThan(20);
    expect(begun.length).toBeGreaterThan(0);
  }, 20_000);
});
