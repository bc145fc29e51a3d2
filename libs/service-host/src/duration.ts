import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as people write it, `30s`, `15m`, `7d`. Parsed, it is a number of milliseconds. */
export const Duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, 'expects a duration: a whole number and its unit, for example 30s, 15m, 24h or 7d')
  .transform((text) => {
    const unit = text.replace(/^\d+/, '') as keyof typeof UNIT_MS;
    return Number.parseInt(text, 10) * UNIT_MS[unit];
  });

/** Milliseconds as people write them, in the largest unit that divides them: 604800000 → `7d`. */
export function durationText(ms: number): string {
  const [unit, size] = Object.entries(UNIT_MS).findLast(([, unitMs]) => ms % unitMs === 0 && ms >= unitMs) ?? [
    's',
    1000,
  ];
  return `${ms / size}${unit}`;
}
