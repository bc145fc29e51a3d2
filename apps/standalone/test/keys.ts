import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from './carat-process.js';

const CLI = resolve(import.meta.dirname, '../../carat/bin/carat.js');
const run = promisify(execFile);

/** Makes a key as an operator would, with the command line, in the database that the environment names. */
export async function createKey(
  environment: Environment,
  role: string,
  options: { readonly source?: string; readonly principal?: string } = {},
): Promise<string> {
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const { PATH = '', HOME = '' } = process.env;
  const { stdout } = await run(process.execPath, [CLI, 'keys', 'create', '--role', role, ...given, '--json'], {
    env: { PATH, HOME, ...environment },
  });
  return (JSON.parse(stdout) as { key: string }).key;
}
