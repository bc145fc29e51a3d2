import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ApiKeys, type Role } from '@carat/http-edge';
import type { DataSource } from 'typeorm';
import { FIRST_KEYS_NEED_LOOPBACK, isLoopback } from './environment.js';
import { HostFailure } from './host-failure.js';

/** The keys of keys.json. Each is another principal's, so that four eyes are four. */
const firstKeys = {
  publisher: { role: 'publisher', principal: 'standalone:publisher', source: '/demo' },
  operator: { role: 'operator', principal: 'standalone:operator' },
  approver: { role: 'approver', principal: 'standalone:approver' },
  approver2: { role: 'approver', principal: 'standalone:approver2' },
  auditor: { role: 'auditor', principal: 'standalone:auditor' },
  admin: { role: 'admin', principal: 'standalone:admin' },
} as const satisfies Record<string, { role: Role; principal: string; source?: string }>;

/** Where the keys of a standalone Carat are. */
export const keysFileOf = (home: string): string => resolve(home, 'keys.json');

/**
 * Writes keys.json at the first start, for its owner's eyes only. Later starts leave it alone, but for keys that this
 * database has never known (the file is from another one): those are made anew. A revoked key stays revoked.
 */
export async function writeFirstKeys(db: DataSource, home: string): Promise<string> {
  const file = keysFileOf(home);
  const keys = new ApiKeys(db);
  const known = new Set((await keys.list()).map(({ keyId }) => keyId));
  const written = await readKeys(file);
  const isKnown = (text: string | undefined): text is string => known.has(`key_${text?.split('_')[2]}`);
  if (Object.keys(firstKeys).every((name) => isKnown(written[name]))) return file;
  await db.transaction(async (tx) => {
    const made: Record<string, string> = {};
    for (const [name, wanted] of Object.entries(firstKeys)) {
      const before = written[name];
      made[name] = isKnown(before) ? before : (await keys.create(wanted, tx)).key;
    }
    await mkdir(home, { recursive: true });
    // Before the commit: keys that are nowhere written down would be of no use to anyone.
    await writeFile(`${file}.new`, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  });
  return file;
}

const principals: ReadonlySet<string> = new Set(Object.values(firstKeys).map(({ principal }) => principal));

/**
 * Whoever may read a keys.json may act as all of its principals, so its database serves this machine only, by whatever
 * process, until those keys are revoked.
 * @throws HostFailure
 */
export async function refuseFirstKeysElsewhere(db: DataSource, host: string): Promise<void> {
  if (isLoopback(host)) return;
  const keys = await new ApiKeys(db).list();
  if (keys.some(({ principal, revokedAt }) => revokedAt === null && principals.has(principal)))
    throw new HostFailure(FIRST_KEYS_NEED_LOOPBACK, undefined, 2);
}

async function readKeys(file: string): Promise<Partial<Record<string, string>>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Partial<Record<string, string>>;
  } catch {
    return {};
  }
}
