import { readFile } from 'node:fs/promises';
import type { CorrectionPlan, PlannedCorrection } from '@carat/audit/blast-radius';
import { z } from 'zod';
import { CommandFailure, exitCode } from '../output.js';

/** Where corrections are proposed, and as whom. */
interface Door {
  readonly url: string;
  readonly key: string;
}

/** What payout-service knows of a correction; what an approval names is its hash. */
export const Proposed = z.object({
  adjustmentId: z.string(),
  contentHash: z.string(),
  state: z.enum(['proposed', 'approved', 'rejected']),
});
export type Proposed = Readonly<z.infer<typeof Proposed>>;

const PATIENCE_MS = 10_000;

/** An URL without a slash at its end. */
export function payoutUrlOf(text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? ''))
    throw new CommandFailure(exitCode.usage, '--url expects where payout-service is, like http://127.0.0.1:8083');
  return text.replace(/\/+$/, '');
}

/** The key in a file: alone, or as `operator` of a keys.json. On the command line every process could read it. */
export async function operatorKeyIn(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CommandFailure(exitCode.usage, `--key expects a file that can be read: ${error.message}`);
  });
  const found = /"operator"\s*:\s*"([^"]+)"/.exec(text)?.[1] ?? text.trim();
  if (!/^[\x21-\x7e]+$/.test(found))
    throw new CommandFailure(exitCode.usage, `--key expects a file with an operator's key, and ${path} has none`);
  return found;
}

/**
 * Proposes every correction of a plan, one after the other, and answers how each stands. What was proposed before is
 * the same proposal again, so a plan that failed half way is proposed by asking again.
 */
export async function propose({ corrections }: CorrectionPlan, door: Door): Promise<Proposed[]> {
  const proposals: Proposed[] = [];
  for (const correction of corrections) proposals.push(await proposeOne(correction, door));
  return proposals;
}

async function proposeOne({ idempotencyKey, body }: PlannedCorrection, door: Door): Promise<Proposed> {
  const answer = await ask(door, '', { method: 'POST', body: JSON.stringify(body), idempotencyKey });
  // The first answer is given again, and since then somebody may have decided.
  return answer.isReplayed
    ? (await ask(door, `/${answer.proposed.adjustmentId}`, { method: 'GET' })).proposed
    : answer.proposed;
}

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly body?: string;
  readonly idempotencyKey?: string;
}

async function ask({ url, key }: Door, path: string, { method, body, idempotencyKey }: Asked) {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey, 'content-type': 'application/json' }),
  };
  const [answer, text] = await fetch(`${url}/v1/adjustments${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
    .then(async (response) => [response, await response.text()] as const)
    .catch((error: Error) => {
      const cause = (error.cause as Error | undefined)?.message || error.message;
      throw new CommandFailure(exitCode.unreachable, `payout-service at ${url} cannot be reached: ${cause}`);
    });
  const proposed = Proposed.safeParse(jsonIn(text));
  if (!answer.ok || !proposed.success)
    throw new CommandFailure(
      answer.status === 401 || answer.status === 403 ? exitCode.usage : exitCode.unreachable,
      `payout-service at ${url} answers ${answer.status} to a correction: ${text.slice(0, 500)}`,
    );
  return { proposed: proposed.data, isReplayed: answer.headers.get('idempotency-replayed') === 'true' };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
