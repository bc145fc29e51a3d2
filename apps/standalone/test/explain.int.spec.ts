import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { creditIdOf, derivedUuid, uuidOf } from '@carat/events';
import { eventually, freePort } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, openPayoutScene, type PayoutScene } from './payout-scene.js';

const CLI = resolve(import.meta.dirname, '../../carat/bin/carat.js');
const CREATOR = 'creator-1';
const COLUMNS = 'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date';

let carat: PayoutScene;
let giftId: string;
let reversalId: string;
let redemptionId: string;
let own: string;
let another: string;

/** A gift of 25,000 coins from two lots, of which 2,000 are taken back; then a redemption, paid and settled. */
beforeAll(async () => {
  carat = await openPayoutScene();
  const { publisher, operator, approver } = carat.keys;
  const told = async (method: string, path: string, key: string | undefined, body: unknown) => {
    const { status, body: answer } = await carat.send(method, path, key, body);
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  for (const purchaseId of ['first-lot', 'second-lot'])
    await told('POST', '/v1/coin-purchases', publisher, {
      purchaseId,
      viewerId: 'secret-viewer',
      coins: 15_000,
      paid: { currency: 'USD', amountMinor: 19_999 },
      channel: 'web',
    });
  const gift = {
    giftTypeId: 'rose',
    quantity: 25_000,
    senderId: 'secret-viewer',
    creatorId: CREATOR,
    context: { kind: 'live', id: 'live-1' },
    funding: { kind: 'wallet' },
  };
  giftId = (await told('POST', '/v1/gifts', publisher, gift)).giftId;
  const wanted = { reversalId: 'by-mistake', coins: 2_000, reason: 'moderation', restoreCoins: true };
  const proposed = await told('POST', `/v1/gifts/${giftId}/reversals`, operator, wanted);
  const { contentHash } = proposed;
  reversalId = proposed.reversalId;
  await told('POST', `/v1/gifts/${giftId}/reversals/${reversalId}/approval`, approver, { contentHash });
  await eventually(async () => {
    const { body } = await carat.send('GET', `/v1/creators/${CREATOR}/balance`, operator);
    expect(body).toMatchObject({ available: '11500000' });
  });
  redemptionId = await carat.redeem(CREATOR, 11_000_000);
  await eventually(
    async () => {
      await carat.hasten();
      expect((await carat.see(redemptionId)).state).toBe('paid');
    },
    { withinMs: 20_000 },
  );
  const { payout, providerReference } = await carat.see(redemptionId);
  const line = [
    'L-1',
    providerReference,
    redemptionId,
    'payout',
    payout.currency,
    payout.amountMinor,
    25,
    '2026-11-21',
  ];
  await told('POST', '/v1/settlement-files', operator, `${COLUMNS}\n${line.join(',')}\n`);
  const tokenOf = async (creatorId: string): Promise<string> =>
    (await told('POST', '/v1/creator-tokens', publisher, { creatorId, ttlSeconds: 600 })).token;
  own = await tokenOf(CREATOR);
  another = await tokenOf('creator-2');
}, 90_000);
afterAll(() => carat?.end(), 30_000);

const ask = (id: string, key = carat.keys['auditor']): Promise<Answer> =>
  carat.send('GET', `/v1/explain/${encodeURIComponent(id)}`, key);

/** The command line on the same database. */
async function told(id: string, ...more: readonly string[]): Promise<{ code: number; data: string; talk: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const { url } = carat.db.options as { url: string };
  const words = [CLI, 'audit', 'explain', ...more, '--', id];
  return new Promise((answered) => {
    execFile(process.execPath, words, { env: { PATH, HOME, DATABASE_URL: url } }, (error, data, talk) =>
      answered({ code: error === null ? 0 : Number(error.code), data, talk }),
    );
  });
}

// biome-ignore lint/suspicious/noExplicitAny: parsed JSON of an answer under test
type Body = any;

/** What both doors know: the ledger's rows and the provider's lines are not in the log, and it has the whole book. */
const inBoth = ({ notKnown: _, sentence, steps, ...explanation }: Body): Body => ({
  ...explanation,
  // The log knows all that was booked for a gift.
  sentence: sentence.replace(/by these steps$/, 'in the books'),
  steps: steps
    .filter(({ step }: Body) => step !== 'settlement_line')
    .map(({ arithmetic, moved, ...step }: Body) => ({
      ...step,
      ...(arithmetic === undefined ? {} : { arithmetic: { ...arithmetic, against: 'rate_book' } }),
      ...(moved === undefined ? {} : { moved: { ...moved, booked: undefined } }),
    })),
});

describe('an explanation', () => {
  test('of a gift goes from its lots to what the ledger booked', async () => {
    const { status, body } = await ask(giftId);
    expect([status, body.sentence]).toEqual([
      200,
      '25000 coins were given, 23000 of them still stand; they are 11500000 millidiamonds by these steps',
    ]);
    expect(body.steps.map(({ step, sentence }: Body) => `${step}: ${sentence}`)).toEqual([
      'coins_purchased: the lot of the purchase first-lot paid 15000 coins of its 15000',
      'coins_purchased: the lot of the purchase second-lot paid 10000 coins of its 15000',
      `gift_sent: 25000 × rose for 25000 coins to ${CREATOR} on live live-1, market *`,
      expect.stringContaining('rate_proposed: proposed: 1/2 diamonds per coin'),
      expect.stringContaining('rate_approved: approved: 1/2 diamonds per coin'),
      'diamonds_credited: 25000 coins became 12500000 millidiamonds',
      'gift_reversed: 2000 of the coins were taken back, 23000 still stand',
      'diamonds_reversed: 1000000 millidiamonds were taken back',
    ]);
    const { steps } = body;
    expect(steps.every(({ evidence }: Body) => /^[0-9a-f]{64}$/.test(evidence.recordHash))).toBe(true);
    expect(steps[5]).toMatchObject({
      arithmetic: { formula: '25000 × 1000 × 1/2 = 12500000', recomputed: 'equal' },
      moved: { code: 'credit', booked: { id: expect.any(String), bookedAt: expect.any(String) } },
    });
  });

  test('of a redemption goes from the rate of its quote to the line that settled it', async () => {
    const { status, body } = await ask(redemptionId);
    const { providerReference } = await carat.see(redemptionId);
    expect([status, body.sentence]).toEqual([200, '11000000 millidiamonds for 5500 USD (minor units): paid']);
    const postings = body.steps.flatMap(({ moved }: Body) => (moved?.booked ? [moved.code] : []));
    expect(postings).toEqual(['hold', 'pay']);
    expect(body.steps.map(({ sentence }: Body) => sentence)).toContain(`paid by the provider as ${providerReference}`);
    expect(body.steps.at(-1)).toMatchObject({
      step: 'settlement_line',
      id: 'L-1',
      sentence: 'payout of 5500 USD settled on 2026-11-21',
    });
    expect(body.notKnown).toEqual([]);
  });

  test('is the same for every id of the chain, by HTTP and by the command line', async () => {
    const { steps } = (await ask(redemptionId)).body;
    const hold = steps.find(({ moved }: Body) => moved?.code === 'hold').evidence.eventId;
    const creditId = creditIdOf(giftId);
    const ofGift = inBoth((await ask(giftId)).body);
    const ofRedemption = inBoth((await ask(redemptionId)).body);
    const chains = [
      { ids: [giftId, creditId, reversalId, uuidOf(creditId)], explanation: ofGift },
      { ids: [redemptionId, hold], explanation: ofRedemption },
    ];
    const asked = chains.flatMap(({ ids, explanation }) => ids.map((id) => ({ ...explanation, id })));
    await Promise.all(
      asked.map(async (expected) => {
        expect(inBoth((await ask(expected.id)).body)).toEqual(expected);
        const { code, data } = await told(expected.id, '--json');
        expect([code, inBoth(JSON.parse(data))]).toEqual([0, expected]);
      }),
    );
    const { code, data } = await told(creditId, '--creator', CREATOR);
    expect([code, data.split('\n')[0]]).toEqual([0, `gift ${giftId} of ${CREATOR}, asked for by ${creditId}`]);
    expect(data).toContain('25000 × 1000 × 1/2 = 12500000; rounding floor');
  }, 60_000);

  test('of an adjustment names both people', async () => {
    const { operator, approver } = carat.keys;
    const wanted = { creatorId: CREATOR, millidiamonds: -500, reason: 'paid twice by mistake' };
    const { adjustmentId, contentHash } = (await carat.send('POST', '/v1/adjustments', operator, wanted)).body;
    await carat.send('POST', `/v1/adjustments/${adjustmentId}/approval`, approver, { contentHash });
    const { body } = await ask(adjustmentId);
    expect(body).toMatchObject({
      kind: 'adjustment',
      sentence: 'put right by -500 millidiamonds: paid twice by mistake',
    });
    expect(body.steps).toMatchObject([{ moved: { code: 'adjust', booked: { id: expect.any(String) } } }]);
    expect(new Set(body.steps[0].by).size).toBe(2);
    expect(inBoth(JSON.parse((await told(adjustmentId, '--json')).data))).toEqual(inBoth(body));
    expect((await ask(adjustmentId, own)).body.steps[0]).not.toHaveProperty('by');
  });

  test('tells a creator its own and nothing of others, and no other creator anything', async () => {
    for (const id of [giftId, creditIdOf(giftId), reversalId, redemptionId]) {
      const { status, body } = await ask(id, own);
      expect([status, body.creatorId]).toEqual([200, CREATOR]);
      const text = JSON.stringify(body);
      for (const secret of [
        'secret-viewer',
        'first-lot',
        'second-lot',
        '/demo',
        '"by"',
        'system:',
        'L-1',
        'moderation',
      ])
        expect(text).not.toContain(secret);
      expect(await ask(id, another)).toMatchObject({ status: 404, body: { code: 'explanation_not_found' } });
    }
    const { steps } = (await ask(giftId, own)).body;
    expect(steps.find(({ step }: Body) => step === 'diamonds_credited')).toEqual(
      (await ask(giftId)).body.steps.find(({ step }: Body) => step === 'diamonds_credited'),
    );
  });

  test('is for creators, operators, approvers and auditors', async () => {
    const { body } = await ask(giftId);
    for (const role of ['operator', 'approver'])
      expect(await ask(giftId, carat.keys[role])).toMatchObject({ status: 200, body });
    for (const role of ['publisher', 'admin']) expect((await ask(giftId, carat.keys[role])).status).toBe(403);
    expect((await ask(giftId, 'nobody')).status).toBe(401);
    for (const path of [
      `gifts/${giftId}/records`,
      `redemptions/${redemptionId}/records`,
      `redemptions/${redemptionId}/settlement-lines`,
      `transfers/${uuidOf(creditIdOf(giftId))}/records`,
    ])
      expect([path, (await carat.send('GET', `/v1/${path}`, own)).status]).toEqual([path, 403]);
  });

  test('of what never was is a 404 and exit code 5; of another kind of id it is none either', async () => {
    const uuid = derivedUuid(Date.now(), 'never');
    for (const id of [
      `gft_${uuid}`,
      `rdm_${uuid}`,
      `adj_${uuid}`,
      uuid,
      `crd_${uuidOf(reversalId)}`,
      `rev_${uuidOf(creditIdOf(giftId))}`,
    ])
      expect([id, (await ask(id)).status]).toEqual([id, 404]);
    expect(await told(`gft_${uuid}`)).toMatchObject({
      code: 5,
      data: '',
      talk: expect.stringContaining('nothing to explain'),
    });
  });

  test('of what is no id is refused in a sentence, and does nothing', async () => {
    for (const id of [
      '<script>alert(1)</script>',
      `${giftId}'; DROP TABLE payout.transfer; --`,
      `${giftId}\0`,
      'gift-1',
      '../keys',
    ])
      expect(await ask(id)).toMatchObject({
        status: 422,
        body: { code: 'id_not_explained', detail: expect.stringContaining('an id is gft_') },
      });
    const usage = { code: 2, data: '', talk: expect.stringContaining('<id> expects gft_') };
    expect(await told("<script>'; DROP TABLE journal.log_record; --")).toMatchObject(usage);
    expect((await ask(giftId)).status).toBe(200);
  });
});

test('a credit that follows from nothing is told by its id, is not said to be all, and is exit code 1', async () => {
  const creatorId = 'creator-twice';
  const gift = await carat.give(creatorId, 500);
  const [first, second] = [uuidOf(creditIdOf(gift)), derivedUuid(Date.now(), 'forged', gift)];
  await carat.db.query(
    `WITH credit AS (
       SELECT * FROM journal.log_record WHERE topic = 'diamond.events.v1' AND event_id = $1
     ), head AS (
       UPDATE journal.log_head h SET next = h.next + 1 FROM credit c WHERE h.topic = c.topic AND h.part = c.part
       RETURNING h.next - 1 AS place
     )
     INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value)
     SELECT topic, part, place, $2::uuid, key,
            convert_to(replace(convert_from(value, 'UTF8'), $1::uuid::text, $2::uuid::text), 'UTF8')
     FROM credit, head`,
    [first, second],
  );
  const balance = () => carat.send('GET', `/v1/creators/${creatorId}/balance`, carat.keys['auditor']);
  await eventually(async () => expect((await balance()).body).toMatchObject({ available: '1000' }));
  const recomputed = ({ steps }: Body): string[] =>
    steps.flatMap(({ id, arithmetic }: Body) => (arithmetic === undefined ? [] : [`${id} ${arithmetic.recomputed}`]));
  const both = [`crd_${first} equal`, `crd_${second} differs`];
  const { body } = await ask(`crd_${second}`);
  expect(recomputed(body)).toEqual(both);
  expect(body.sentence).toMatch(/ 1000 millidiamonds by these steps$/);
  // Nobody has asked about the second, and nothing says that it was looked for.
  const ofGift = (await ask(gift)).body;
  expect([recomputed(ofGift), ofGift.sentence]).toEqual([
    both.slice(0, 1),
    expect.stringMatching(/ 500 millidiamonds by these steps$/),
  ]);
  expect(ofGift.notKnown).toContainEqual({
    step: 'diamonds_corrected',
    sentence: expect.stringContaining('other credits of a gift are not looked for here'),
  });
  const { code, data } = await told(gift, '--json');
  expect([code, recomputed(JSON.parse(data))]).toEqual([1, both]);
  expect(JSON.parse(data).sentence).toMatch(/ 1000 millidiamonds in the books$/);
  expect(await told(gift, '--creator', '')).toMatchObject({ code: 2, talk: expect.stringContaining('--creator') });
  expect(await told(giftId)).toMatchObject({ code: 0 });
});

describe('when a service cannot be asked', () => {
  let alone: PayoutScene;
  beforeAll(async () => {
    const nobody = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;
    alone = await openPayoutScene({ CONVERSION_SERVICE_URL: await nobody(), PAYOUT_SERVICE_URL: await nobody() });
  }, 60_000);
  afterAll(() => alone?.end(), 30_000);

  test('what is known is told, and what is not is named; without the owner nothing is', async () => {
    const id = await alone.give(CREATOR, 500);
    const asked = (about: string) => alone.send('GET', `/v1/explain/${about}`, alone.keys['auditor']);
    const { status, body } = await asked(id);
    expect([status, body.steps.map(({ step }: Body) => step)]).toEqual([200, ['gift_sent']]);
    const sentence = 'conversion-service cannot be asked right now';
    expect(body.notKnown).toContainEqual({ step: 'diamonds_credited', sentence });
    expect(await asked(creditIdOf(id))).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
  });
});
