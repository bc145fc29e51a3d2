import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { AdjustmentsController } from './adjust-balance/adjustments.controller.js';
import { Adjustments } from './adjust-balance/adjustments.store.js';
import { ApprovalsController } from './approve-redemptions/approvals.controller.js';
import { Approvals } from './approve-redemptions/approvals.store.js';
import { WaitingController } from './approve-redemptions/waiting.controller.js';
import { WaitingForPeople } from './approve-redemptions/waiting.store.js';
import { BalancesController } from './balances/balances.controller.js';
import { Balances } from './balances/balances.store.js';
import { BalancesAsOf } from './balances/balances-as-of.store.js';
import { RedemptionPositionsFlow } from './balances/redemption-positions.flow.js';
import { TransfersController } from './balances/transfers.controller.js';
import { BreaksController } from './breaks/breaks.controller.js';
import { Breaks } from './breaks/breaks.store.js';
import { CashRatesFlow } from './cash-rates/cash-rates.flow.js';
import { CreatorTokensController } from './creator-tokens/creator-tokens.controller.js';
import { DiamondLedgerFlow } from './diamond-ledger/diamond-ledger.flow.js';
import { EligibilityController } from './eligibility/eligibility.controller.js';
import { Eligibilities } from './eligibility/eligibility.store.js';
import { LedgerRecordsController } from './ledger-records/ledger-records.controller.js';
import { LedgerRecords } from './ledger-records/ledger-records.store.js';
import { DiamondLedger1764000200000 } from './migrations/1764000200000-diamond-ledger.js';
import { Redemptions1764000200001 } from './migrations/1764000200001-redemptions.js';
import { Payouts1764000200002 } from './migrations/1764000200002-payouts.js';
import { Proposals1764000200003 } from './migrations/1764000200003-proposals.js';
import { Reconciliation1764000200004 } from './migrations/1764000200004-reconciliation.js';
import { Webhooks1764000200005 } from './migrations/1764000200005-webhooks.js';
import { Statements1764000200006 } from './migrations/1764000200006-statements.js';
import { BalancesAsOf1764000200008 } from './migrations/1764000200008-balances-as-of.js';
import { ProjectionRebuilds1764000200010 } from './migrations/1764000200010-projection-rebuilds.js';
import { PayCreators } from './pay-creator/pay-creators.worker.js';
import { PayoutProvider } from './pay-creator/payout-provider.worker.js';
import { Payouts } from './pay-creator/payouts.store.js';
import { ProviderWebhooksController } from './pay-creator/provider-webhooks.controller.js';
import { ProviderWebhooks } from './pay-creator/provider-webhooks.store.js';
import { payoutEnvironment } from './payout-environment.worker.js';
import { PayoutMethodsController } from './payout-methods/payout-methods.controller.js';
import { PayoutMethods, seedPayoutMethods } from './payout-methods/payout-methods.store.js';
import { FourEyes } from './proposals/four-eyes.store.js';
import { QuotesController } from './quote-redemption/quotes.controller.js';
import { Quotes } from './quote-redemption/quotes.store.js';
import { RebuildsController } from './rebuild-projections/rebuilds.controller.js';
import { ProjectionRebuilds } from './rebuild-projections/rebuilds.store.js';
import { ReconciliationController } from './reconcile-payouts/reconciliation.controller.js';
import { Reconciliation } from './reconcile-payouts/reconciliation.store.js';
import { RedemptionsController } from './redeem-diamonds/redemptions.controller.js';
import { Redemptions } from './redeem-diamonds/redemptions.store.js';
import { ProposedRules } from './redemption-rules/proposed-rules.store.js';
import { RedemptionRulesController } from './redemption-rules/redemption-rules.controller.js';
import { MoveOn } from './screen-redemptions/move-on.store.js';
import { SettlementsController } from './settle-payouts/settlements.controller.js';
import { Settlements } from './settle-payouts/settlements.store.js';
import { SettlementFilesController } from './settlement-files/settlement-files.controller.js';
import { SettlementFiles } from './settlement-files/settlement-files.store.js';
import { StatementsController } from './statements/statements.controller.js';
import { Statements } from './statements/statements.store.js';
import { DeliverWebhooks } from './webhook-deliveries/deliver-webhooks.worker.js';
import { WebhookDeliveriesController } from './webhook-deliveries/webhook-deliveries.controller.js';
import { WebhookDeliveriesFlow } from './webhook-deliveries/webhook-deliveries.flow.js';
import { WebhookDeliveries } from './webhook-deliveries/webhook-deliveries.store.js';
import { WebhookEndpointsController } from './webhook-endpoints/webhook-endpoints.controller.js';
import { WebhookEndpoints } from './webhook-endpoints/webhook-endpoints.store.js';

@Module({
  controllers: [
    AdjustmentsController,
    ApprovalsController,
    BalancesController,
    BreaksController,
    CashRatesFlow,
    CreatorTokensController,
    DiamondLedgerFlow,
    EligibilityController,
    LedgerRecordsController,
    PayoutMethodsController,
    ProviderWebhooksController,
    QuotesController,
    RebuildsController,
    ReconciliationController,
    RedemptionPositionsFlow,
    RedemptionRulesController,
    RedemptionsController,
    SettlementFilesController,
    SettlementsController,
    StatementsController,
    TransfersController,
    WaitingController,
    WebhookDeliveriesController,
    WebhookDeliveriesFlow,
    WebhookEndpointsController,
  ],
  providers: [
    Adjustments,
    Approvals,
    Balances,
    BalancesAsOf,
    Breaks,
    DeliverWebhooks,
    Eligibilities,
    FourEyes,
    LedgerRecords,
    MoveOn,
    PayCreators,
    PayoutMethods,
    PayoutProvider,
    Payouts,
    ProjectionRebuilds,
    ProposedRules,
    ProviderWebhooks,
    Quotes,
    Reconciliation,
    Redemptions,
    SettlementFiles,
    Settlements,
    Statements,
    WaitingForPeople,
    WebhookDeliveries,
    WebhookEndpoints,
  ],
})
class PayoutServiceModule {}

/** Owner of the diamond ledger: what every creator has, how it came about, and how it becomes money. */
export const payoutService: Service = {
  name: 'payout-service',
  port: 8083,
  module: PayoutServiceModule,
  migrations: [
    DiamondLedger1764000200000,
    Redemptions1764000200001,
    Payouts1764000200002,
    Proposals1764000200003,
    Reconciliation1764000200004,
    Webhooks1764000200005,
    Statements1764000200006,
    ProjectionRebuilds1764000200010,
    BalancesAsOf1764000200008,
  ],
  environment: payoutEnvironment,
  reads: ['diamond.events.v1', 'award.events.v1', 'rate.events.v1', 'redemption.events.v1'],
  journals: ['redemption.events.v1'],
  transforms: [],
  seed: seedPayoutMethods,
};
