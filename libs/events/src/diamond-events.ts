import { z } from 'zod';
import { eventSchema } from './envelope.js';
import {
  CoinsField,
  Context,
  Id,
  MillidiamondsField,
  RateOnEvent,
  Residue,
  SignedMillidiamondsField,
} from './fields.js';

/** A gift became diamonds. The event carries its whole proof: gift, coins, rate, rounding, residue (law 3). */
export const DiamondsCredited = eventSchema(
  'carat.diamonds.credited.v1',
  z.object({
    creditId: Id,
    creatorId: Id,
    giftId: Id,
    coins: CoinsField,
    millidiamonds: MillidiamondsField,
    rate: RateOnEvent,
    residue: Residue,
    context: Context,
  }),
);

/** Part of a gift was reversed: `worth(coinsBefore) − worth(coinsAfter)` at the gift's own rate. */
export const DiamondsReversed = eventSchema(
  'carat.diamonds.reversed.v1',
  z.object({
    reversalId: Id,
    creatorId: Id,
    giftId: Id,
    coins: CoinsField,
    millidiamonds: MillidiamondsField,
    rate: RateOnEvent,
    residue: Residue,
    reason: Id,
  }),
);

/** A credit was wrong and is put right, in either direction, by two people. */
export const DiamondsCorrected = eventSchema(
  'carat.diamonds.corrected.v1',
  z.object({
    correctionId: Id,
    creatorId: Id,
    giftId: Id.optional(),
    millidiamonds: SignedMillidiamondsField,
    reason: z.string().max(1000),
    proposedBy: Id,
    approvedBy: Id,
  }),
);
