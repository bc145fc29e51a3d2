import { z } from 'zod';

/** The field types that events share. Each carries its limits, so every schema and generated reference has them. */

/** An id: 1 to 128 printable ASCII characters. */
export const Id = z
  .string()
  .regex(/^[\x20-\x7e]{1,128}$/)
  .meta({ description: '1 to 128 printable ASCII characters' });

/**
 * Why somebody decided something, in their own words. No control characters but white space and no half of a surrogate
 * pair: neither survives Postgres and canonical JSON.
 */
export const Reason = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^([\t\n\r]|[^\p{Cc}\p{Cs}])*$/u)
  .meta({ description: '1 to 1000 characters of text' });

/** RFC 3339, with any offset. */
export const Time = z.iso.datetime({ offset: true }).meta({ description: 'RFC 3339, any offset' });

// An offset can put a time of the year 9999 past it, and one of the year 0 before it: in UTC it has no RFC 3339 text.
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** RFC 3339, with any offset that leaves it a text in UTC: for times that are written anew. */
export const UtcTime = Time.refine((time) => !(Date.parse(time) < EARLIEST_MS || Date.parse(time) > LATEST_MS));

/** Coins: a JSON integer from 0 to 2^53 − 1. */
export const CoinsField = z.int().min(0).meta({ description: 'coins, an integer up to 2^53 − 1' });

/** Thousandths of a diamond: a JSON integer from 0 to 2^53 − 1. */
export const MillidiamondsField = z.int().min(0).meta({ description: 'thousandths of a diamond, up to 2^53 − 1' });

/** Thousandths of a diamond, of either sign. */
export const SignedMillidiamondsField = z.int().meta({ description: 'thousandths of a diamond, of either sign' });

/** Where a gift was sent, or engagement measured. */
export const Context = z.object({ kind: z.enum(['live', 'video']), id: Id });

/** A market's code, `*` for all of them. */
export const Market = Id.meta({ description: 'a market, or * for all' });

/** A currency's ISO 4217 code. */
export const Currency = z.string().regex(/^[A-Z]{3}$/);

/** The rounding names of an exact fraction; libs/amounts implements them. */
export const RoundingField = z.enum(['floor', 'ceiling', 'half-even']);

/** A rate as it stands on an event: its id and the whole fraction, so that nothing is looked up again (law 3). */
export const RateOnEvent = z.object({
  id: Id,
  numerator: z.int().min(0),
  denominator: z.int().min(1),
  rounding: RoundingField,
});
export type RateOnEvent = z.infer<typeof RateOnEvent>;

/** What rounding cut off, in the unit of the amount beside it. Signed: a reversal may give back more than it cut. */
export const Residue = z.object({ numerator: z.int(), denominator: z.int().min(1) });

/** The identity of an upstream event. */
export const Identity = z.object({ source: Id, id: Id });
export type Identity = z.infer<typeof Identity>;

/** What one lot of a viewer's wallet paid, or gets back. */
export const LotShare = z.object({
  purchaseId: Id,
  source: Id.optional().meta({ description: 'the source that sold the lot; absent from the oldest records' }),
  coins: CoinsField,
});
