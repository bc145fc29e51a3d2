import { Id, Time } from '@carat/events';
import { z } from 'zod';

/** Where money is sent. What stands behind the id is known to the payout provider alone. */
export const PayoutMethod = z.object({
  payoutMethodId: Id,
  kind: Id.meta({ description: 'what the provider calls this kind of account' }),
  label: Id.meta({ description: 'what the creator calls it' }),
  usableFrom: Time.meta({ description: 'no redemption goes there before: a stolen login is noticed first' }),
});
export type PayoutMethod = Readonly<z.infer<typeof PayoutMethod>>;

/** A method as it is kept: with whoever made it what it is, whom it is answered to nobody. */
export type KeptMethod = PayoutMethod & { readonly setBy?: string | undefined };

const FROM_THE_BEGINNING = '1970-01-01T00:00:00.000Z';

/** The methods of the fake provider: each shows one way in which a payout can go, to any creator. */
export const seededMethods: readonly PayoutMethod[] = [
  ['pm_ok', 'is paid'],
  ['pm_timeout', 'gives no answer'],
  ['pm_fail_late', 'fails after a while'],
  ['pm_return', 'is paid and comes back'],
  ['pm_review', 'waits for a review'],
  ['pm_silent', 'is taken and never settled'],
].map(([payoutMethodId = '', label = '']) => ({
  payoutMethodId,
  kind: 'fake',
  label,
  usableFrom: FROM_THE_BEGINNING,
}));
