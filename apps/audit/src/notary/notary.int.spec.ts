import { createPublicKey } from 'node:crypto';
import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@carat/event-log';
import { event } from '@carat/payout-service/test/ledger-events';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { eventually } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendTo, type NotaryBed, openNotaryBed, PARTITIONS, placedEvent, recordsOf } from '../../test/notary-bed.js';
import { NotaryProcess } from '../../test/notary-process.js';
import { balancesOf, everythingIn, recomputed } from '../../test/recomputed-seal.js';
import { isSignedWith, type Seal } from '../seals/seal.js';
import { lineOfSeal, readNotaryKeys } from '../seals/seals.store.js';

let bed: NotaryBed;
let log: EventLog;
beforeEach(async () => {
  bed = await openNotaryBed();
  log = await bed.openLog();
});
afterEach(() => bed.close());

/** Waits until so many records are sealed; answers the seals. */
const sealed = (records: number, withinMs = 20_000): Promise<Seal[]> =>
  eventually(
    async () => {
      const seals = await bed.seals();
      const count = seals.at(-1)?.content.partitions.reduce((sum, of) => sum + Number(of.records), 0) ?? 0;
      expect([count, bed.troubles.at(-1)]).toEqual([records, bed.troubles.at(-1)]);
      return seals;
    },
    { withinMs },
  );

/** Everything that makes seals good: each is what the log gives, signed, and a line of the file. */
async function expectGood(seals: readonly Seal[]): Promise<void> {
  const [known] = await readNotaryKeys(bed.db.manager);
  const { batches } = await everythingIn(log);
  for (const [n, seal] of seals.entries()) {
    const { number, partitions, sums, balances } = seal.content;
    expect(number).toBe(n + 1);
    expect({ partitions, sums, balances }).toEqual(recomputed(batches, seal.content, seals[n - 1]?.content));
    expect(isSignedWith(seal, createPublicKey(known?.publicKey ?? ''))).toBe(true);
  }
  await eventually(async () => expect(await bed.lines(log.id)).toEqual(seals.map(lineOfSeal)));
}

const credit = (n: number, millidiamonds = 500): LedgerEvent =>
  event('carat.diamonds.credited.v1', { n, millidiamonds });
const credits = (from: number, count: number) => Array.from({ length: count }, (_, n) => placedEvent(credit(from + n)));

test('a notary that is killed again and again leaves out no record, and seals none twice', async () => {
  const environment = {
    DATABASE_URL: bed.url,
    CARAT_HOME: bed.home,
    KAFKA_PARTITIONS: String(PARTITIONS),
    SEAL_RECORDS: '150',
    SEAL_INTERVAL: '100ms',
  };
  const notary = await NotaryProcess.start(environment);
  let written = 0;
  for (let life = 0; life < 2; life++) {
    const records = recordsOf(400, life);
    written += records.length;
    const writing = appendTo(bed.db, records);
    await sleep(150 + 100 * life);
    await notary.kill();
    await writing;
    await notary.start();
  }
  const seals = await sealed(written);
  await notary.stop();
  expect(seals.length).toBeGreaterThan(3);
  await expectGood(seals);
  expect(((await stat(join(bed.home, 'notary-key.pem'))).mode & 0o777).toString(8)).toBe('600');
  expect(await readFile(join(bed.home, 'notary-key.pub.pem'), 'utf8')).toBe(
    (await readNotaryKeys(bed.db.manager))[0]?.publicKey,
  );

  // What a creator had at a seal is in the last row up to it.
  const { batches } = await everythingIn(log);
  for (const seal of [seals[Math.floor(seals.length / 2)], seals.at(-1)] as Seal[]) {
    const events = eventsUpTo(batches, seal);
    const rows = (await bed.db.query(
      `SELECT DISTINCT ON (creator_id) creator_id AS "creatorId", earned, awarded, adjusted, reversed, held, redeemed
       FROM audit.balance_at_seal WHERE seal_number <= $1 ORDER BY creator_id, seal_number DESC`,
      [seal.content.number],
    )) as ({ creatorId: string } & Record<string, string>)[];
    const naive = balancesOf(events)
      .map(({ creatorId, terms }) => ({ creatorId, ...textOf(terms) }))
      .filter(({ creatorId }) => rows.some((row) => row.creatorId === creatorId))
      .sort((a, b) => (a.creatorId < b.creatorId ? -1 : 1));
    expect(naive.length).toBeGreaterThan(3);
    expect(rows).toEqual(naive);
  }
}, 60_000);

const textOf = (terms: object): Record<string, string> =>
  Object.fromEntries(Object.entries(terms).map(([term, amount]) => [term, String(amount)]));

function eventsUpTo(batches: Awaited<ReturnType<typeof everythingIn>>['batches'], { content }: Seal): LedgerEvent[] {
  const ends = new Map(content.partitions.map((of) => [`${of.topic}/${of.partition}`, BigInt(of.nextOffset)]));
  return batches
    .filter(({ topic }) => /^(diamond|award|redemption)\./.test(topic))
    .flatMap(({ topic, partition, records }) =>
      records.filter(({ offset, value }) => offset < (ends.get(`${topic}/${partition}`) ?? 0n) && value?.length !== 1),
    )
    .map(({ value }) => JSON.parse(String(value)) as LedgerEvent);
}

