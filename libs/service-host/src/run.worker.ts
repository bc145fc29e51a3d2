import 'reflect-metadata';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventLogStrategy } from '@carat/event-log/nest';
import { EdgeAdapter } from '@carat/http-edge';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Logger } from 'pino';
import { migrate, openDatabase, seed, underStartLock } from './database.store.js';
import { startEmbeddedPostgres } from './embedded-postgres.worker.js';
import { type Environment, environmentSchema, readEnvironment } from './environment.js';
import { keysFileOf, refuseFirstKeysElsewhere, writeFirstKeys } from './first-keys.worker.js';
import { HostModule } from './host.module.js';
import { HostFailure } from './host-failure.js';
import { HostStatus } from './host-status.js';
import { LagSampler } from './lag.worker.js';
import { NestLogger, openLogger } from './logger.worker.js';
import { Metrics } from './metrics.worker.js';
import { openEventLog } from './open-event-log.worker.js';
import { providerSecrets } from './provider-environment.worker.js';
import { rulesInForce } from './rules-in-force.js';
import type { Service } from './service.js';

const STOPPED_WITHIN_MS = 20_000;
const STARTED_WITHIN_MS = 10_000;

/** What was opened, to be closed in the opposite order. */
class Opened {
  private readonly closers: (() => Promise<unknown>)[] = [];

  onClose(close: () => Promise<unknown>): void {
    this.closers.unshift(close);
  }

  /** Closes everything. One part that fails to close does not keep the others open. */
  async close(logger: Logger): Promise<void> {
    for (const close of this.closers.splice(0))
      await close().catch((error: unknown) => logger.error({ err: error }, 'a part did not close'));
  }
}

/**
 * Runs services in this process until a signal comes: a service's whole `main.ts`. One service is a part of a topology;
 * several are standalone, with keys of their own in CARAT_HOME. Exit codes: 0 stopped by a signal, 1 could not start or
 * go on, 2 a variable is wrong. What keeps it from starting is told on stderr in one line each.
 */
export async function run(...services: readonly Service[]): Promise<void> {
  const variables = process.argv.includes('--no-demo') ? { ...process.env, CARAT_DEMO: '0' } : process.env;
  const read = readEnvironment(services, variables);
  if ('mistakes' in read) {
    for (const mistake of read.mistakes) process.stderr.write(`${mistake}\n`);
    process.exit(2);
  }
  const { environment } = read;
  const standalone = services.length > 1;
  const name = standalone ? 'carat' : (services[0]?.name ?? 'carat');
  const secrets = providerSecrets(environment);
  // Alone the log is the output. Standalone talks to a person on stdout, so its log keeps to stderr and to trouble.
  const logger = standalone
    ? openLogger(name, environment.LOG_LEVEL ?? 'warn', process.stderr, secrets)
    : openLogger(name, environment.LOG_LEVEL ?? 'info', process.stdout, secrets);
  // Whoever read our output may go away (`| head`); the books must not stop for that.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const opened = new Opened();
  let starting: Promise<unknown> = Promise.resolve();
  // A start that is half-way opens more parts, so a stop lets it come to its end first, if that is not far.
  const stop = stopper(logger, async () => {
    await Promise.race([starting, sleep(STARTED_WITHIN_MS, undefined, { ref: false })]).catch(() => undefined);
    await opened.close(logger);
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop(0));
  try {
    const started = start(services, environment, { logger, opened, die: () => stop(1) });
    starting = started;
    const url = await started;
    process.stdout.write(standalone ? welcome(url, environment) : `${name} ready ${url}\n`);
  } catch (error) {
    if (error instanceof HostFailure) process.stderr.write(`${error.message}\n`);
    else logger.fatal({ err: error }, 'could not start');
    stop(error instanceof HostFailure ? error.exitCode : 1);
  }
}

/** Ends the process with a code once everything is closed; later calls change nothing, save that 0 becomes worse. */
function stopper(logger: Logger, close: () => Promise<void>): (code: number) => void {
  let stopping = false;
  return (code) => {
    process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      logger.fatal('parts did not close in time');
      process.exit(1);
    }, STOPPED_WITHIN_MS).unref();
    void close().finally(() => process.exit());
  };
}

interface Hosting {
  readonly logger: Logger;
  readonly opened: Opened;
  /** Going on is impossible: stop, with a code that makes a supervisor start a new process. */
  readonly die: () => void;
}

