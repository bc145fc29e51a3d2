import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProjectionName, shadowOf } from '@carat/audit/replay';
import { CommandFailure, exitCode, print } from '../output.js';

/** How the owner of a projection is asked: for which difference, why, where, and with whose key. */
export interface SwapOptions {
  readonly plan?: string;
  readonly reason?: string;
  readonly service: string;
  readonly keyFile?: string;
  readonly json?: true;
}

interface Answer {
  readonly rebuildId?: string;
  readonly rowCount?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[];
}

/** Asks the owner of a projection to repair it; nothing is written from here. */
export async function swap(name: ProjectionName, options: SwapOptions, home: string): Promise<void> {
  const { plan, reason, service, json } = options;
  if (plan === undefined || !/^[0-9a-f]{64}$/.test(plan))
    throw new CommandFailure(
      exitCode.usage,
      '--plan expects the hash that the dry run announced: 64 digits of 0-9 a-f',
    );
  if (reason === undefined || reason.trim() === '')
    throw new CommandFailure(exitCode.usage, '--reason expects why it is to be repaired');
  if (!URL.canParse(service)) throw new CommandFailure(exitCode.usage, `--service expects a URL like ${EXAMPLE}`);
  const key = await operatorKey(options, home);
  const url = new URL(`/v1/ops/projections/${name}/rebuilds`, service);
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: JSON.stringify({ shadow: shadowOf(name), planHash: plan, reason }),
  }).catch((error: Error) => {
    const { cause } = error as { cause?: Error };
    throw new CommandFailure(exitCode.unreachable, `payout-service at ${url.host}: ${cause?.message ?? error.message}`);
  });
  const answer = (await response.json().catch(() => ({}))) as Answer;
  if (!response.ok) throw refusalOf(response.status, answer, url.host);
  print(json ? JSON.stringify(answer) : `${answer.rowCount} rows of ${name} are repaired: ${answer.rebuildId}`);
}

const EXAMPLE = 'http://127.0.0.1:8083';

function refusalOf(status: number, { code, detail, errors = [] }: Answer, host: string): CommandFailure {
  const fields = errors.map((error) => ` (${error.pointer}: ${error.code})`).join('');
  const sentence = `payout-service at ${host} refused: ${code ?? status}: ${detail ?? 'it did not say why'}${fields}`;
  if (code === 'difference_changed') return new CommandFailure(exitCode.differs, sentence);
  if (code === 'shadow_not_found') return new CommandFailure(exitCode.notFound, sentence);
  if (code === 'shadow_too_old') return new CommandFailure(exitCode.incomplete, sentence);
  return new CommandFailure(status >= 500 ? exitCode.unreachable : exitCode.usage, sentence);
}

async function operatorKey({ keyFile }: SwapOptions, home: string): Promise<string> {
  const path = keyFile ?? join(home, 'keys.json');
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CommandFailure(exitCode.usage, `--key-file expects a file with an operator's key: ${error.message}`);
  });
  if (keyFile !== undefined && !text.trimStart().startsWith('{')) return text.trim();
  const { operator } = JSON.parse(text) as { operator?: string };
  if (operator === undefined) throw new CommandFailure(exitCode.usage, `${path} holds no operator's key`);
  return operator;
}
