import type { EventLog } from '@carat/event-log';
import { HttpEdgeModule } from '@carat/http-edge';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Environment, oidcOf } from './environment.js';
import { HostStatus } from './host-status.js';
import { Metrics } from './metrics.worker.js';
import { ConfigController, OperationsController } from './operations.controller.js';
import { ENVIRONMENT, EVENT_LOG, type Service } from './service.js';

interface Parts {
  readonly services: readonly Service[];
  readonly environment: Environment;
  readonly db: DataSource;
  readonly log: EventLog;
  readonly status: HostStatus;
  readonly metrics: Metrics;
}

/** The services of a process, and what every one of them may have injected. */
@Global()
@Module({ controllers: [OperationsController, ConfigController] })
export class HostModule {
  static with({ services, environment, db, log, status, metrics }: Parts): DynamicModule {
    const shared = [
      { provide: ENVIRONMENT, useValue: environment },
      { provide: EVENT_LOG, useValue: log },
      { provide: DataSource, useValue: db },
    ];
    return {
      module: HostModule,
      imports: [HttpEdgeModule.with(oidcOf(environment)), ...services.map((service) => service.module)],
      providers: [...shared, { provide: HostStatus, useValue: status }, { provide: Metrics, useValue: metrics }],
      exports: [...shared.map(({ provide }) => provide)],
    };
  }
}