/** Opens every part in its order. Answers the address once HTTP listens. */
async function start(services: readonly Service[], environment: Environment, hosting: Hosting): Promise<string> {
  const { logger, opened, die } = hosting;
  await refuseTakenPort(environment);
  const databaseUrl = environment.DATABASE_URL ?? (await embedded(environment.CARAT_HOME, opened));
  const db = await openDatabase(databaseUrl, services);
  opened.onClose(() => db.destroy());
  await underStartLock(db, () => migrate(db));
  await refuseFirstKeysElsewhere(db, environment.HOST);

  const status = new HostStatus();
  const metrics = new Metrics();
  const onAlarm = (part: string, alarm: Error): void => {
    status.alarms.set(part, alarm);
    metrics.alarms.set(status.alarms.size);
    logger.fatal({ part, err: alarm }, 'stopped by itself: a person must look');
  };
  const onFatal = (error: Error): void => {
    logger.fatal({ err: error }, 'the client of the log is beyond repair');
    die();
  };
  const { log, prepare, close } = await underStartLock(db, () =>
    openEventLog({ db, databaseUrl, environment, services, onAlarm, onFatal, logger }),
  );
  opened.onClose(close);
  // After the topics, for seeds append to them.
  await underStartLock(db, () => seed(db, services));
  if (services.length > 1) await underStartLock(db, () => writeFirstKeys(db, environment.CARAT_HOME));

  const app = await NestFactory.create<NestFastifyApplication>(
    HostModule.with({ services, environment, db, log, status, metrics }),
    new EdgeAdapter(),
    { logger: new NestLogger(logger), abortOnError: false },
  );
  measureRequests(app, metrics);
  opened.onClose(() => app.close());
  const strategy = new EventLogStrategy(log, db);
  app.connectMicroservice({ strategy });
  const context = { standalone: services.length > 1 };
  status.rules = rulesInForce(
    services.flatMap((service) => environmentSchema(service, context) ?? []),
    environment,
  );
  status.openApi = documentOf(app, services);
  await app.init();
  await prepare(strategy.declared);
  await app.startAllMicroservices();
  const sampler = new LagSampler(db, log, metrics, (error) => logger.warn({ err: error }, 'the lag is unknown'));
  sampler.start(strategy.declared);
  opened.onClose(() => sampler.stop());
  await listen(app, environment);
  status.started = true;
  return app.getUrl();
}

async function embedded(home: string, opened: Opened): Promise<string> {
  const postgres = await startEmbeddedPostgres(home);
  opened.onClose(() => postgres.stop());
  return postgres.url;
}

const portTaken = ({ HOST, PORT }: Environment, cause: unknown): HostFailure =>
  new HostFailure(`Port ${PORT} of ${HOST} is taken: set PORT to a free one.`, cause);

/** Looks before anything is opened: a second start by mistake costs nothing. Listening may still find it taken. */
function refuseTakenPort(environment: Environment): Promise<void> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', (error) => failed(listenFailure(environment, error)));
    probe.listen(environment.PORT, environment.HOST, () => probe.close(() => done()));
  });
}

async function listen(app: NestFastifyApplication, environment: Environment): Promise<void> {
  try {
    await app.listen(environment.PORT, environment.HOST);
  } catch (error) {
    throw listenFailure(environment, error);
  }
}

const listenFailure = (environment: Environment, error: unknown): HostFailure =>
  (error as { code?: unknown }).code === 'EADDRINUSE'
    ? portTaken(environment, error)
    : new HostFailure(
        `Cannot listen on ${environment.HOST}:${environment.PORT} (${(error as Error).message}): see HOST and PORT.`,
        error,
      );

function measureRequests(app: NestFastifyApplication, metrics: Metrics): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onResponse', (request, reply, done) => {
      // The route and not the path: paths are without number.
      const labels = { method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode };
      metrics.http.observe(labels, reply.elapsedTime / 1000);
      done();
    });
}

/** The OpenAPI document, made at the first request for it: it costs as much as the rest of the start. */
export function documentOf(app: NestFastifyApplication, services: readonly Service[]): () => object {
  let document: object | undefined;
  return () => {
    const about = new DocumentBuilder()
      .setTitle(services.length > 1 ? 'Carat' : (services[0]?.name ?? 'Carat'))
      .setVersion('1')
      .setOpenAPIVersion('3.1.0')
      .addBearerAuth({
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'API key or JWT',
        description: 'carat_<role>_<id>_<secret>, or a JWT of OIDC_ISSUER',
      });
    document ??= SwaggerModule.createDocument(app, about.build());
    return document;
  };
}

const welcome = (url: string, environment: Environment): string =>
  [
    `Carat ready ${url}`,
    `  keys   ${keysFileOf(environment.CARAT_HOME)} (publisher, operator, approver, approver2, auditor, admin)`,
    '  use    Authorization: Bearer <key>',
    '',
  ].join('\n');
