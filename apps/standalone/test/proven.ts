import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Environment } from './carat-process.js';

const CARAT = fileURLToPath(new URL('../../carat/bin/carat.js', import.meta.url));

interface Finding {
  readonly code: string;
  readonly subject: string;
  readonly position?: unknown;
}

/** How `carat audit verify --json` ends on an installation. A log that differs ends it with another code than 0. */
export function verifying(environment: Environment): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [CARAT, 'audit', 'verify', '--json'], {
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return run.then(
    (done) => ({ ...done, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

/** What `carat audit verify --json` says of an installation, and the code it ends with. */
export async function verifyOf(
  environment: Environment,
): Promise<{ exitCode: number; verdict: string; findings: Finding[] }> {
  const { stdout, stderr, code } = await verifying(environment);
  if (stdout === '') throw new Error(`carat audit verify: ${stderr}`);
  const { verdict, findings } = JSON.parse(stdout) as { verdict: string; findings: Finding[] };
  return { exitCode: code, verdict, findings };
}

/** The same in short: its verdict and the first of what it found. */
export async function auditOf(environment: Environment): Promise<{ verdict: string; findings: unknown[] }> {
  const { verdict, findings } = await verifyOf(environment);
  return { verdict, findings: findings.slice(0, 5) };
}

/** What it says of one where everything is as it has to be. */
export const PROVEN = { verdict: 'proven', findings: [] };
