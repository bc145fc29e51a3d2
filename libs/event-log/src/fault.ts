import { FlowHalted, OffsetMovedByAnother } from './event-log.js';

/** Why a record will not be handled. */
export interface Fault {
  readonly code: string;
  readonly detail: string;
}

/** The world is at fault, not the records: the same may work in a while. */
export class TryAgain extends Error {}

/** What an error asks for: give up the claim or the flow, try the same again, or look for the record at fault. */
export type Verdict = 'give_up' | 'try_again' | 'look_closer';

// Postgres: connection (08), rolled back by contention (40), resources (53), object in use (55), operator
// intervention (57), system (58); and 42, a missing table or right, which is never the record's fault.
const NOT_THE_RECORD = /^(08|25|40|42|53|55|57|58)/;
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH']);
const LOST_CONNECTION = /connection terminated|connection timeout|timeout exceeded|client has encountered/i;

/** Postgres' five-character SQLSTATE, wherever TypeORM put it. */
const codeOf = (error: unknown): string | undefined => {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  const found = driverError?.code ?? code;
  return typeof found === 'string' ? found : undefined;
};

/** Sorts an error of a step. Only what can be the record's own fault is worth halving for. */
export function judge(error: unknown): Verdict {
  if (error instanceof OffsetMovedByAnother || error instanceof FlowHalted) return 'give_up';
  if (error instanceof TryAgain) return 'try_again';
  if (!(error instanceof Error)) return 'look_closer';
  const code = codeOf(error);
  if (code !== undefined && (NETWORK.has(code) || (code.length === 5 && NOT_THE_RECORD.test(code)))) return 'try_again';
  if (LOST_CONNECTION.test(error.message) || error.name.startsWith('KafkaJS')) return 'try_again';
  return 'look_closer';
}

/** The fault of a record on which handling failed for good. */
export function faultOf(error: unknown): Fault {
  const code = (error as { code?: unknown }).code;
  const detail = error instanceof Error ? error.message : String(error);
  const named = typeof code === 'string' && /^[a-z]+(_[a-z0-9]+)*$/.test(code) ? code : 'handling_failed';
  return { code: named, detail: detail.slice(0, 1000) };
}
