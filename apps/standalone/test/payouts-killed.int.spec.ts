import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { openPayoutScene, type PayoutScene } from './payout-scene.js';

const AMOUNT = 10_000_000;
/** Any number that nothing else locks. */
const GATE = 424_242;

/**
 * Where the process is killed: in the transaction of each step of the way, so after the step before it has committed
 * and before this one has.
 */
const STEPS = {
  'it is screened': "BEFORE UPDATE ON payout.redemption FOR EACH ROW WHEN (NEW.status = 'pending_approval')",
  'it is approved': "BEFORE UPDATE ON payout.redemption FOR EACH ROW WHEN (NEW.status = 'approved')",
  'it is submitted': "BEFORE UPDATE ON payout.redemption FOR EACH ROW WHEN (NEW.status = 'submitted')",
  'its call is claimed': `BEFORE UPDATE ON payout.payout FOR EACH ROW
    WHEN (OLD.called_until IS NULL AND NEW.called_until IS NOT NULL)`,
  'the answer to its call is applied':
    "BEFORE UPDATE ON payout.redemption FOR EACH ROW WHEN (NEW.status = 'in_transit')",
  'a webhook about it is taken': 'BEFORE INSERT ON payout.provider_webhook FOR EACH ROW',
  'it is asked about': 'BEFORE UPDATE ON payout.payout FOR EACH ROW WHEN (NEW.polls > OLD.polls)',
  'it is paid': "BEFORE UPDATE ON payout.redemption FOR EACH ROW WHEN (NEW.status = 'paid')",
} as const;

let scene: PayoutScene;
let keeper: QueryRunner;
beforeAll(async () => {
  scene = await openPayoutScene({ PAYOUT_TIMEOUT: '500ms' });
  keeper = scene.db.createQueryRunner();
  await scene.db.query(`
    CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(${GATE}); RETURN NEW; END $$`);
}, 60_000);
afterAll(async () => {
  await keeper?.release();
  await scene?.end();
});

/** Closes a gate in front of a step, waits until the process stands at it, kills it there, and starts it again. */
async function killAt(where: string, table: string, meanwhile: () => Promise<unknown>): Promise<void> {
  await keeper.query('SELECT pg_advisory_lock($1)', [GATE]);
  await scene.db.query(`CREATE TRIGGER gate ${where} EXECUTE FUNCTION wait_at_the_gate()`);
  const waiting = meanwhile().catch(() => undefined);
  const standsAt = await eventually(
    async () => {
      const found = (await scene.db.query(
        `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted`,
        [GATE],
      )) as { pid: number }[];
      if (found.length === 0) throw new Error('nobody stands at the gate');
      return found;
    },
    { withinMs: 20_000 },
  );
  await scene.process.kill();
  // What the server had begun for the killed process must not commit, or it would not have been killed there.
  for (const { pid } of standsAt) await scene.db.query('SELECT pg_terminate_backend($1)', [pid]);
  await waiting;
  await eventually(async () => {
    const left = await scene.db.query(
      `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'carat'`,
    );
    if (left.length > 0) throw new Error('sessions of the killed process are still there');
  });
  await scene.db.query(`DROP TRIGGER gate ON ${table}`);
  await keeper.query('SELECT pg_advisory_unlock($1)', [GATE]);
  await scene.process.start();
}

const tableOf = (where: string): string => /ON (\S+)/.exec(where)?.[1] ?? '';

const paidAtProvider = async (redemptionId: string): Promise<number> =>
  (await scene.provider('GET', 'movements')).body.items.filter(
    ({ payoutId, kind }: { payoutId: string; kind: string }) => payoutId === redemptionId && kind === 'payout',
  ).length;

const stateIs = (redemptionId: string, state: string): Promise<unknown> =>
  eventually(
    async () => {
      await scene.provider('POST', 'clock', { advanceMs: 60_000 });
      await scene.hasten();
      expect(await scene.see(redemptionId)).toMatchObject({ state });
    },
    { withinMs: 30_000 },
  );

const balanceOf = async (creatorId: string) =>
  (await scene.send('GET', `/v1/creators/${creatorId}/balance`, scene.keys['auditor'])).body;

describe('killed where', () => {
  test.each(Object.entries(STEPS))(
    '%s, and started again: it is paid, once',
    async (step, where) => {
      const creatorId = `creator-${step.replaceAll(' ', '-')}`;
      await scene.give(creatorId, AMOUNT);
      let redemptionId = '';
      await killAt(where, tableOf(where), async () => {
        redemptionId = await scene.redeem(creatorId, AMOUNT);
        await scene.provider('POST', 'clock', { advanceMs: 60_000 });
      });
      await stateIs(redemptionId, 'paid');
      expect(await paidAtProvider(redemptionId)).toBe(1);
      expect(await balanceOf(creatorId)).toMatchObject({ available: '0', held: '0', redeemed: `${AMOUNT}` });
    },
    60_000,
  );

  test('its call has reached nobody: it is unknown, is never sent again, and two people end it', async () => {
    const creatorId = 'creator-unsent';
    await scene.give(creatorId, AMOUNT);
    let redemptionId = '';
    await killAt('BEFORE INSERT ON fake_provider.payout FOR EACH ROW', 'fake_provider.payout', async () => {
      redemptionId = await scene.redeem(creatorId, AMOUNT);
    });
    await stateIs(redemptionId, 'unknown');
    for (let n = 0; n < 3; n++) await stateIs(redemptionId, 'unknown');
    expect((await scene.provider('GET', `payouts/${redemptionId}`)).status).toBe(404);
    expect(await balanceOf(creatorId)).toMatchObject({ available: '0', held: `${AMOUNT}` });
    const path = `/v1/redemptions/${redemptionId}/settlements`;
    const evidence = { outcome: 'failed', evidence: 'the provider writes that it never heard of it' };
    const { settlementId } = (await scene.send('POST', path, scene.keys['approver'], evidence)).body;
    await scene.send('POST', `${path}/${settlementId}/approval`, scene.keys['approver2']);
    expect(await scene.see(redemptionId)).toMatchObject({ state: 'failed' });
    expect(await balanceOf(creatorId)).toMatchObject({ available: `${AMOUNT}`, held: '0' });
    expect(await paidAtProvider(redemptionId)).toBe(0);
  }, 60_000);

  test('20: the provider has taken it and never answers: one payout, once it is asked', async () => {
    const creatorId = 'creator-timeout';
    await scene.give(creatorId, AMOUNT);
    const redemptionId = await scene.redeem(creatorId, AMOUNT, 'pm_timeout');
    await eventually(async () => expect((await scene.provider('GET', `payouts/${redemptionId}`)).status).toBe(200));
    await scene.process.kill();
    await scene.process.start();
    await stateIs(redemptionId, 'paid');
    expect(await paidAtProvider(redemptionId)).toBe(1);
  }, 60_000);
});
