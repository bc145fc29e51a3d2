import { type HostContext, providerEnvironment } from '@carat/service-host';
import { z } from 'zod';

const EXPECTED = 'expects a URL like http://127.0.0.1:8083/v1/provider-webhooks/fake';

// What stands in a query, or is a name and password, would be logged with the URL.
const WebhookUrl = z
  .url({ protocol: /^https?$/, error: EXPECTED })
  .refine((url) => !URL.canParse(url) || isPlain(new URL(url)), EXPECTED);

const isPlain = ({ username, password, href }: URL): boolean => username + password === '' && !/[?#]/.test(href);

/** The path of payout-service's door for the webhooks of this provider. */
export const WEBHOOK_PATH = '/v1/provider-webhooks/fake';

/** What the fake provider reads from the environment beyond what every service does. */
export const fakeEnvironment = (context: HostContext) =>
  z.object({
    ...providerEnvironment(context),
    PAYOUT_WEBHOOK_URL: (context.standalone
      ? WebhookUrl.optional()
      : WebhookUrl.prefault(`http://127.0.0.1:8083${WEBHOOK_PATH}`)
    ).meta({ description: 'where webhooks go; in standalone to its own door' }),
  });
export type FakeEnvironment = z.infer<ReturnType<typeof fakeEnvironment>>;
