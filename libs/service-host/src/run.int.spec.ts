import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiKeys } from '@carat/http-edge';
import { eventually, freePort, freshDatabase, freshPrefix, openTokenIssuer, type TestDatabase } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';

const HOST = fileURLToPath(new URL('../test/host.fixture.js', import.meta.url));
const READY = / ready (http:\S+)/;

interface Host {
  readonly process: ChildProcess;
  /** The address of the ready line, or undefined when the process ended instead. */
  readonly url: string | undefined;
  readonly exit: Promise<number | null>;
  text(): string;
}

const hosts: Host[] = [];

/** Starts a process that hosts services of these names, and waits until it is ready or over. */
async function host(
  names: readonly string[],
  variables: Record<string, string>,
  meanwhile: (starting: ChildProcess) => Promise<void> = async () => undefined,
): Promise<Host> {
  const env = { PATH: process.env['PATH'] ?? '', PORT: String(await freePort()), ...variables };
  const child = spawn(process.execPath, [HOST, ...names], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const busy = meanwhile(child);
  const url = await new Promise<string | undefined>((resolve) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const ready = READY.exec(text);
      if (ready !== null) resolve(ready[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    void exit.then(() => resolve(undefined));
  });
  await busy;
  const started = { process: child, url, exit, text: () => text };
  hosts.push(started);
  return started;
}

async function end({ process, exit }: Host, signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<number | null> {
  process.kill(signal);
  return exit;
}

const get = async (url: string, key?: string): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  return { status: answer.status, body: await answer.json() };
};

let home: string;
let database: TestDatabase;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'carat-home-'));
  // The account that Postgres runs under has to get through.
  await chmod(home, 0o755);
  database = await freshDatabase();
}, 60_000);

afterEach(async () => {
  for (const each of hosts.splice(0)) await end(each, 'SIGTERM');
}, 60_000);

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
  await database?.drop();
});

