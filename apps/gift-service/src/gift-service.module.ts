import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { BuyCoinsController } from './buy-coins/buy-coins.controller.js';
import { BuyCoinsStore } from './buy-coins/buy-coins.store.js';
import { DecidedRequestsController } from './decided-requests/decided-requests.controller.js';
import { DecidedRequests } from './decided-requests/decided-requests.store.js';
import { CurrentCatalogue, seedCatalogue } from './gift-catalogue/catalogue.store.js';
import { ChangeGiftType } from './gift-catalogue/change-gift-type.store.js';
import { GiftCatalogueController } from './gift-catalogue/gift-catalogue.controller.js';
import { giftEnvironment } from './gift-environment.worker.js';
import { GiftRecordsController } from './gift-records/gift-records.controller.js';
import { GiftRecordsStore } from './gift-records/gift-records.store.js';
import { INTAKE_TOPIC } from './intake.js';
import { Gift1764000000100 } from './migrations/1764000000100-gift.js';
import { Wallets1764000000101 } from './migrations/1764000000101-wallets.js';
import { StreaksReversals1764000000102 } from './migrations/1764000000102-streaks-reversals.js';
import { CatalogueChanges1764000000103 } from './migrations/1764000000103-catalogue-changes.js';
import { Receipts1764000000110 } from './migrations/1764000000110-receipts.js';
import { PaymentsOfOldGifts1764000000111 } from './migrations/1764000000111-payments-of-old-gifts.js';
import { LotsByEmptiness1764000000112 } from './migrations/1764000000112-lots-by-emptiness.js';
import { DecideReversals } from './reverse-gift/decide-reversals.store.js';
import { GiftReversalsController } from './reverse-gift/gift-reversals.controller.js';
import { ProposedReversals } from './reverse-gift/proposed-reversals.store.js';
import { ReversePurchaseController } from './reverse-purchase/reverse-purchase.controller.js';
import { ReversePurchaseStore } from './reverse-purchase/reverse-purchase.store.js';
import { GiftCollector } from './send-gift/gift-collector.worker.js';
import { SendGiftController } from './send-gift/send-gift.controller.js';
import { SendGiftFlow } from './send-gift/send-gift.flow.js';
import { SendGiftStore } from './send-gift/send-gift.store.js';
import { SentGiftController } from './sent-gifts/sent-gift.controller.js';
import { SentGifts } from './sent-gifts/sent-gift.store.js';
import { CloseStreaks } from './streaks/close-streaks.worker.js';
import { ViewersCoinsController } from './wallets/viewers-coins.controller.js';
import { ViewersWallets } from './wallets/viewers-coins.store.js';

@Module({
  controllers: [
    BuyCoinsController,
    DecidedRequestsController,
    GiftCatalogueController,
    GiftRecordsController,
    GiftReversalsController,
    ReversePurchaseController,
    SendGiftController,
    SendGiftFlow,
    SentGiftController,
    ViewersCoinsController,
  ],
  providers: [
    BuyCoinsStore,
    ChangeGiftType,
    CloseStreaks,
    CurrentCatalogue,
    DecidedRequests,
    DecideReversals,
    GiftCollector,
    GiftRecordsStore,
    ProposedReversals,
    ReversePurchaseStore,
    SendGiftStore,
    SentGifts,
    ViewersWallets,
  ],
})
class GiftServiceModule {}

/** Takes gifts at two doors and says, once for each, whether it was sent or why not. */
export const giftService: Service = {
  name: 'gift-service',
  port: 8081,
  module: GiftServiceModule,
  migrations: [
    Gift1764000000100,
    Wallets1764000000101,
    StreaksReversals1764000000102,
    CatalogueChanges1764000000103,
    Receipts1764000000110,
    PaymentsOfOldGifts1764000000111,
    LotsByEmptiness1764000000112,
  ],
  environment: giftEnvironment,
  reads: [INTAKE_TOPIC],
  journals: ['coin.events.v1', 'gift.events.v1', 'catalogue.events.v1'],
  transforms: [],
  seed: seedCatalogue,
};
