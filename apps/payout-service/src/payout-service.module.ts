import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { AdjustmentsController } from './adjust-balance/adjustments.controller.js';
import { Adjustments } from './adjust-balance/adjustments.store.js';
import { BalancesController } from './balances/balances.controller.js';
import { Balances } from './balances/balances.store.js';
import { TransfersController } from './balances/transfers.controller.js';
import { CashRatesFlow } from './cash-rates/cash-rates.flow.js';
import { CreatorTokensController } from './creator-tokens/creator-tokens.controller.js';
import { DiamondLedgerFlow } from './diamond-ledger/diamond-ledger.flow.js';
import { DiamondLedger1764000200000 } from './migrations/1764000200000-diamond-ledger.js';
import { Redemptions1764000200001 } from './migrations/1764000200001-redemptions.js';
import { Payouts1764000200002 } from './migrations/1764000200002-payouts.js';
import { Proposals1764000200003 } from './migrations/1764000200003-proposals.js';
import { payoutEnvironment } from './payout-environment.worker.js';
import { PayoutMethodsController } from './payout-methods/payout-methods.controller.js';
import { PayoutMethods, seedPayoutMethods } from './payout-methods/payout-methods.store.js';
import { FourEyes } from './proposals/four-eyes.store.js';
import { QuotesController } from './quote-redemption/quotes.controller.js';
import { Quotes } from './quote-redemption/quotes.store.js';
import { RedemptionsController } from './redeem-diamonds/redemptions.controller.js';
import { Redemptions } from './redeem-diamonds/redemptions.store.js';
import { ProposedRules } from './redemption-rules/proposed-rules.store.js';
import { RedemptionRulesController } from './redemption-rules/redemption-rules.controller.js';

@Module({
  controllers: [
    AdjustmentsController,
    BalancesController,
    CashRatesFlow,
    CreatorTokensController,
    DiamondLedgerFlow,
    PayoutMethodsController,
    QuotesController,
    RedemptionRulesController,
    RedemptionsController,
    TransfersController,
  ],
  providers: [Adjustments, Balances, FourEyes, PayoutMethods, Quotes, ProposedRules, Redemptions],
})
class PayoutServiceModule {}

/** Owner of the diamond ledger: what every creator has, how it came about, and how it becomes money. */
export const payoutService: Service = {
  name: 'payout-service',
  port: 8083,
  module: PayoutServiceModule,
  migrations: [DiamondLedger1764000200000, Redemptions1764000200001, Payouts1764000200002, Proposals1764000200003],
  environment: payoutEnvironment,
  reads: ['diamond.events.v1', 'award.events.v1', 'rate.events.v1'],
  journals: ['redemption.events.v1'],
  transforms: [],
  seed: seedPayoutMethods,
};