describe('standalone', () => {
  const keysIn = async (): Promise<Record<string, string>> =>
    JSON.parse(await readFile(join(home, 'keys.json'), 'utf8'));

  test('starts with nothing, gives six principals their keys, and goes on after a kill', async () => {
    const first = await host(['gift-service', 'payout-service'], { CARAT_HOME: home });
    expect(first.text()).toMatch(/^Carat ready http:\/\/127\.0\.0\.1:\d+$/m);
    expect(first.text()).toContain(join(home, 'keys.json'));
    expect((await stat(join(home, 'keys.json'))).mode & 0o777).toBe(0o600);
    const keys = await keysIn();
    expect(Object.keys(keys)).toEqual(['publisher', 'operator', 'approver', 'approver2', 'auditor', 'admin']);
    expect(await get(`${first.url}/v1/config`, keys['operator'])).toEqual({
      status: 200,
      body: { rules: { GIFT_LATENESS: '7d', MOST_GIFTS: 1000 } },
    });

    await end(first, 'SIGKILL');
    const second = await host(['gift-service', 'payout-service'], { CARAT_HOME: home });
    expect(await keysIn()).toEqual(keys);
    expect((await get(`${second.url}/v1/config`, keys['auditor'])).status).toBe(200);
    expect((await get(`${second.url}/v1/config`, keys['publisher'])).status).toBe(403);
    for (const probe of ['live', 'ready', 'startup'])
      expect((await get(`${second.url}/health/${probe}`)).status).toBe(200);
    expect((await get(`${second.url}/openapi.json`)).body).toMatchObject({ openapi: '3.1.0' });

    const third = await host(['gift-service', 'payout-service'], { CARAT_HOME: home });
    expect(await third.exit).toBe(1);
    expect(third.text()).toBe(`Another Carat is running on ${home}: stop it, or set CARAT_HOME or DATABASE_URL.\n`);

    expect(await end(second, 'SIGTERM')).toBe(0);
    await expect(stat(join(home, 'postgres', 'postmaster.pid'))).rejects.toThrow('ENOENT');
  }, 120_000);

  test('starts its Postgres again when somebody kills it, and goes on', async () => {
    const { url, process: running } = await host(['gift-service', 'payout-service'], { CARAT_HOME: home });
    const postmaster = async () => (await readFile(join(home, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0];
    const killed = await postmaster();
    process.kill(Number(killed), 'SIGKILL');
    await eventually(
      async () => {
        expect(await postmaster()).not.toBe(killed);
        expect((await get(`${url}/health/ready`)).status).toBe(200);
      },
      { withinMs: 20_000 },
    );
    expect(running.exitCode).toBeNull();
  }, 60_000);

  test('stopped while it starts it leaves no Postgres behind', async () => {
    const own = join(home, 'stopped-early');
    const pidFile = join(own, 'postgres', 'postmaster.pid');
    const stopped = await host(['gift-service', 'payout-service'], { CARAT_HOME: own }, async (starting) => {
      await eventually(() => stat(pidFile), { withinMs: 20_000 });
      starting.kill('SIGTERM');
    });
    expect(await stopped.exit).toBe(0);
    await expect(stat(pidFile)).rejects.toThrow('ENOENT');
  }, 60_000);

  test('refuses to be reached from elsewhere', async () => {
    const refused = await host(['gift-service', 'payout-service'], { CARAT_HOME: home, HOST: '0.0.0.0' });
    expect(await refused.exit).toBe(2);
    expect(refused.text()).toMatch(/^HOST is malformed: expects a loopback address .*\n$/);
  });
});

describe('a service alone', () => {
  test('migrates beside another that starts at the same moment, and tells Prometheus how it fares', async () => {
    const both = await Promise.all(
      ['gift-service', 'payout-service'].map((name) => host([name], { DATABASE_URL: database.url })),
    );
    expect(both.map(({ text }) => READY.exec(text())?.input.includes('-service ready http://127.0.0.1:'))).toEqual([
      true,
      true,
    ]);
    const metrics = await (await fetch(`${both[0]?.url}/metrics`)).text();
    expect(metrics).toContain('process_cpu_seconds_total');
    expect(await end(both[0] as Host, 'SIGINT')).toBe(0);
  }, 60_000);

  test('runs on Kafka when there are brokers', async () => {
    const onKafka = await host(['gift-service'], {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: process.env['TEST_KAFKA_BROKERS'] ?? '',
      KAFKA_TOPIC_PREFIX: freshPrefix(),
    });
    expect(onKafka.text()).toContain('gift-service ready');
    expect((await get(`${onKafka.url}/health/ready`)).status).toBe(200);
    expect(await end(onKafka, 'SIGTERM')).toBe(0);
  }, 60_000);

  test('refuses to be reached from elsewhere while the keys of a keys.json open its database', async () => {
    const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    await host(['payout-service'], { DATABASE_URL: database.url });
    const keys = new ApiKeys(db);
    const { keyId } = await keys.create({ role: 'admin', principal: 'standalone:admin' });
    const variables = { DATABASE_URL: database.url, HOST: '0.0.0.0' };
    const refused = await host(['payout-service'], variables);
    expect(await refused.exit).toBe(2);
    expect(refused.text()).toMatch(/^HOST is malformed: expects a loopback address .*\n$/);
    await keys.revoke(keyId);
    await db.destroy();
    expect((await host(['payout-service'], variables)).url).toMatch(/^http/);
  }, 60_000);

  test('takes the tokens of the issuer that is set, and logs none of them', async () => {
    const issuer = await openTokenIssuer();
    const key = await issuer.addKey();
    const [token, expired] = await Promise.all([
      key.sign({ sub: 'alice', groups: ['auditor'] }),
      key.sign({ sub: 'alice', groups: ['auditor'], exp: 1 }),
    ]);
    const oidc = { OIDC_ISSUER: issuer.url, OIDC_AUDIENCE: issuer.audience, OIDC_ROLES_CLAIM: 'groups' };
    const variables = { DATABASE_URL: database.url, LOG_LEVEL: 'trace' };
    const taking = await host(['payout-service'], { ...variables, ...oidc });
    expect((await get(`${taking.url}/v1/config?token=${token}`, token)).status).toBe(200);
    expect((await get(`${taking.url}/v1/config`, expired)).status).toBe(401);
    const ignoring = await host(['payout-service'], variables);
    expect((await get(`${ignoring.url}/v1/config`, token)).status).toBe(401);

    await issuer.stop();
    const lost = await host(['payout-service'], { ...variables, ...oidc });
    expect((await get(`${lost.url}/v1/config?token=${token}`, token)).status).toBe(503);
    await eventually(() => expect(lost.text()).toContain('the issuer of tokens does not tell its keys'));
    expect(lost.text()).toContain('eyJ[redacted]');
    for (const part of token.split('.'))
      for (const process of [taking, ignoring, lost]) expect(process.text()).not.toContain(part);
  }, 60_000);

  test('says in one line which variable to set when its port is taken', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((listening) => other.listen(port, '127.0.0.1', listening));
    const late = await host(['gift-service'], { DATABASE_URL: database.url, PORT: String(port) });
    other.close();
    expect(await late.exit).toBe(1);
    expect(late.text()).toBe(`Port ${port} of 127.0.0.1 is taken: set PORT to a free one.\n`);
  });

  test('says in a line each what is wrong with its environment', async () => {
    const wrong = await host(['gift-service'], { GIFT_LATENESS: 'a week', DATABASE_URL: 'mysql://a:hunter2@b/c' });
    expect(await wrong.exit).toBe(2);
    expect(wrong.text().trimEnd().split('\n')).toEqual([
      'DATABASE_URL is malformed: expects a URL like postgres://user:password@host:5432/database',
      'GIFT_LATENESS is malformed: expects a duration: a whole number and its unit, for example 30s, 15m, 24h or 7d',
    ]);
  });

  test('says that the database does not answer', async () => {
    const DATABASE_URL = `postgres://carat:hunter2@127.0.0.1:${await freePort()}/carat`;
    const lost = await host(['gift-service'], { DATABASE_URL });
    expect(await lost.exit).toBe(1);
    expect(lost.text()).toMatch(/^The database does not answer \(.*\): see DATABASE_URL\.\n$/);
    expect(lost.text()).not.toContain('hunter2');
  });
});
