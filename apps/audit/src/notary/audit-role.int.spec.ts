import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { payoutService } from '@carat/payout-service';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type NotaryBed, openNotaryBed } from '../../test/notary-bed.js';

const SQL = resolve(import.meta.dirname, '../../../../deploy/postgres/audit-role.sql');
const NINA = `nina_${randomBytes(4).toString('hex')}`;

let bed: NotaryBed;
let nina: pg.Client;
beforeAll(async () => {
  bed = await openNotaryBed();
  for (const Migration of payoutService.migrations) {
    const runner = bed.db.createQueryRunner();
    await new Migration().up(runner);
    await runner.release();
  }
  const sql = await readFile(SQL, 'utf8');
  await bed.db.query(sql);
  await bed.db.query(sql);
  await bed.db.query(`CREATE ROLE ${NINA} LOGIN PASSWORD 'nina' IN ROLE carat_audit`);
  const url = new URL(bed.url);
  url.username = NINA;
  url.password = 'nina';
  nina = new pg.Client({ connectionString: url.href });
  await nina.connect();
});
afterAll(async () => {
  await nina?.end();
  await bed?.db.query(`DROP OWNED BY ${NINA}`);
  await bed?.db.query(`DROP ROLE ${NINA}`);
  await bed?.db.query('DROP OWNED BY carat_audit');
  await bed?.close();
});

describe('whoever proves the books', () => {
  test.each(['payout.transfer', 'payout.balance', 'journal.log_record', 'journal.consumer_offset', 'audit.seal'])(
    'reads %s',
    async (table) => {
      expect((await nina.query(`SELECT count(*)::int FROM ${table}`)).rows).toHaveLength(1);
    },
  );

  test.each([
    [`INSERT INTO payout.transfer (event_id) VALUES (gen_random_uuid())`, 'table transfer'],
    [`INSERT INTO journal.log_record (topic) VALUES ('gift.events.v1')`, 'table log_record'],
    ['UPDATE payout.balance SET earned = 1', 'table balance'],
    ['DELETE FROM journal.log_head', 'table log_head'],
    ['TRUNCATE payout.transfer', 'table transfer'],
    [`INSERT INTO audit.seal VALUES (1, '{}', 'a', 'b')`, 'table seal'],
    ['UPDATE audit.balance_at_seal SET earned = 0', 'table balance_at_seal'],
    ['CREATE TABLE payout.mine (n int)', 'schema payout'],
    ['CREATE TABLE public.mine (n int)', 'schema public'],
  ])('is refused by Postgres to %s', async (statement, what) => {
    await expect(nina.query(statement)).rejects.toThrow(`permission denied for ${what}`);
  });

  test('writes in schemas of its own, and what it adds to the schema audit', async () => {
    await nina.query('CREATE SCHEMA shadow_1');
    await nina.query('CREATE TABLE shadow_1.balance AS SELECT * FROM payout.balance');
    await nina.query('DROP SCHEMA shadow_1 CASCADE');
    await nina.query('CREATE TABLE audit.comparison (n int)');
    await nina.query('INSERT INTO audit.comparison VALUES (1)');
    await nina.query('DROP TABLE audit.comparison');
  });
});
