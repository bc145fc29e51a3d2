/** The consumer group of the diamond ledger: its offsets say which events a balance includes. */
export const LEDGER_GROUP = 'carat.payout.diamond-ledger';
/** The group that learns where in the log the events stand which doors have booked. */
export const POSITIONS_GROUP = 'carat.payout.redemption-positions';
