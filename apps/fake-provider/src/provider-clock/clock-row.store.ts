import { type Clock, nowOf } from './clock.js';

/** The columns of the provider's clock, and what the wall's clock reads: Postgres says both, whatever process asks. */
export const CLOCK_COLUMNS = `reads_ms AS "readsMs", set_at_ms AS "setAtMs", is_frozen AS "isFrozen",
  floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS "wallMs"`;

export interface ClockRow {
  readonly readsMs: string;
  readonly setAtMs: string;
  readonly isFrozen: boolean;
  readonly wallMs: string;
}

export const clockOf = ({ readsMs, setAtMs, isFrozen }: ClockRow): Clock => ({
  readsMs: Number(readsMs),
  setAtMs: Number(setAtMs),
  isFrozen,
});

/** What the provider's clock reads, in milliseconds since 1970. */
export const nowOfRow = (row: ClockRow): number => nowOf(clockOf(row), Number(row.wallMs));
