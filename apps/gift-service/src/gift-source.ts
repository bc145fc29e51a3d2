/** The CloudEvents `source` of every event that this service writes. */
export const GIFT_SOURCE = '/carat/gift-service';
