import { Id, Reason, Time } from '@carat/events';
import { z } from 'zod';

const LONGEST_URL = 2048;
const MOST_CREATORS = 1000;
const LONGEST_GRACE_SECONDS = 7 * 86_400;
const USUAL_GRACE_SECONDS = 86_400;

/** The body of a registration: where webhooks go, and about whom. */
export const WantedEndpoint = z.object({
  url: z
    .string()
    .max(LONGEST_URL)
    .meta({ description: 'https, without credentials and fragment, to a public address' }),
  creatorIds: z
    .array(Id)
    .min(1)
    .max(MOST_CREATORS)
    .optional()
    .meta({ description: 'whose redemptions it is told of; absent: of every creator' }),
  description: Reason.optional(),
});
export type WantedEndpoint = z.infer<typeof WantedEndpoint>;

/** The body of a rotation; there need not be one. */
export const Rotation = z
  .object({
    graceSeconds: z
      .int()
      .min(0)
      .max(LONGEST_GRACE_SECONDS)
      .default(USUAL_GRACE_SECONDS)
      .meta({ description: 'for so long the secrets before sign too' }),
  })
  .nullish()
  .transform((rotation) => rotation ?? { graceSeconds: USUAL_GRACE_SECONDS });
export type Rotation = z.infer<typeof Rotation>;

/** Why an endpoint is sent nothing more: somebody said so, it answered 410, or it failed for days. */
const DisabledFor = z.enum(['deleted', 'gone', 'failing']);
export type DisabledFor = z.infer<typeof DisabledFor>;

/** An endpoint as it is answered. */
export const ListedEndpoint = z.object({
  endpointId: Id,
  url: z.string(),
  creatorIds: z.array(Id).optional(),
  description: z.string().optional(),
  createdAt: Time,
  failingSince: Time.optional().meta({ description: 'no attempt has succeeded since this one failed' }),
  disabledAt: Time.optional().meta({ description: 'it is sent nothing more, for good' }),
  disabledFor: DisabledFor.optional(),
});
export type ListedEndpoint = Readonly<z.infer<typeof ListedEndpoint>>;

const Secret = z.string().meta({ description: 'whsec_…, to verify signatures with; shown this once' });

/** The answer to a registration. When it is given again, under the same Idempotency-Key, it has no secret. */
export const RegisteredEndpoint = ListedEndpoint.extend({ secret: Secret.optional() });
export type RegisteredEndpoint = Readonly<z.infer<typeof RegisteredEndpoint>>;

export const RotatedSecret = z.object({ secret: Secret });
export type RotatedSecret = Readonly<z.infer<typeof RotatedSecret>>;

export const ListedEndpoints = z.object({ items: z.array(ListedEndpoint), nextCursor: z.string().nullable() });
export type ListedEndpoints = Readonly<z.infer<typeof ListedEndpoints>>;
