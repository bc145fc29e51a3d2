import type { Tx } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { Type } from '@nestjs/common';
import type { MigrationInterface } from 'typeorm';
import type { z } from 'zod';

export type MigrationClass = new () => MigrationInterface;
export type EntityClass = new () => object;

/** How the process runs, for variables whose default depends on it. */
export interface HostContext {
  /** True when several services share the process: what `npm start` runs. */
  readonly standalone: boolean;
}

/** Variables a service reads beyond the common ones: upper-case names to schemas over the text of the variable. */
type EnvironmentOf = z.ZodObject | ((context: HostContext) => z.ZodObject);

/** All that a service tells its host. The host does the rest, alone or beside others in one process. */
export interface Service {
  readonly name: string;
  /** The HTTP port when it runs alone. */
  readonly port: number;
  /** Its Nest module: controllers, flows, workers. */
  readonly module: Type;
  /** Of its own schema and no other; class names end in 13 digits. */
  readonly migrations: readonly MigrationClass[];
  readonly entities?: readonly EntityClass[];
  readonly environment?: EnvironmentOf;
  /** The process listens on a loopback address or not at all: for what must not be reached from elsewhere. */
  readonly loopbackOnly?: true;
  /** The topics its flows follow. */
  readonly reads: readonly Topic[];
  /** The topics it appends to the journal. With Kafka they are relayed. */
  readonly journals: readonly Topic[];
  /** The topics its transform flows write. */
  readonly transforms: readonly Topic[];
  /** Rows that must be there before anything runs. Called at every start under a lock, so it must be idempotent. */
  seed?(tx: Tx): Promise<void>;
}

/** Nest token: the parsed environment, the variables of all services of the process in one object. */
export const ENVIRONMENT: unique symbol = Symbol('carat:environment');
/** Nest token: the EventLog of the process. */
export const EVENT_LOG: unique symbol = Symbol('carat:event-log');
