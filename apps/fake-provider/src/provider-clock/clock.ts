/** The provider's own clock: what it read when it was last set, and by the wall's clock when that was. */
export interface Clock {
  readonly readsMs: number;
  readonly setAtMs: number;
  /** A frozen clock does not follow the wall's; it is only moved. */
  readonly isFrozen: boolean;
}

export interface ClockSetting {
  readonly advanceMs?: number | undefined;
  readonly frozen?: boolean | undefined;
}

/** The last moment that is written with four digits of a year: 9999-12-31T23:59:59.999Z. */
export const LAST_MS = 253_402_300_799_999;

/** What the clock reads when the wall's reads `wallMs`. It stands still while the wall's is being set back. */
export const nowOf = ({ readsMs, setAtMs, isFrozen }: Clock, wallMs: number): number =>
  isFrozen ? readsMs : readsMs + Math.max(wallMs - setAtMs, 0);

/** The clock moved on, and frozen or let go; undefined when it would go past the last moment that it can read. */
export function clockSet(clock: Clock, wallMs: number, setting: ClockSetting): Clock | undefined {
  const { advanceMs = 0, frozen = clock.isFrozen } = setting;
  const readsMs = nowOf(clock, wallMs) + advanceMs;
  return readsMs > LAST_MS ? undefined : { readsMs, setAtMs: wallMs, isFrozen: frozen };
}
