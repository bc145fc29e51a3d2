import { Duration, type HostContext } from '@carat/service-host';
import { z } from 'zod';

const Millidiamonds = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'expects a whole number of millidiamonds, from 1 on')
  .transform(Number);

/**
 * With it, whoever registers an endpoint has us call what only we can reach. In standalone that is nobody else, for its
 * doors are open to this machine alone.
 */
const AllowPrivate = ({ standalone }: HostContext) =>
  z
    .string()
    .regex(standalone ? /^[01]$/ : /^0$/, standalone ? 'expects 1 or 0' : 'expects 0: 1 is for standalone only')
    .transform((text) => text === '1');

/** What payout-service reads from the environment beyond what every service does. */
export const payoutEnvironment = ({ standalone }: HostContext) =>
  z.object({
    QUOTE_TTL: Duration.prefault('10m').meta({ description: 'how long a quote can be taken up' }),
    DECISION_DEADLINE: Duration.prefault('14d').meta({
      description: 'a redemption that is not decided on for so long expires',
    }),
    REDEMPTION_MINIMUM: Millidiamonds.prefault('10000000').meta({
      description: 'the fewest millidiamonds that are redeemed at once',
    }),
    REDEMPTION_DAILY_MAXIMUM: Millidiamonds.prefault('200000000').meta({
      description: 'the most millidiamonds that a creator redeems on one UTC day',
    }),
    REDEMPTION_WEEKLY_MAXIMUM: Millidiamonds.prefault('1000000000').meta({
      description: 'the most millidiamonds that a creator redeems in one ISO week',
    }),
    METHOD_COOLING: Duration.prefault(standalone ? '0s' : '24h').meta({
      description: 'no redemption goes to a payout method that was added more recently; in standalone 0s',
    }),
    WEBHOOKS_EVERY: Duration.prefault('1s').meta({ description: 'how often webhooks that are due are looked for' }),
    WEBHOOKS_ALLOW_PRIVATE: AllowPrivate({ standalone }).prefault('0').meta({
      description: 'webhooks go to private addresses too, and over http: for development, in standalone only',
    }),
  });
export type PayoutEnvironment = z.infer<ReturnType<typeof payoutEnvironment>>;
