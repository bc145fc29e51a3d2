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

test('docker compose runs every service', () => {
  expect(ours.map(([name]) => name).sort()).toEqual(apps);
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

describe.each(ours)('in docker compose %s', (name, { command, environment, ports }) => {
  test('runs its own main on its own port, reached from outside the container', () => {
    expect(command).toEqual([name]);
    expect(environment.HOST).toBe('0.0.0.0');
    expect(ports).toEqual([`127.0.0.1:${environment.PORT}:${environment.PORT}`]);
  });

  test('shares the log, the database and the registered sources', () => {
    const [, first] = ours[0];
    for (const variable of ['DATABASE_URL', 'KAFKA_BROKERS', 'KAFKA_PARTITIONS', 'SOURCES'])
      expect(environment[variable]).toBe(first.environment[variable]);
    expect(Object.keys(JSON.parse(environment.SOURCES))).toEqual(['/live-platform']);
  });
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
