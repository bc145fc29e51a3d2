/** The consumer group of the diamond ledger: its offsets say which events a balance includes. */
export const LEDGER_GROUP = 'carat.payout.diamond-ledger';
