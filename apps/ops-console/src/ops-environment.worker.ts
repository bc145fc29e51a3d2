import type { HostContext } from '@carat/service-host';
import { z } from 'zod';

const ServiceUrl = z
  .url({ protocol: /^https?$/, error: 'expects a URL like http://127.0.0.1:8081' })
  .transform((url) => url.replace(/\/+$/, ''));

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
