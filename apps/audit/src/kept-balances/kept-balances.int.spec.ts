import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NotaryProcess } from '../../test/notary-process.js';
import { type Sealed, verified } from '../../test/verified.js';
import { onDatabase, worldBooks } from '../../test/world-books.js';
import { type OpenSeals, openSeals, readNotaryKeys, readSeals, type Seal } from '../seals/seals.store.js';

const PARTITIONS = 4;

let template: TestDatabase;
beforeAll(async () => {
  template = await worldBooks({ seed: 7, gifts: 600, creators: 12, viewers: 40, partitions: PARTITIONS });
}, 60_000);
afterAll(() => template?.drop());

describe('the balances that a notary keeps beside its seals', () => {
  let database: TestDatabase;
  let home: string;
  let sealed: Sealed;
  beforeAll(async () => {
    database = await freshDatabase(template);
    home = await mkdtemp(join(tmpdir(), 'carat-verify-'));
    const notary = await NotaryProcess.start({
      DATABASE_URL: database.url,
      CARAT_HOME: home,
      KAFKA_PARTITIONS: String(PARTITIONS),
      SEAL_RECORDS: '300',
      SEAL_INTERVAL: '100ms',
    });
    const records = await onDatabase(database, async (client) => {
      const { rows } = await client.query<{ count: number }>('SELECT sum(next)::int AS count FROM journal.log_head');
      return rows[0]?.count;
    });
    const session = (await eventually(() =>
      openSeals(database.url).then((open) => open ?? Promise.reject()),
    )) as OpenSeals;
    const seals = await eventually(async () => {
      const all: Seal[] = [];
      for await (const seal of readSeals(session)) all.push(seal);
      expect(all.at(-1)?.content.partitions.reduce((sum, of) => sum + Number(of.records), 0)).toBe(records);
      return all;
    });
    const keys = await readNotaryKeys(session);
    sealed = { seals, trusted: new Map(keys.map((key) => [key.keyId, createPublicKey(key.publicKey)])) };
    await session.close();
    await notary.stop();
  }, 60_000);
  afterAll(async () => {
    await database?.drop();
    await rm(home, { recursive: true, force: true });
  });

  /** What is found once something was done to the rows, which are put back. */
  async function foundAfter(statement: string): Promise<readonly string[]> {
    await onDatabase(database, (client) =>
      client.query(`CREATE TABLE public.before AS TABLE audit.balance_at_seal; ${statement}`),
    );
    const { findings } = await verified(database, sealed);
    await onDatabase(database, (client) =>
      client.query(`
        DELETE FROM audit.balance_at_seal;
        INSERT INTO audit.balance_at_seal SELECT * FROM public.before;
        DROP TABLE public.before`),
    );
    return findings.map(({ pass, code, subject, detail }) => `${pass} ${code}: ${subject}: ${detail}`);
  }

  const SECOND = `(SELECT ctid FROM audit.balance_at_seal WHERE seal_number = 2 ORDER BY creator_id LIMIT 1)`;

  test('are those that the log gives, and are not asked for where no notary keeps any', async () => {
    expect(sealed.seals.length).toBeGreaterThan(2);
    const report = await verified(database, sealed);
    expect(report.findings).toEqual([]);
    expect(report.passes.find(({ pass }) => pass === 'seals')).toMatchObject({ state: 'proven' });
    expect((await verified(template, sealed)).findings).toEqual([]);
  });

  test.each(['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed'])(
    'are named where %s is another',
    async (term) => {
      const found = await foundAfter(`UPDATE audit.balance_at_seal SET ${term} = ${term} + 1 WHERE ctid = ${SECOND}`);
      expect(found).toEqual([
        expect.stringMatching(
          new RegExp(
            `^seals kept_balances_differ: seal 2: the balance of creator-\\d+ has ${term} \\d+, by the log \\d+$`,
          ),
        ),
      ]);
    },
  );

  const MISSING = /^seal 2: the balance of creator-\d+ is missing$/;
  const NOT_CHANGED = /^seal 2: the balance of another is kept, and the log changes none$/;
  const NOWHERE = /^seal [02]: balances of partition \d+ are kept, and there is no such seal or partition$/;

  test.each([
    ['deleted', [MISSING], `DELETE FROM audit.balance_at_seal WHERE ctid = ${SECOND}`],
    [
      'of another creator',
      [NOT_CHANGED, MISSING],
      `UPDATE audit.balance_at_seal SET creator_id = 'another' WHERE ctid = ${SECOND}`,
    ],
    [
      'moved to the seal before',
      [NOWHERE, MISSING],
      `UPDATE audit.balance_at_seal SET seal_number = 0 WHERE ctid = ${SECOND}`,
    ],
    [
      'moved to another partition',
      [NOWHERE, MISSING],
      `UPDATE audit.balance_at_seal SET partition = 99 WHERE ctid = ${SECOND}`,
    ],
    [
      'doubled',
      [NOT_CHANGED],
      `INSERT INTO audit.balance_at_seal
       SELECT 'another', seal_number, partition, earned, awarded, adjusted, reversed, held, redeemed
       FROM audit.balance_at_seal WHERE ctid = ${SECOND}`,
    ],
  ])('are named where one is %s', async (_, expected, statement) => {
    const found = await foundAfter(statement);
    expect(found.map((each) => each.replace('seals kept_balances_differ: ', ''))).toEqual(
      expected.map((each) => expect.stringMatching(each)),
    );
  });
});
