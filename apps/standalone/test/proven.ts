import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Environment } from './carat-process.js';

const CARAT = fileURLToPath(new URL('../../carat/bin/carat.js', import.meta.url));

/** What `carat audit verify` says of an installation, in short: its verdict and what it found. */
export async function auditOf(environment: Environment): Promise<{ verdict: string; findings: unknown[] }> {
  const run = promisify(execFile)(process.execPath, [CARAT, 'audit', 'verify', '--json'], {
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  // A log that differs ends it with another code, and is told all the same.
  const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
  if (stdout === '') throw new Error(`carat audit verify: ${stderr}`);
  const { verdict, findings } = JSON.parse(stdout) as { verdict: string; findings: unknown[] };
  return { verdict, findings: findings.slice(0, 5) };
}

/** What it says of one where everything is as it has to be. */
export const PROVEN = { verdict: 'proven', findings: [] };
