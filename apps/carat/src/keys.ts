import { userInfo } from 'node:os';
import { Id } from '@carat/events';
import type { ApiKeys, ListedKey } from '@carat/http-edge';
import { isRole, type Role, roles } from '@carat/http-edge/api-key';
import type { Command } from 'commander';
import { CommandFailure, exitCode, print, say } from './output.js';

interface CreateOptions {
  readonly role: string;
  readonly source?: string;
  readonly principal?: string;
  readonly json?: true;
}

/** `carat keys create|list|revoke`: the keys of one database. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys; the database is DATABASE_URL, or the one of CARAT_HOME');
  keys
    .command('create')
    .description('make a key and print it, once and for all')
    .requiredOption('--role <role>', `one of ${roles.join(', ')}`)
    .option('--source <source>', 'the upstream source a publisher speaks for')
    .option(
      '--principal <name>',
      "who is behind the key: of a person exactly the `sub` of their issuer's tokens; by default the source, or the " +
        'account that runs this',
    )
    .option('--json', 'print JSON')
    .action((options: CreateOptions) => createKey(options));
  keys
    .command('list')
    .description('list every key there ever was, without secrets')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: true }) => listKeys(json === true));
  keys
    .command('revoke')
    .description('revoke a key; services notice within seconds')
    .argument('<id>', 'key_…')
    .option('--json', 'print JSON')
    .action((id: string, { json }: { json?: true }) => revokeKey(id, json === true));
}

async function createKey(options: CreateOptions): Promise<void> {
  const wanted = { role: roleOf(options.role), ...partiesOf(options) };
  const { keyId, key } = await withKeys((keys) => keys.create(wanted));
  say(`${keyId} for ${wanted.principal}: keep the key, it is not shown again`);
  print(options.json ? JSON.stringify({ keyId, ...wanted, key }) : key);
}

function roleOf(text: string): Role {
  if (isRole(text)) return text;
  throw new CommandFailure(exitCode.usage, `--role expects one of ${roles.join(', ')}`);
}

/**
 * Who a key stands for. Two keys of one account are one principal unless said otherwise: nobody becomes a second pair
 * of eyes by making a second key.
 */
function partiesOf({ role, source, principal: given }: CreateOptions): { principal: string; source?: string } {
  const principal = given ?? source ?? userInfo().username;
  if (role === 'publisher' && source === undefined)
    throw new CommandFailure(exitCode.usage, 'a publisher key needs --source: whose events it publishes');
  if (role !== 'publisher' && source !== undefined)
    throw new CommandFailure(exitCode.usage, '--source is for publisher keys');
  // An account of this machine is a name that the issuer does not know, so its key would be a second pair of eyes.
  if (role !== 'publisher' && given === undefined && process.env['OIDC_ISSUER'])
    throw new CommandFailure(
      exitCode.usage,
      'with OIDC_ISSUER set, the key needs --principal: the `sub` of the person’s tokens',
    );
  for (const [option, text] of Object.entries({ source, principal }))
    if (text !== undefined && !Id.safeParse(text).success)
      throw new CommandFailure(exitCode.usage, `--${option} expects 1 to 128 printable ASCII characters`);
  return { principal, ...(source === undefined ? {} : { source }) };
}

async function listKeys(json: boolean): Promise<void> {
  const listed = await withKeys((keys) => keys.list());
  if (json) return print(JSON.stringify(listed));
  for (const key of listed) print(lineOf(key));
}

const lineOf = ({ keyId, role, principal, source, createdAt, revokedAt }: ListedKey): string =>
  [keyId, role, principal, source ?? '-', createdAt.toISOString(), revokedAt?.toISOString() ?? '-'].join('\t');

async function revokeKey(id: string, json: boolean): Promise<void> {
  if (!(await withKeys((keys) => keys.revoke(id))))
    throw new CommandFailure(exitCode.notFound, `there is no key ${id}`);
  say(`${id} is revoked`);
  if (json) print(JSON.stringify({ keyId: id, revoked: true }));
}

/** The database of the services, with its schema: keys may be made before the first service ever started. */
async function withKeys<T>(work: (keys: ApiKeys) => Promise<T>): Promise<T> {
  // What makes a key knows every service's schema and all that comes with it; other commands need none of it.
  const { embeddedDatabaseUrl, migrate, openDatabase, underStartLock } = await import('@carat/service-host');
  const { ApiKeys } = await import('@carat/http-edge');
  const home = process.env['CARAT_HOME'] || '.carat';
  const url = process.env['DATABASE_URL'] || (await embeddedDatabaseUrl(home));
  if (url === undefined)
    throw new CommandFailure(exitCode.unreachable, `nothing runs on ${home}: start Carat first, or set DATABASE_URL`);
  const db = await openDatabase(url, []).catch((error: Error) => {
    throw new CommandFailure(exitCode.unreachable, error.message);
  });
  try {
    await underStartLock(db, () => migrate(db));
    return await work(new ApiKeys(db));
  } finally {
    await db.destroy();
  }
}
