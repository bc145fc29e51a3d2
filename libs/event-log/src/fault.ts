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

// Postgres: wrong or too large data (21, 22, 54), broken constraints (23, 44), exceptions raised on purpose (P0). With
// any other code the database is at fault: it is away or full, refuses us, lacks a table, or was interrupted.
const CAN_BE_THE_RECORD = /^(21|22|23|44|54|P0)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;
const LOST_CONNECTION =
  /connection terminated|connection timeout|timeout exceeded|client (has encountered|was closed)/i;
// What TypeORM says of a transaction whose connection broke between two statements has no code at all.
const OF_THE_CLIENT = /^(KafkaJS|QueryRunner|ConnectionIsNotSet|CannotExecuteNotConnected)/;

/** Postgres' five-character SQLSTATE, wherever TypeORM put it. */
const sqlStateOf = (error: Error): string | undefined => {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  const found = driverError?.code ?? code;
  return typeof found === 'string' && SQLSTATE.test(found) ? found : undefined;
};

/** True when a call to the operating system failed: nobody listens, a name is not known, a connection was reset. */
const isOfTheSystem = (error: Error): boolean => {
  const { code, syscall, driverError } = error as { code?: unknown; syscall?: unknown; driverError?: object };
  return (
    typeof syscall === 'string' || code === 'ECONNREFUSED' || (driverError !== undefined && 'syscall' in driverError)
  );
};

/** Sorts an error of a step. Only what can be the record's own fault is worth halving for. */
export function judge(error: unknown): Verdict {
  if (error instanceof OffsetMovedByAnother || error instanceof FlowHalted) return 'give_up';
  if (error instanceof TryAgain) return 'try_again';
  if (!(error instanceof Error)) return 'look_closer';
  const state = sqlStateOf(error);
  if (state !== undefined) return CAN_BE_THE_RECORD.test(state) ? 'look_closer' : 'try_again';
  if (isOfTheSystem(error) || OF_THE_CLIENT.test(error.name)) return 'try_again';
  return LOST_CONNECTION.test(error.message) ? 'try_again' : 'look_closer';
}

/** The fault of a record on which handling failed for good. */
export function faultOf(error: unknown): Fault {
  const code = (error as { code?: unknown }).code;
  const detail = error instanceof Error ? error.message : String(error);
  const named = typeof code === 'string' && /^[a-z]+(_[a-z0-9]+)*$/.test(code) ? code : 'handling_failed';
  return { code: named, detail: detail.slice(0, 1000) };
}
