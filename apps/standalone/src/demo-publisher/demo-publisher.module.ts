import type { Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { DemoPublisher } from './demo-publisher.worker.js';
import { LiveLine } from './live-line.worker.js';

@Module({ providers: [DemoPublisher, LiveLine] })
class DemoPublisherModule {}

/** An upstream service to look at Carat with: it owns nothing, and writes only what upstream may write. */
export const demoPublisher: Service = {
  name: 'demo-publisher',
  port: 8080,
  module: DemoPublisherModule,
  migrations: [],
  reads: [],
  journals: [],
  transforms: [],
};
