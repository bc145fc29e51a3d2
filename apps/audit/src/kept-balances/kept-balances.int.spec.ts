import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealedBooks } from '../../test/sealed-books.js';
import { type Sealed, verified } from '../../test/verified.js';
import { onDatabase } from '../../test/world-books.js';

describe('the balances that a notary keeps beside its seals', () => {
  let database: TestDatabase;
  let home: string;
  let sealed: Sealed;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'carat-kept-balances-'));
    ({ database, sealed } = await sealedBooks(home));
  }, 60_000);
  afterAll(async () => {
    await database?.drop();
    await rm(home, { recursive: true, force: true });
  });

  /** What is found once something was done to the rows, which are put back. */
  async function foundAfter(statement: string, asked = sealed): Promise<readonly string[]> {
    await onDatabase(database, (client) =>
      client.query(`CREATE TABLE public.before AS TABLE audit.balance_at_seal; ${statement}`),
    );
    const { findings } = await verified(database, asked);
    await onDatabase(database, (client) =>
      client.query(`
        DELETE FROM audit.balance_at_seal;
        INSERT INTO audit.balance_at_seal SELECT * FROM public.before;
        DROP TABLE public.before`),
    );
    return findings.map(({ pass, code, subject, detail }) => `${pass} ${code}: ${subject}: ${detail}`);
  }

  // Not its creator's last, which is compared with what the notary works with as well; when seals were made is chance.
  const INNER = `(
    SELECT ctid FROM audit.balance_at_seal AS inner_one
    WHERE EXISTS (
      SELECT FROM audit.balance_at_seal AS later
      WHERE later.creator_id = inner_one.creator_id AND later.seal_number > inner_one.seal_number)
    ORDER BY seal_number DESC, creator_id LIMIT 1)`;

  test('are those that the log gives, and are not asked for where no notary keeps any', async () => {
    expect(sealed.seals.length).toBeGreaterThan(2);
    const report = await verified(database, sealed);
    expect(report.findings).toEqual([]);
    expect(report.passes.find(({ pass }) => pass === 'seals')).toMatchObject({ state: 'proven' });
    const without = await freshDatabase(database);
    try {
      await onDatabase(without, (client) => client.query('DROP SCHEMA audit CASCADE'));
      expect((await verified(without, sealed)).findings).toEqual([]);
    } finally {
      await without.drop();
    }
  });

  test.each(['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed'])(
    'are named where %s is another',
    async (term) => {
      const found = await foundAfter(`UPDATE audit.balance_at_seal SET ${term} = ${term} + 1 WHERE ctid = ${INNER}`);
      expect(found).toEqual([
        expect.stringMatching(
          new RegExp(
            `^seals kept_balances_differ: seal \\d+: the balance of creator-\\d+ has ${term} \\d+, by the log \\d+$`,
          ),
        ),
      ]);
    },
  );

  const MISSING = /^seal \d+: the balance of creator-\d+ is missing$/;
  const NOT_CHANGED = /^seal \d+: the balance of another is kept, and the log changes none$/;
  const NOWHERE = /^seal \d+: balances of partition \d+ are kept, and there is no such seal or partition$/;

  test.each([
    ['deleted', [MISSING], `DELETE FROM audit.balance_at_seal WHERE ctid = ${INNER}`],
    [
      'of another creator',
      [NOT_CHANGED, MISSING],
      `UPDATE audit.balance_at_seal SET creator_id = 'another' WHERE ctid = ${INNER}`,
    ],
    [
      'moved to the seal before',
      [NOWHERE, MISSING],
      `UPDATE audit.balance_at_seal SET seal_number = 0 WHERE ctid = ${INNER}`,
    ],
    [
      'moved to another partition',
      [NOWHERE, MISSING],
      `UPDATE audit.balance_at_seal SET partition = 99 WHERE ctid = ${INNER}`,
    ],
    [
      'doubled',
      [NOT_CHANGED],
      `INSERT INTO audit.balance_at_seal
       SELECT 'another', seal_number, partition, earned, awarded, adjusted, reversed, held, redeemed
       FROM audit.balance_at_seal WHERE ctid = ${INNER}`,
    ],
  ])('are named where one is %s', async (_, expected, statement) => {
    const found = await foundAfter(statement);
    expect(found.map((each) => each.replace('seals kept_balances_differ: ', ''))).toEqual(
      expected.map((each) => expect.stringMatching(each)),
    );
  });

  test('are missed together with the last seal that changed any', async () => {
    const last = `(SELECT max(seal_number) FROM public.before)`;
    const found = await foundAfter(`DELETE FROM audit.balance_at_seal WHERE seal_number = ${last}`, {
      ...sealed,
      seals: sealed.seals.slice(0, -1),
    });
    expect(found.length).toBeGreaterThan(0);
    for (const each of found)
      expect(each).toMatch(/^seals kept_balances_differ: creator-\d+: what the notary works with is not the last/);
  });
});
