import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { ExplainController } from './explain/explain.controller.js';
import { Explanations } from './explain/explanations.worker.js';
import { TrailOfServices } from './explain/trail-of-services.worker.js';
import { opsEnvironment } from './ops-environment.worker.js';
import { ConsoleKey } from './receipts/console-key.worker.js';
import { ReceiptsController } from './receipts/receipts.controller.js';
import { Receipts } from './receipts/receipts.worker.js';
import { Services } from './receipts/services.worker.js';

@Module({
  controllers: [ExplainController, ReceiptsController],
  providers: [ConsoleKey, Explanations, Receipts, Services, TrailOfServices],
})
class OpsConsoleModule {}

/** Composes answers that cross services; it asks each for its own part over HTTP, in standalone too. */
export const opsConsole: Service = {
  name: 'ops-console',
  port: 8086,
  module: OpsConsoleModule,
  migrations: [],
  environment: opsEnvironment,
  reads: [],
  journals: [],
  transforms: [],
};
