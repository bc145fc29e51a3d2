import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { CodeVersion } from '@carat/audit/bundle';

// From src/ and from dist/ alike.
const ROOT = new URL('../../../', import.meta.url);

/** Which program this is. A container has no repository: then the version alone says it. */
export async function codeVersion(): Promise<CodeVersion> {
  const { version } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8')) as { version: string };
  const commit = await promisify(execFile)('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  return { version, ...(commit === undefined ? {} : { commit }) };
}
