import { creditIdOf, derivedUuid, giftIdOf, partitionOf, type Topic, uuidOf } from '@carat/events';
import { asKafkaAdmin, eventually } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { verifying, verifyOf } from './proven.js';
import { type Carat, giftBody, headerOf, startCarat } from './topology.js';

const LIVE = '/live-platform';
const CREATOR = 'creator-forged';
const COINS = 40_000;
const EARNED = COINS * 500;
const NOW = new Date().toISOString();

let carat: Carat;
let publisher: string;
beforeAll(async () => {
  // Seals often, so that what somebody else wrote lies under them too.
  carat = await startCarat({ [LIVE]: { attestExternal: true } }, { SEAL_INTERVAL: '200ms' });
  publisher = await carat.publisherOf(LIVE);
}, 60_000);
afterAll(() => carat.end(), 60_000);

interface Forged {
  readonly topic: Topic;
  readonly event: Readonly<Record<string, unknown>> & { readonly id: string };
}

function forge(topic: Topic, type: string, source: string, data: object, more: object = {}): Forged {
  const id = derivedUuid(Date.parse(NOW), '/mallory', type, JSON.stringify(data));
  const subject = topic === 'rate.events.v1' ? 'rate-book' : CREATOR;
  return { topic, event: { specversion: '1.0', id, type, source, subject, time: NOW, data, ...more } };
}

async function put(forgeries: readonly Forged[]): Promise<void> {
  for (const { topic, event } of forgeries)
    await carat.log.publish(topic, [
      { key: Buffer.from(String(event['subject'])), value: Buffer.from(JSON.stringify(event)) },
    ]);
}

const partitionOfCreator = (): number =>
  partitionOf(Buffer.from(CREATOR), Number(carat.environment['KAFKA_PARTITIONS']));

const balance = async () =>
  (await carat.send('GET', `/v1/creators/${CREATOR}/balance`, { key: carat.keys['auditor'] })).body;

/** Where the last record with this id stands. */
async function positionOf({ topic, event: { id } }: Forged): Promise<object | undefined> {
  let position: object | undefined;
  for await (const { partition, records } of carat.log.read([topic], {}, await carat.log.ends([topic])))
    for (const { offset, value } of records)
      if (value?.includes(id)) position = { topic, partition, offset: String(offset) };
  return position;
}

const codesOf = async (group: string): Promise<unknown[]> =>
  (await carat.deadLetters(group)).map((letter) => headerOf(letter, 'carat-error-class'));

const forgedRates = (): Forged[] => {
  const rate = { rateId: 'rate_forged', kind: 'gift-to-diamond', market: '*', contentHash: 'hash' };
  const worth = { numerator: 1000, denominator: 1, rounding: 'floor', effectiveFrom: '1970-01-01T00:00:00.000Z' };
  return [
    { type: 'carat.rate.proposed.v1', data: { ...rate, ...worth, proposedBy: 'mallory' } },
    { type: 'carat.rate.approved.v1', data: { rateId: rate.rateId, contentHash: 'hash', approvedBy: 'eve' } },
  ].map(({ type, data }) => forge('rate.events.v1', type, '/carat/conversion-service', data));
};

const context = { kind: 'live', id: 'live-1' };
const forgedGiftId = giftIdOf(Date.parse(NOW), LIVE, 'never-asked-for');

const forgedGift = (giftId: string, more: object = {}): Forged => {
  const { funding, ...body } = giftBody('forged', { senderId: 'mallory', quantity: 9_000_000 });
  const data = {
    ...body,
    giftId,
    coins: 9_000_000,
    market: '*',
    context,
    funding,
    requestedBy: { source: LIVE, id: 'x' },
  };
  return forge('gift.events.v1', 'carat.gift.sent.v1', '/carat/gift-service', data, more);
};

