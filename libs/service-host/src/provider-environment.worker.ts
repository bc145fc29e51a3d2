import { z } from 'zod';
import type { HostContext } from './service.js';

// Well-known on purpose: in standalone the provider pays nothing real, and only this machine reaches it. A service that
// runs alone may be somebody's production, so it is told its secrets.
const DEVELOPMENT_KEY = 'carat-development-provider-key';
const DEVELOPMENT_SECRETS = 'whsec_Y2FyYXQgZGV2ZWxvcG1lbnQgd2ViaG9vayBzZWNyZXQ=';

const KEY_EXPECTED = 'expects the key of the payout provider, 16 to 256 letters, digits and . _ ~ + / = -';
const SECRETS_EXPECTED =
  'expects a Standard Webhooks secret, whsec_ and 24 to 64 bytes in Base64, or several of them with commas between';

const isSecret = (text: string): boolean => {
  const bytes = Buffer.from(text.replace(/^whsec_/, ''), 'base64');
  // The decoder skips what it does not know, so only the one spelling of the bytes is taken.
  return bytes.length >= 24 && bytes.length <= 64 && text === `whsec_${bytes.toString('base64')}`;
};

// The characters of a bearer token (RFC 6750). None of them is written otherwise in JSON, so a log is searched for it.
const ProviderKey = z.string(KEY_EXPECTED).regex(/^[\w.~+/=-]{16,256}$/, KEY_EXPECTED);

const WebhookSecrets = z
  .string(SECRETS_EXPECTED)
  .transform((text): readonly string[] => text.split(',').map((one) => one.trim()))
  .refine((secrets) => secrets.every(isSecret), SECRETS_EXPECTED);

/**
 * What the two sides of the payout provider's API share: the key that payouts are asked for with, and the secrets that
 * webhooks are signed with. The provider signs with the first; whoever checks takes any, so that one can be replaced.
 * Fields for a service's own `z.object`; in standalone they have defaults.
 */
export const providerEnvironment = ({ standalone }: HostContext) => ({
  PAYOUT_PROVIDER_KEY: (standalone ? ProviderKey.prefault(DEVELOPMENT_KEY) : ProviderKey).meta({
    description: 'the bearer that the payout provider knows payout-service by; in standalone a well-known one',
  }),
  PAYOUT_WEBHOOK_SECRETS: (standalone ? WebhookSecrets.prefault(DEVELOPMENT_SECRETS) : WebhookSecrets).meta({
    description: 'what the payout provider signs webhooks with, the newest first; in standalone a well-known one',
  }),
});

/** The secret texts among a process's variables that a log has to be kept clear of; none where it has no provider. */
export function providerSecrets(environment: Readonly<Record<string, unknown>>): readonly string[] {
  const { PAYOUT_PROVIDER_KEY, PAYOUT_WEBHOOK_SECRETS } = environment;
  return [PAYOUT_PROVIDER_KEY, PAYOUT_WEBHOOK_SECRETS].flat().filter((text) => typeof text === 'string');
}
