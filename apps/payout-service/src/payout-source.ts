/** The CloudEvents `source` of every event that this service writes. */
export const PAYOUT_SOURCE = '/carat/payout-service';
