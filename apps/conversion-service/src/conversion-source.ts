/** The CloudEvents `source` of every event that this service writes. */
export const CONVERSION_SOURCE = '/carat/conversion-service';
