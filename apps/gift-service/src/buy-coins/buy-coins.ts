import { coins, fitsEvent, millidiamonds } from '@carat/amounts';
import { CoinsPurchased, caused, contentHash, type EventOf } from '@carat/events';
import type { z } from 'zod';
import { GIFT_SOURCE } from '../gift-source.js';

/** What a publisher says of a purchase: the data of the event that follows from it. */
export const CoinPurchase = CoinsPurchased.shape.data;
export type CoinPurchase = z.infer<typeof CoinPurchase>;

/** A purchase that a publisher reports. The source and the `purchaseId` are its identity. */
export interface AskedPurchase {
  readonly source: string;
  readonly data: CoinPurchase;
  /** When the report reached the server. */
  readonly receivedAtMs: number;
  readonly traceparent?: string | undefined;
}

/** SHA-256 in hex: the same for the same purchase, whenever and however often it is reported. */
export const contentOf = ({ data }: AskedPurchase): string => contentHash('carat.coins.purchased.v1', data);

/** True when a gift of all these coins would be refused, because their thousandths do not fit an event. */
export const isTooLarge = ({ data }: AskedPurchase): boolean => !fitsEvent(millidiamonds(coins(data.coins) * 1000n));

/** The fact that the coins are the viewer's from now on. */
export const coinsPurchased = ({
  source,
  data,
  receivedAtMs,
  traceparent,
}: AskedPurchase): EventOf<'carat.coins.purchased.v1'> =>
  caused(
    { source, id: data.purchaseId, time: new Date(receivedAtMs).toISOString(), traceparent },
    { type: 'carat.coins.purchased.v1', source: GIFT_SOURCE, subject: data.viewerId, data },
  );