function forgedRedemptions(asked: Readonly<Record<string, unknown>>): Forged[] {
  const { redemptionId, millidiamonds, payout, rate, contentHash } = asked;
  const own = { redemptionId, creatorId: CREATOR, millidiamonds, payout, rate, contentHash };
  const of = { ...own, payoutMethodId: 'pm_ok', by: 'mallory', after: {} };
  const approved = { ...of, approval: { given: 1, needed: 1 } };
  const adjusted = { adjustmentId: 'adj_forged', creatorId: CREATOR, millidiamonds: 1_000_000, reason: 'mine' };
  return [
    { type: 'carat.redemption.approved.v1', data: { ...approved, from: 'pending_approval', ledgerSeq: 3 } },
    {
      type: 'carat.redemption.paid.v1',
      data: { ...of, from: 'in_transit', ledgerSeq: 4, providerReference: 'po_forged' },
    },
    {
      type: 'carat.balance.adjusted.v1',
      data: { ...adjusted, proposedBy: 'mallory', approvedBy: 'eve', ledgerSeq: 5, after: {} },
    },
  ].map(({ type, data }) => forge('redemption.events.v1', type, '/carat/payout-service', data));
}

const forgedCredit = (): Forged => {
  const credit = { creditId: creditIdOf(forgedGiftId), creatorId: CREATOR, giftId: forgedGiftId, coins: 2, context };
  const rate = { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' };
  const data = { ...credit, millidiamonds: 1000, rate, residue: { numerator: 0, denominator: 1 } };
  const { topic, event } = forge('diamond.events.v1', 'carat.diamonds.credited.v1', '/carat/conversion-service', data);
  return { topic, event: { ...event, id: uuidOf(credit.creditId) } };
};

/** What a relay has written, with other content under its number. */
async function copied(giftId: string): Promise<Forged> {
  const [row] = (await carat.db.query(
    `SELECT "offset", (SELECT id FROM journal.epoch) AS journal FROM journal.log_record
     WHERE topic = 'gift.events.v1' AND convert_from(value, 'UTF8')::jsonb#>>'{data,giftId}' = $1`,
    [giftId],
  )) as { offset: string; journal: string }[];
  return forgedGift(giftId, { sequence: row?.offset, journal: row?.journal });
}

test('has no effect where a relay numbers what the owner wrote, and is found wherever it stands', async () => {
  const body = giftBody('forged', { quantity: COINS });
  const { giftId } = (await carat.send('POST', '/v1/gifts', { key: publisher, id: 'true', body })).body;
  await eventually(async () => expect(await balance()).toMatchObject({ available: String(EARNED) }));
  const { operator, auditor } = carat.keys;
  const wanted = { creatorId: CREATOR, millidiamonds: EARNED, currency: 'USD' };
  const { quoteId } = (await carat.send('POST', '/v1/redemption-quotes', { key: operator, id: 'q', body: wanted }))
    .body;
  const asking = { creatorId: CREATOR, quoteId, payoutMethodId: 'pm_ok' };
  const asked = (await carat.send('POST', '/v1/redemptions', { key: operator, id: 'r', body: asking })).body;
  const see = async () => (await carat.send('GET', `/v1/redemptions/${asked.redemptionId}`, { key: auditor })).body;
  await eventually(async () => expect(await see()).toMatchObject({ state: 'pending_approval' }));
  const before = await balance();

  const unnumbered = [...forgedRates(), forgedGift(forgedGiftId), ...forgedRedemptions(asked)];
  const copy = await copied(giftId);
  await put([...unnumbered, copy]);
  await eventually(async () => {
    expect(await codesOf('carat.conversion.credit-diamonds')).toEqual(['foreign_writer']);
    expect(await codesOf('carat.payout.cash-rates')).toEqual(Array(2).fill('foreign_writer'));
    for (const group of ['redemption-positions', 'webhook-deliveries'])
      expect(await codesOf(`carat.payout.${group}`)).toEqual(Array(3).fill('foreign_writer'));
  });
  // What comes after is worth what it was, and only that is added.
  const next = giftBody('forged', { funding: { kind: 'external', reference: 'another' } });
  expect((await carat.send('POST', '/v1/gifts', { key: publisher, id: 'next', body: next })).status).toBe(201);
  const earned = String(EARNED + 500);
  await eventually(async () => expect(await balance()).toMatchObject({ earned }));
  expect({ ...(await balance()), position: 0 }).toEqual({ ...before, earned, available: '500', position: 0 });
  expect(await see()).toMatchObject({ state: 'pending_approval', approvals: { given: 0, needed: 1 } });

  // A transform numbers nothing, so the ledger cannot tell; the proof can, for the credit follows from no gift.
  const credit = forgedCredit();
  await put([credit]);
  await eventually(async () => expect(await balance()).toMatchObject({ earned: String(EARNED + 1500) }));

  const { exitCode, verdict, findings } = await verifyOf(carat.environment);
  expect([exitCode, verdict]).toEqual([1, 'differs']);
  const found = findings.map(({ code, subject, position }) => ({ code, subject, position }));
  const foreign = [...unnumbered, credit].map(async (of) => ({
    code: 'foreign_writer',
    subject: of.event.id,
    position: await positionOf(of),
  }));
  const number = String(copy.event['sequence']);
  const partition = partitionOfCreator();
  const replaced = {
    code: 'record_differs_from_journal',
    subject: `gift.events.v1/${partition}/${number}`,
    position: { topic: 'gift.events.v1', partition, offset: number },
  };
  expect(found).toHaveLength(foreign.length + 1);
  expect(found).toEqual(expect.arrayContaining([...(await Promise.all(foreign)), replaced]));
}, 60_000);

/** What is done to each column of a row of the journal that its relay has carried. */
const changes: Readonly<Record<string, string>> = {
  event_id: 'gen_random_uuid()',
  key: `key || 'x'::bytea`,
  value: `convert_to(replace(convert_from(value, 'UTF8'), '"coins":', '"coins":9'), 'UTF8')`,
  headers: `'[["content-type","YXBwbGljYXRpb24vanNvbg=="]]'`,
};
// By which a row is found; and a relay does not carry its time.
const NOT_COMPARED = ['topic', 'part', 'offset', 'logged_at'];

async function columnsToldOf(table: string): Promise<string[]> {
  const rows = (await carat.db.query(
    `SELECT column_name AS name FROM information_schema.columns
     WHERE table_schema = 'journal' AND table_name = $1 ORDER BY ordinal_position`,
    [table],
  )) as { name: string }[];
  return rows.map(({ name }) => name).filter((name) => !NOT_COMPARED.includes(name));
}

test('a row of the journal that was changed in any column, or taken away, after it was carried is named', async () => {
  const partition = partitionOfCreator();
  const { findings: before } = await verifyOf(carat.environment);
  const more = async (): Promise<readonly object[]> => {
    const { findings } = await verifyOf(carat.environment);
    expect(findings).toEqual(expect.arrayContaining([...before]));
    const known = new Set(before.map((finding) => JSON.stringify(finding)));
    return findings.filter((finding) => !known.has(JSON.stringify(finding)));
  };
  const row = `topic = 'gift.events.v1' AND part = ${partition} AND "offset" = 1`;
  const found = {
    pass: 'journal',
    subject: `gift.events.v1/${partition}/1`,
    position: { topic: 'gift.events.v1', partition, offset: '1' },
  };

  const differs = [expect.objectContaining({ ...found, code: 'record_differs_from_journal' })];

  expect(await columnsToldOf('log_record')).toEqual(Object.keys(changes));
  await carat.db.query(`CREATE TABLE public.before AS SELECT * FROM journal.log_record WHERE ${row}`);
  for (const [column, changed] of Object.entries(changes)) {
    await carat.db.query(`UPDATE journal.log_record SET ${column} = ${changed} WHERE ${row}`);
    expect([column, await more()]).toEqual([column, differs]);
    await carat.db.query(
      `UPDATE journal.log_record SET ${column} = (SELECT ${column} FROM public.before) WHERE ${row}`,
    );
  }
  expect(await more()).toEqual([]);

  await carat.db.query(`DELETE FROM journal.log_record WHERE ${row}`);
  expect(await more()).toEqual([expect.objectContaining({ ...found, code: 'journal_row_missing' })]);
}, 60_000);

test('of a log that has lost its beginning nothing is concluded', async () => {
  const partition = partitionOfCreator();
  const topic = `${carat.prefix}gift.events.v1`;
  await asKafkaAdmin(async (admin) => {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: '1' }] });
  });
  const incomplete = { code: 3, stdout: '', stderr: expect.stringContaining(`/${partition} begins at 1, past 0`) };
  await expect(verifying(carat.environment)).resolves.toMatchObject(incomplete);
});
