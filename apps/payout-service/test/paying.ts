import { setTimeout as sleep } from 'node:timers/promises';
import { ApiKeys, type Role } from '@carat/http-edge';
import { PayCreators } from '../src/pay-creator/pay-creators.worker.js';
import type { PayoutEnvironment } from '../src/payout-environment.worker.js';
import { openPayoutDoors, type PayoutDoors } from './payout-doors.js';
import { appOf, credit, keepRate, MINIMUM } from './redeeming.js';
import { openScriptedProvider, type ScriptedProvider } from './scripted-provider.js';

// Longer than it takes to ask for another redemption, however slow the machine.
const REST_MS = 500;

export const ONE_APPROVER = 20_000_000;
export const TWO_APPROVERS = 200_000_000;

/** payout-service with a provider that a test tells what to do. */
export interface Paying {
  readonly doors: PayoutDoors;
  readonly provider: ScriptedProvider;
  /** Does once what the clock does all the time. */
  look(): Promise<void>;
  /** Waits until something is sent again, after a look in which nobody had answered. */
  rest(): Promise<void>;
  /** The same, as if all that is waited for had passed. */
  lookLater(): Promise<void>;
  /** A creator with just so many diamonds who has asked for all of them, and the redemption. */
  asked(creatorId: string, millidiamonds?: number, payoutMethodId?: string): Promise<Asked>;
  /** A key of a role for a person who may have others. */
  keyOf(role: Role, principal: string): Promise<string>;
  end(): Promise<void>;
}

export interface Asked {
  readonly app: Awaited<ReturnType<typeof appOf>>;
  readonly creatorId: string;
  readonly redemptionId: string;
  readonly contentHash: string;
  /** The redemption as staff see it. */
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
  now(): Promise<Record<string, any>>;
  decide(door: string, key: string, body?: object, idempotencyKey?: string): ReturnType<PayoutDoors['send']>;
}

export async function startPaying(rules: Partial<PayoutEnvironment> = {}): Promise<Paying> {
  const provider = await openScriptedProvider();
  const doors = await openPayoutDoors({
    PAYOUT_PROVIDER_URL: provider.url,
    PAYOUT_TIMEOUT: 400,
    PAYOUT_RETRY: REST_MS,
    ...rules,
  });
  const { db, app } = doors;
  await keepRate(db);
  const look = () => app.get(PayCreators).look();
  return {
    doors,
    provider,
    look,
    rest: () => sleep(REST_MS + 10),
    async lookLater() {
      await db.query(`UPDATE payout.payout SET poll_at = clock_timestamp() WHERE poll_at IS NOT NULL`);
      await db.query(`UPDATE payout.payout SET call_at = clock_timestamp() WHERE call_at IS NOT NULL`);
      await db.query(`UPDATE payout.payout SET called_until = clock_timestamp() WHERE called_until IS NOT NULL`);
      await look();
    },
    async asked(creatorId, millidiamonds = MINIMUM, payoutMethodId = 'pm_ok') {
      await credit(db, creatorId, millidiamonds);
      const creator = await appOf(doors, creatorId);
      const quoteId = String((await creator.quote(millidiamonds)).body['quoteId']);
      const { status, body } = await creator.redeem(quoteId, undefined, payoutMethodId);
      if (status !== 201) throw new Error(`not taken: ${JSON.stringify(body)}`);
      const { redemptionId, contentHash } = body as { redemptionId: string; contentHash: string };
      return {
        app: creator,
        creatorId,
        redemptionId,
        contentHash,
        now: async () => (await doors.send('GET', `/v1/redemptions/${redemptionId}`, doors.keys.auditor)).body,
        decide: (door, key, decision, once) =>
          doors.send('POST', `/v1/redemptions/${redemptionId}/${door}`, key, decision, once),
      };
    },
    keyOf: async (role, principal) => (await app.get(ApiKeys).create({ role, principal, source: '/demo' })).key,
    async end() {
      await doors.close();
      await provider.close();
    },
  };
}
