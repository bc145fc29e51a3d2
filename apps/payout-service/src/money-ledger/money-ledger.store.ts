import type { Tx } from '@carat/event-log';
import type { MoneyTransfer } from './money-transfers.js';

const POST = `
  INSERT INTO payout.money_transfer (source_id, code, currency, debit, credit, amount_minor, payout_id)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
    AS t(source_id, code, currency, debit, credit, amount_minor, payout_id)
  ORDER BY source_id, code ON CONFLICT (source_id, code) DO NOTHING`;

/** Books money, in the caller's transaction. What was booked before is left out. There are sums and no balance rows. */
export async function postMoney(tx: Tx, transfers: readonly MoneyTransfer[]): Promise<void> {
  if (transfers.length === 0) return;
  await tx.query(POST, [
    transfers.map(({ sourceId }) => sourceId),
    transfers.map(({ code }) => code),
    transfers.map(({ currency }) => currency),
    transfers.map(({ debit }) => debit),
    transfers.map(({ credit }) => credit),
    transfers.map(({ amountMinor }) => amountMinor),
    transfers.map(({ payoutId }) => payoutId),
  ]);
}
