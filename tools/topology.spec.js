import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { filesOf, ROOT, textOf } from './sources.js';

const compose = parse(textOf('docker-compose.yml'), { merge: true });
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image === 'carat:local');

/** The services of the product: each app whose package itself is a Nest module for standalone. */
const apps = filesOf('apps/*/package.json')
  .filter((file) => JSON.parse(textOf(file)).exports?.['.'] !== undefined)
  .map((file) => file.split('/')[1]);

/** What an app's module says of the service in it. */
const moduleOf = (app) => textOf(`apps/${app}/src/${app}.module.ts`);
const nameOf = (app) => /^ {2}name: '([\w-]+)',$/m.exec(moduleOf(app))[1];
const appOf = (name) => apps.find((app) => nameOf(app) === name);

/** True for a service that says of itself that nobody else may reach it. */
const isLoopbackOnly = (name) => /^ {2}loopbackOnly: true,$/m.test(moduleOf(appOf(name)));
const [reached, hidden] = [false, true].map((is) => ours.filter(([name]) => isLoopbackOnly(name) === is));

test('docker compose runs every service', () => {
  expect(ours.map(([name]) => name).sort()).toEqual(apps.map(nameOf).sort());
});

describe.each(services)('in docker compose %s', (_name, { healthcheck, image, ports, depends_on: parts = {} }) => {
  test('says when it is ready, and waits for the readiness of what it needs', () => {
    expect(healthcheck.test[0]).toBe('CMD');
    for (const [part, { condition }] of Object.entries(parts)) {
      expect(Object.keys(compose.services)).toContain(part);
      expect(condition).toBe('service_healthy');
    }
  });

  test('has a pinned image, and ports that only this machine reaches', () => {
    expect(image).toMatch(/^[\w/-]+:[\w.-]+$/);
    expect(image).not.toMatch(/:latest$/);
    for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });
});

describe.each(ours)('in docker compose %s', (name, { command, environment }) => {
  test('runs its own main on its own port', () => {
    expect(command).toEqual([name]);
    expect(Number(environment.PORT)).toBe(Number(/^ {2}port: (\d+),$/m.exec(moduleOf(appOf(name)))[1]));
    expect(ours.filter(([, other]) => other.environment.PORT === environment.PORT)).toHaveLength(1);
  });

  test('shares the log, the database and the registered sources', () => {
    const [, first] = ours[0];
    for (const variable of ['DATABASE_URL', 'KAFKA_BROKERS', 'KAFKA_PARTITIONS', 'SOURCES'])
      expect(environment[variable]).toBe(first.environment[variable]);
    expect(Object.keys(JSON.parse(environment.SOURCES))).toEqual(['/live-platform']);
  });
});

test.each(reached)('in docker compose %s is reached from outside the container', (_name, service) => {
  const { environment, ports, network_mode: network } = service;
  expect(environment.HOST).toBe('0.0.0.0');
  expect(ports).toEqual([`127.0.0.1:${environment.PORT}:${environment.PORT}`]);
  expect(network).toBe(undefined);
});

describe.each(hidden)('in docker compose %s', (_name, { environment, ports, network_mode: network }) => {
  test('is reached from within the container of one other service alone', () => {
    expect(environment.HOST).toBe('127.0.0.1');
    expect(ports).toBe(undefined);
    expect(reached.map(([name]) => `service:${name}`)).toContain(network);
  });
});

test('in docker compose payout-service and its provider know where each other is, and by what', () => {
  const { 'payout-service': payouts, 'fake-provider': provider } = compose.services;
  const { environment: asks } = payouts;
  const { environment: answers, network_mode: network } = provider;
  expect(network).toBe('service:payout-service');
  expect(asks.PAYOUT_PROVIDER_URL).toBe(`http://127.0.0.1:${answers.PORT}/fake-provider`);
  expect(answers.PAYOUT_WEBHOOK_URL).toBe(`http://127.0.0.1:${asks.PORT}/v1/provider-webhooks/fake`);
  for (const secret of ['PAYOUT_PROVIDER_KEY', 'PAYOUT_WEBHOOK_SECRETS']) expect(answers[secret]).toBe(asks[secret]);
});

test('every file that the image is built from exists', () => {
  const dockerfile = textOf('deploy/docker/Dockerfile');
  const named = dockerfile.match(/deploy\/docker\/[\w.]+/g) ?? [];
  for (const file of new Set(named)) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  expect(dockerfile).toMatch(/^USER node$/m);
});

test('nest-cli.json names folders that exist', () => {
  const { projects } = JSON.parse(textOf('nest-cli.json'));
  for (const { root } of Object.values(projects)) expect([root, existsSync(join(ROOT, root))]).toEqual([root, true]);
  expect(Object.keys(projects)).toEqual(expect.arrayContaining(apps));
});
