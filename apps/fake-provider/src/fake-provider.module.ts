import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { BehaviourController } from './behaviour/behaviour.controller.js';
import { CurrentBehaviour } from './behaviour/behaviour.store.js';
import { fakeEnvironment } from './fake-environment.worker.js';
import { DeliverWebhooks } from './fall-due/deliver-webhooks.worker.js';
import { DueChanges } from './fall-due/due-changes.store.js';
import { DueWebhooks } from './fall-due/due-webhooks.store.js';
import { ProviderTime } from './fall-due/provider-time.worker.js';
import { FakeProvider1764000300000 } from './migrations/1764000300000-fake-provider.js';
import { ClockController } from './provider-clock/clock.controller.js';
import { Movements } from './settlement-files/movements.store.js';
import { SettlementFilesController } from './settlement-files/settlement-files.controller.js';
import { HeldCalls } from './take-payouts/held-calls.worker.js';
import { PayoutsController } from './take-payouts/payouts.controller.js';
import { Payouts } from './take-payouts/payouts.store.js';

@Module({
  controllers: [BehaviourController, ClockController, PayoutsController, SettlementFilesController],
  providers: [CurrentBehaviour, DeliverWebhooks, DueChanges, DueWebhooks, HeldCalls, Movements, Payouts, ProviderTime],
})
class FakeProviderModule {}

/** A payout provider to develop and test against, which misbehaves on purpose. It pays nothing real. */
export const fakeProvider: Service = {
  name: 'fake-provider',
  port: 8087,
  module: FakeProviderModule,
  migrations: [FakeProvider1764000300000],
  environment: fakeEnvironment,
  loopbackOnly: true,
  reads: [],
  journals: [],
  transforms: [],
};
