import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { Id, MillidiamondsField } from './fields.js';

/** A creator is awarded diamonds for popularity, out of a programme's budget. */
export const DiamondsAwarded = eventSchema(
  'carat.diamonds.awarded.v1',
  z.object({
    awardId: Id,
    creatorId: Id,
    programmeId: Id,
    millidiamonds: MillidiamondsField,
    reason: z.string().max(1000),
    evidence: z.record(z.string().max(128), z.unknown()),
  }),
);

export const AwardRevoked = eventSchema(
  'carat.award.revoked.v1',
  z.object({
    revocationId: Id,
    awardId: Id,
    creatorId: Id,
    programmeId: Id,
    millidiamonds: MillidiamondsField,
    reason: z.string().max(1000),
    revokedBy: Id,
  }),
);
