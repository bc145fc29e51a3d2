import { Id } from '@carat/events';
import { Duration, type HostContext, providerEnvironment } from '@carat/service-host';
import { z } from 'zod';

const Millidiamonds = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'expects a whole number of millidiamonds, from 1 on')
  .transform(Number);

const ProviderUrl = z
  .url({ protocol: /^https?$/, error: 'expects a URL like https://api.provider.example' })
  .transform((url) => url.replace(/\/+$/, ''));

const Flag = z.enum(['0', '1'], 'expects 1 or 0').transform((text) => text === '1');

/**
 * The payout provider's side. A service that runs alone may do without one: then nothing is sent, and what is approved
 * waits.
 */
function providerVariables(context: HostContext) {
  const { PAYOUT_PROVIDER_KEY, PAYOUT_WEBHOOK_SECRETS } = providerEnvironment(context);
  const { standalone } = context;
  return {
    PAYOUT_PROVIDER: Id.prefault('fake').meta({ description: 'the name of the payout provider in paths and events' }),
    PAYOUT_PROVIDER_URL: (standalone ? z.union([z.literal('self'), ProviderUrl]).prefault('self') : ProviderUrl)
      .optional()
      .meta({ description: 'where payouts are sent; in standalone self, the fake provider; not set: nothing is sent' }),
    PAYOUT_PROVIDER_KEY: standalone ? PAYOUT_PROVIDER_KEY : PAYOUT_PROVIDER_KEY.optional(),
    PAYOUT_WEBHOOK_SECRETS: standalone ? PAYOUT_WEBHOOK_SECRETS : PAYOUT_WEBHOOK_SECRETS.optional(),
    PAYOUT_TIMEOUT: Duration.prefault('10s').meta({
      description: 'how long an answer of the payout provider is waited for; after that the outcome is unknown',
    }),
    PAYOUT_RETRY: Duration.prefault('2s').meta({
      description: 'how long nothing is sent after the payout provider could not be reached',
    }),
    PAYOUT_EVERY: Duration.prefault('250ms').meta({
      description: 'how often redemptions are moved on: screened, sent, asked about',
    }),
  };
}

/**
 * With it, whoever registers an endpoint has us call what only we can reach. In standalone that is nobody else, for its
 * doors are open to this machine alone.
 */
const AllowPrivate = ({ standalone }: HostContext) =>
  z
    .string()
    .regex(standalone ? /^[01]$/ : /^0$/, standalone ? 'expects 1 or 0' : 'expects 0: 1 is for standalone only')
    .transform((text) => text === '1');

const variablesOf = (context: HostContext) =>
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
    SETTLEMENT_GRACE: Duration.prefault('3d').meta({
      description: 'how long the settlement line of a payout may be in coming before it is missing',
    }),
    APPROVAL_TTL: Duration.prefault('72h').meta({
      description: 'an approval counts for so long; a payout that was not sent by then needs another',
    }),
    ELIGIBILITY_REQUIRED: Flag.prefault(context.standalone ? '0' : '1').meta({
      description: 'a creator of whose age and tax form nothing was said is held for review; in standalone 0',
    }),
    ...providerVariables(context),
    METHOD_COOLING: Duration.prefault(context.standalone ? '0s' : '24h').meta({
      description: 'no redemption goes to a payout method that was added more recently; in standalone 0s',
    }),
    WEBHOOKS_EVERY: Duration.prefault('1s').meta({ description: 'how often webhooks that are due are looked for' }),
    WEBHOOKS_ALLOW_PRIVATE: AllowPrivate(context).prefault('0').meta({
      description: 'webhooks go to private addresses too, and over http: for development, in standalone only',
    }),
  });

const NEEDED = ['PAYOUT_PROVIDER_KEY', 'PAYOUT_WEBHOOK_SECRETS'] as const;

/** What payout-service reads from the environment beyond what every service does. */
export const payoutEnvironment = (context: HostContext) =>
  variablesOf(context).superRefine((environment, refinement) => {
    for (const name of environment.PAYOUT_PROVIDER_URL === undefined ? [] : NEEDED)
      if (environment[name] === undefined)
        refinement.addIssue({ code: 'custom', path: [name], message: 'PAYOUT_PROVIDER_URL expects it' });
  });
export type PayoutEnvironment = z.infer<ReturnType<typeof payoutEnvironment>>;
