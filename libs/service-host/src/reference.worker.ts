import 'reflect-metadata';
import { EdgeAdapter } from '@carat/http-edge';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { z } from 'zod';
import { commonSchema, environmentSchema } from './environment.js';
import { HostModule } from './host.module.js';
import { documentOf } from './run.worker.js';
import type { Service } from './service.js';

/**
 * The OpenAPI document of these services in one process, told without starting them: Nest's preview mode reads the
 * routes and makes no provider, so no part that they need has to be there.
 */
export async function openApiOf(services: readonly Service[]): Promise<object> {
  const nothing = {} as never;
  const parts = { services, environment: nothing, db: nothing, log: nothing, status: nothing, metrics: nothing };
  const app = await NestFactory.create<NestFastifyApplication>(HostModule.with(parts), new EdgeAdapter(), {
    preview: true,
    logger: false,
    abortOnError: false,
  });
  return documentOf(app, services)();
}

/** A variable of the environment as a reader of the reference sees it. */
interface Variable {
  readonly name: string;
  /** As it would be written; undefined when there is none. */
  readonly fallback: string | undefined;
  readonly required: boolean;
  /** What it means, and what it expects. */
  readonly meaning: string;
}

/** No text of a variable: every schema refuses it, and says what it expects instead. */
const NO_TEXT = Symbol('no text');

/** The default that a schema was given, under whatever it was wrapped in. */
function fallbackOf(schema: z.ZodType): unknown {
  const def = schema.def as { type: string; defaultValue?: unknown };
  return def.type === 'default' || def.type === 'prefault' ? def.defaultValue : undefined;
}

/** `expects …`, as a start with a malformed value would say it. */
function expectationOf(schema: z.ZodType): string | undefined {
  const message = schema.safeParse(NO_TEXT).error?.issues[0]?.message;
  return message?.startsWith('expects ') && message !== 'expects a text' ? message : undefined;
}

function variableOf([name, schema]: [string, z.ZodType]): Variable {
  const fallback = fallbackOf(schema);
  return {
    name,
    fallback: fallback === undefined ? undefined : String(typeof fallback === 'boolean' ? Number(fallback) : fallback),
    required: !schema.safeParse(undefined).success,
    meaning: [schema.meta()?.description, expectationOf(schema)].filter((text) => text !== undefined).join('; '),
  };
}

/** The variables that every process reads, then those that a service adds when it runs alone. */
export function variablesOf(service?: Service): readonly Variable[] {
  const schema = service === undefined ? commonSchema(0) : environmentSchema(service, { standalone: false });
  return Object.entries(schema?.shape ?? {}).map(variableOf);
}