describe('a seal is made', () => {
  test('once enough records came, and after a while when any came; else none', async () => {
    const notary = await bed.start(log, { everyRecords: 100, everyMs: 600_000 });
    await appendTo(bed.db, credits(0, 99));
    await sleep(500);
    expect(await bed.seals()).toEqual([]);
    await appendTo(bed.db, credits(99, 1));
    await sealed(100);
    await notary.onApplicationShutdown();

    await bed.start(log, { everyRecords: 1000, everyMs: 150 });
    await appendTo(bed.db, credits(100, 1));
    expect(await sealed(101)).toHaveLength(2);
    await sleep(500);
    await expectGood(await bed.seals());
    expect(await bed.seals()).toHaveLength(2);
  });

  test('in which an event that an earlier seal has books nothing', async () => {
    await bed.start(log);
    await appendTo(bed.db, credits(1, 3));
    await sealed(3);
    await appendTo(bed.db, [...credits(2, 2), ...credits(7, 1)]);
    const seals = await sealed(6);
    await expectGood(seals);
    expect(await bed.db.query('SELECT earned::int FROM audit.balance')).toEqual([{ earned: 2000 }]);
    expect(seals.at(-1)?.content.sums['carat.diamonds.credited.v1']?.events).toBe('6');
  });
});

describe('a second notary', () => {
  test('waits until the first is gone, and goes on from there', async () => {
    const first = await bed.start(log);
    await appendTo(bed.db, credits(0, 10));
    await sealed(10);
    const second = await bed.start(await bed.openLog());
    await appendTo(bed.db, credits(10, 10));
    await sealed(20);
    await first.onApplicationShutdown();
    await appendTo(bed.db, credits(20, 10));
    await expectGood(await sealed(30));
    await second.onApplicationShutdown();
  });

  test('is what a notary is to itself that lost its session', async () => {
    await bed.start(log);
    await appendTo(bed.db, credits(0, 10));
    await sealed(10);
    await bed.db.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
      AND (classid::bigint << 32 | objid::bigint) = 121437875204729`);
    await appendTo(bed.db, credits(10, 10));
    await expectGood(await sealed(20));
    expect(bed.alarms).toEqual([]);
  });
});

describe('the file of seals', () => {
  const file = (): string => join(bed.home, 'seals', `${log.id}.jsonl`);
  const sealAndStop = async (): Promise<readonly Seal[]> => {
    const notary = await bed.start(log, { everyMs: 100 });
    for (const n of [1, 2, 3]) {
      await appendTo(bed.db, credits(10 * n, 10));
      await sealed(10 * n);
    }
    await notary.onApplicationShutdown();
    return bed.seals();
  };

  test.each<[string, () => Promise<void>]>([
    ['without its last line', async () => truncate(file(), (await stat(file())).size - 5)],
    ['with the begin of a line', () => appendFile(file(), '{"content":')],
    ['that is gone', () => rm(file())],
    ['that is empty', () => truncate(file(), 0)],
  ])('%s is completed at the start', async (_, spoil) => {
    await sealAndStop();
    await spoil();
    await bed.start(log);
    await eventually(async () => expect(await bed.lines(log.id)).toEqual((await bed.seals()).map(lineOfSeal)));
    expect(bed.alarms).toEqual([]);
  });

  test.each<[string, (text: string) => string, string]>([
    ['with another last seal', (text) => text.replace(/"coins":"30"/, '"coins":"31"'), 'the database has another'],
    [
      'with a seal more',
      (text) => `${text}${text.trimEnd().split('\n').at(-1)?.replace('"number":3', '"number":4')}\n`,
      'which the database does not have',
    ],
    ['that ends with something else', (text) => `${text}hello\n`, 'is no seal'],
  ])('%s stops the notary with an alarm, and nothing is sealed', async (_, change, sentence) => {
    const seals = await sealAndStop();
    await writeFile(file(), change(await readFile(file(), 'utf8')));
    await bed.start(log);
    await appendTo(bed.db, credits(90, 10));
    await eventually(() => expect(bed.alarms.join()).toContain(sentence));
    expect(bed.alarms[0]).toMatch(/^carat\.audit\.notary: /);
    expect(await bed.seals()).toEqual(seals);
  });
});

describe('a notary stops with an alarm', () => {
  test.each([
    [
      'when balances are not what the last seal says',
      'UPDATE audit.balance SET earned = earned + 1',
      'audit.balance of',
    ],
    ['when the last seal is gone', 'DELETE FROM audit.seal WHERE number = 2', 'audit.balance of'],
    [
      'when a row is no seal',
      `UPDATE audit.seal SET content = '{}' WHERE number = 2`,
      'row 2 of audit.seal is no seal',
    ],
    ['when the log is another', `UPDATE journal.epoch SET id = '0196f5a0-0000-4000-8000-00000000000a'`, 'of the log'],
    ['when the log lost its tail', 'UPDATE journal.log_head SET next = 3 WHERE next > 3', 'its tail is lost'],
  ])('%s', async (_, spoil, sentence) => {
    const notary = await bed.start(log);
    for (const n of [1, 2]) {
      await appendTo(bed.db, credits(10 * n, 10));
      await sealed(10 * n);
    }
    await notary.onApplicationShutdown();
    await bed.db.query(spoil);
    await bed.start(await bed.openLog());
    await eventually(() => expect(bed.alarms.join()).toContain(sentence));
  });

  test('at a hole in the journal', async () => {
    await appendTo(bed.db, credits(0, 20));
    await bed.db.query(`DELETE FROM journal.log_record WHERE topic = 'diamond.events.v1' AND "offset" = 12`);
    await bed.start(log);
    await eventually(() => expect(bed.alarms.join()).toMatch(/notary: the journal of .* has a hole: offset 12/));
    expect(await bed.seals()).toEqual([]);
  });
});
