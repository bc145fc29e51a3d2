import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { CreditDiamondsFlow } from './credit-diamonds/credit-diamonds.flow.js';
import { CreditsController } from './credits/credits.controller.js';
import { DiamondRecordsController } from './credits/diamond-records.controller.js';
import { DecideRates } from './decide-rates/decide-rates.store.js';
import { RateRecordsController } from './decide-rates/rate-records.controller.js';
import { RatesController } from './decide-rates/rates.controller.js';
import { ConversionEnvironment, CurrentRateBook } from './rate-book/current-rate-book.store.js';
import { seedRates } from './rate-book/seed-rates.store.js';

@Module({
  controllers: [
    CreditDiamondsFlow,
    CreditsController,
    DiamondRecordsController,
    RateRecordsController,
    RatesController,
  ],
  providers: [CurrentRateBook, DecideRates],
})
class ConversionServiceModule {}

/** Owner of the rates; turns gifts into diamonds. */
export const conversionService: Service = {
  name: 'conversion-service',
  port: 8082,
  module: ConversionServiceModule,
  migrations: [],
  environment: ConversionEnvironment,
  reads: ['gift.events.v1'],
  journals: ['rate.events.v1'],
  transforms: ['diamond.events.v1'],
  seed: seedRates,
};
