import { join } from 'node:path';
import type { EventLog } from '@carat/event-log';
import { topicNames } from '@carat/events';
import { Duration, ENVIRONMENT, EVENT_LOG, HostFailure, type Service } from '@carat/service-host';
import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { Seals1764000500000 } from './migrations/1764000500000-seals.js';
import { Notary, type NotaryLog } from './notary/notary.worker.js';
import { NotaryKeyUnusable, openNotaryKey } from './notary/notary-key.worker.js';

const RECORDS_EXPECTED = 'expects a whole number of records, from 1 to 1000000';
const INTERVAL_EXPECTED = 'expects at least 100ms';

const notaryEnvironment = z.object({
  NOTARY_KEY_FILE: z.string().optional().meta({
    description:
      'the Ed25519 key that seals are signed with; not set: notary-key.pem in CARAT_HOME, made on the first start',
  }),
  SEAL_FILES: z.string().optional().meta({
    description: 'the folder where every log has its file of seals; not set: seals in CARAT_HOME',
  }),
  // All that a seal is of is in memory until it is made.
  SEAL_RECORDS: z
    .string()
    .regex(/^[1-9]\d{0,6}$/, RECORDS_EXPECTED)
    .transform(Number)
    .refine((records) => records <= 1_000_000, RECORDS_EXPECTED)
    .prefault('100000')
    .meta({ description: 'a seal is made once so many records came' }),
  SEAL_INTERVAL: Duration.refine((ms) => ms >= 100, INTERVAL_EXPECTED)
    .prefault('1m')
    .meta({ description: 'and after so long when any came' }),
});
type NotaryEnvironment = z.infer<typeof notaryEnvironment> & { readonly CARAT_HOME: string };

/** What is left of a log without all that writes to it. */
const readerOf = (log: EventLog): NotaryLog => ({
  id: log.id,
  isRelayed: (topic) => log.isRelayed(topic),
  ends: (topics) => log.ends(topics),
  follow: (group, topics, follower) => log.follow(group, topics, follower),
  trouble: (group, error) => log.trouble(group, error),
});

async function openNotary(db: DataSource, log: EventLog, environment: NotaryEnvironment): Promise<Notary> {
  const { CARAT_HOME, NOTARY_KEY_FILE, SEAL_FILES, SEAL_RECORDS, SEAL_INTERVAL } = environment;
  try {
    return new Notary({
      db,
      log: readerOf(log),
      key: await openNotaryKey(NOTARY_KEY_FILE ?? join(CARAT_HOME, 'notary-key.pem')),
      sealFiles: SEAL_FILES ?? join(CARAT_HOME, 'seals'),
      everyRecords: SEAL_RECORDS,
      everyMs: SEAL_INTERVAL,
    });
  } catch (error) {
    throw error instanceof NotaryKeyUnusable ? new HostFailure(`${error.message}.`, error) : error;
  }
}

@Module({ providers: [{ provide: Notary, useFactory: openNotary, inject: [DataSource, EVENT_LOG, ENVIRONMENT] }] })
class AuditModule {}

/** Seals the log as it grows, so that whoever changes it later is found out. It owns the schema `audit`. */
export const notary: Service = {
  name: 'notary',
  port: 8088,
  module: AuditModule,
  migrations: [Seals1764000500000],
  environment: notaryEnvironment,
  reads: topicNames,
  journals: [],
  transforms: [],
};
