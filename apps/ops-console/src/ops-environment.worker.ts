import type { HostContext } from '@carat/service-host';
import { z } from 'zod';

const EXPECTED = 'expects a URL like http://127.0.0.1:8081';

// A name and password in it would not be sent, but logged with the URL; a path would go behind a query or a fragment.
const ServiceUrl = z
  .url({ protocol: /^https?$/, error: EXPECTED })
  .refine((url) => !URL.canParse(url) || isPlain(new URL(url)), EXPECTED)
  .transform((url) => url.replace(/\/+$/, ''));

const isPlain = ({ username, password, href }: URL): boolean => username + password === '' && !/[?#]/.test(href);

/** Where a service is. In standalone it is this very process, at whatever address it listens on. */
const urlOf = (service: string, port: number, { standalone }: HostContext) =>
  (standalone ? ServiceUrl.optional() : ServiceUrl.prefault(`http://127.0.0.1:${port}`)).meta({
    description: `where ${service} is asked`,
  });

/** What ops-console reads from the environment beyond what every service does. */
export const opsEnvironment = (context: HostContext) =>
  z.object({
    GIFT_SERVICE_URL: urlOf('gift-service', 8081, context),
    CONVERSION_SERVICE_URL: urlOf('conversion-service', 8082, context),
    PAYOUT_SERVICE_URL: urlOf('payout-service', 8083, context),
  });
export type OpsEnvironment = z.infer<ReturnType<typeof opsEnvironment>>;
