import { Duration, type HostContext } from '@carat/service-host';
import { z } from 'zod';
import { SourcesVariable } from './sources.js';

/** What gift-service reads from the environment beyond what every service does. */
export const giftEnvironment = ({ standalone }: HostContext) =>
  z
    .object({
      SOURCES: (standalone ? SourcesVariable.prefault('{"*": {"attestExternal": true}}') : SourcesVariable).meta({
        description: 'the registered upstream sources, as JSON; alone it is required',
      }),
      GIFT_LATENESS: Duration.prefault('7d').meta({ description: 'how long after it was given a gift is still taken' }),
      STREAK_TIMEOUT: Duration.prefault('30s').meta({
        description: 'how long after its last rise a streak is closed without a final frame',
      }),
      GIFT_SKEW: Duration.prefault('2m').meta({ description: "how far a publisher's clock may be ahead" }),
      CATALOGUE_LEAD: Duration.prefault('5m').meta({
        description: 'a gift type is changed at least this long before the change begins; the same for every instance',
      }),
    })
    // A catalogue that is up to date has to cover every gift that may be sent.
    .refine(({ CATALOGUE_LEAD, GIFT_SKEW }) => CATALOGUE_LEAD > GIFT_SKEW, {
      path: ['CATALOGUE_LEAD'],
      message: 'expects a duration longer than GIFT_SKEW',
    });
export type GiftEnvironment = z.infer<ReturnType<typeof giftEnvironment>>;
