import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { BalancesController } from './balances/balances.controller.js';
import { Balances } from './balances/balances.store.js';
import { TransfersController } from './balances/transfers.controller.js';
import { CashRatesFlow } from './cash-rates/cash-rates.flow.js';
import { CreatorTokensController } from './creator-tokens/creator-tokens.controller.js';
import { DiamondLedgerFlow } from './diamond-ledger/diamond-ledger.flow.js';
import { DiamondLedger1764000200000 } from './migrations/1764000200000-diamond-ledger.js';
import { Redemptions1764000200001 } from './migrations/1764000200001-redemptions.js';
import { Payouts1764000200002 } from './migrations/1764000200002-payouts.js';
import { Statements1764000200006 } from './migrations/1764000200006-statements.js';
import { payoutEnvironment } from './payout-environment.worker.js';
import { PayoutMethodsController } from './payout-methods/payout-methods.controller.js';
import { PayoutMethods, seedPayoutMethods } from './payout-methods/payout-methods.store.js';
import { QuotesController } from './quote-redemption/quotes.controller.js';
import { Quotes } from './quote-redemption/quotes.store.js';
import { RedemptionsController } from './redeem-diamonds/redemptions.controller.js';
import { Redemptions } from './redeem-diamonds/redemptions.store.js';
import { StatementsController } from './statements/statements.controller.js';
import { Statements } from './statements/statements.store.js';

@Module({
  controllers: [
    BalancesController,
    CashRatesFlow,
    CreatorTokensController,
    DiamondLedgerFlow,
    PayoutMethodsController,
    QuotesController,
    RedemptionsController,
    StatementsController,
    TransfersController,
  ],
  providers: [Balances, PayoutMethods, Quotes, Redemptions, Statements],
})
class PayoutServiceModule {}

/** Owner of the diamond ledger: what every creator has, how it came about, and how it becomes money. */
export const payoutService: Service = {
  name: 'payout-service',
  port: 8083,
  module: PayoutServiceModule,
  migrations: [DiamondLedger1764000200000, Redemptions1764000200001, Payouts1764000200002, Statements1764000200006],
  environment: payoutEnvironment,
  reads: ['diamond.events.v1', 'award.events.v1', 'rate.events.v1'],
  journals: ['redemption.events.v1'],
  transforms: [],
  seed: seedPayoutMethods,
};
