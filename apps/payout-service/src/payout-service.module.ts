import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { BalancesController } from './balances/balances.controller.js';
import { Balances } from './balances/balances.store.js';
import { TransfersController } from './balances/transfers.controller.js';
import { CreatorTokensController } from './creator-tokens/creator-tokens.controller.js';
import { DiamondLedgerFlow } from './diamond-ledger/diamond-ledger.flow.js';
import { DiamondLedger1764000200000 } from './migrations/1764000200000-diamond-ledger.js';

@Module({
  controllers: [DiamondLedgerFlow, BalancesController, CreatorTokensController, TransfersController],
  providers: [Balances],
})
class PayoutServiceModule {}

/** Owner of the diamond ledger: what every creator has, and how it came about. */
export const payoutService: Service = {
  name: 'payout-service',
  port: 8083,
  module: PayoutServiceModule,
  migrations: [DiamondLedger1764000200000],
  reads: ['diamond.events.v1', 'award.events.v1'],
  journals: ['redemption.events.v1'],
  transforms: [],
};
