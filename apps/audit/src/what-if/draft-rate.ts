import { type Rounding, roundings } from '@carat/amounts';
import { isTooHigh } from '@carat/conversion-service/rate-book';
import { Market, Time } from '@carat/events';
import { z } from 'zod';

/** A rate that nobody proposed: diamonds per coin, in one market, for gifts given in `[fromMs, toMs)`. */
export interface DraftRate {
  readonly numerator: number;
  readonly denominator: number;
  readonly rounding: Rounding;
  readonly market: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A draft as somebody writes it down. */
export interface WrittenDraft {
  /** `3/5`: two whole numbers. */
  readonly rate: string;
  readonly market: string;
  /** RFC 3339, or a date: its midnight in UTC. */
  readonly from: string;
  readonly to: string;
  readonly rounding: string;
}

/**
 * The draft, or one sentence that says which part of it is wrong. A rate has the bounds of one that is proposed, save
 * that its begin may lie in the past.
 */
export function draftRateOf(written: WrittenDraft): { draft: DraftRate } | { mistake: string } {
  const [, n = '', d = ''] = /^(\d{1,16})\/(\d{1,16})$/.exec(written.rate) ?? [];
  const [numerator, denominator] = [Number(n), Number(d)];
  if (!isPositive(numerator) || !isPositive(denominator))
    return { mistake: '--rate expects diamonds per coin as a fraction of whole numbers from 1 to 2^53 − 1, like 3/5' };
  if (isTooHigh({ kind: 'gift-to-diamond', numerator, denominator }))
    return { mistake: '--rate expects at most 1000 diamonds per coin' };
  const rounding = roundings.find((name) => name === written.rounding);
  if (rounding === undefined) return { mistake: `--rounding expects one of ${roundings.join(', ')}` };
  if (!Market.safeParse(written.market).success)
    return {
      mistake: '--market expects 1 to 128 printable ASCII characters, or * for every market without its own rate',
    };
  const fromMs = timeMsOf(written.from);
  const toMs = timeMsOf(written.to);
  if (fromMs === undefined) return { mistake: `--from ${TIME_EXPECTED}` };
  if (toMs === undefined) return { mistake: `--to ${TIME_EXPECTED}` };
  if (fromMs >= toMs) return { mistake: '--from expects a time before --to' };
  return { draft: { numerator, denominator, rounding, market: written.market, fromMs, toMs } };
}

export const TIME_EXPECTED = 'expects a time like 2026-11-20T19:00:00Z, or a date';

const isPositive = (number: number): boolean => Number.isSafeInteger(number) && number > 0;

/** RFC 3339, or a date: its midnight in UTC. Undefined for anything else. */
export function timeMsOf(text: string): number | undefined {
  if (!Time.safeParse(text).success && !z.iso.date().safeParse(text).success) return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
