import { Id, Reason, Time } from '@carat/events';
import { z } from 'zod';

/** What an operator says of a creator: whether money may go there at all. */
export const EligibilityBody = z.object({
  adult: z.boolean().meta({ description: 'of age where the creator lives' }),
  taxForm: z.boolean().meta({ description: 'a valid tax form is on file' }),
  redemptionsAllowed: z
    .boolean()
    .meta({ description: 'false stops every payout to the creator that was not submitted yet' }),
  reason: Reason,
});
export type EligibilityBody = Readonly<z.infer<typeof EligibilityBody>>;

/** What is in force of a creator, and who said so. */
export const Eligibility = z.object({ creatorId: Id, ...EligibilityBody.shape, setBy: Id, setAt: Time });
export type Eligibility = Readonly<z.infer<typeof Eligibility>>;

export type EligibilityRefusal = 'creator_not_adult' | 'tax_form_missing' | 'redemptions_not_allowed';

/** Why a creator is not paid, the gravest first; nothing when nothing speaks against it. */
export function ineligibleFor({
  adult,
  taxForm,
  redemptionsAllowed,
}: Pick<Eligibility, 'adult' | 'taxForm' | 'redemptionsAllowed'>): readonly EligibilityRefusal[] {
  return [
    ...(redemptionsAllowed ? [] : (['redemptions_not_allowed'] as const)),
    ...(adult ? [] : (['creator_not_adult'] as const)),
    ...(taxForm ? [] : (['tax_form_missing'] as const)),
  ];
}
