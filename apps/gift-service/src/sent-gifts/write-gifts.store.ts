import type { Tx } from '@carat/event-log';
import { type EventOf, uuidOf } from '@carat/events';
import { columns } from '../columns.js';
import type { LotPayment } from '../wallets/wallet.js';
import type { GiftFact } from './gift-fact.js';

interface Sent {
  readonly event: EventOf<'carat.gift.sent.v1'>;
  readonly paid: readonly LotPayment[];
}

const isSent = (fact: GiftFact): fact is Sent => fact.event.type === 'carat.gift.sent.v1';

// The events' data travel as one text of a line each, which JSON allows for: in an array each would be escaped, at
// three times the cost.
const INSERT_GIFTS = `
  INSERT INTO gift.gift (gift_id, source, coins, coins_standing, sent_at, data)
  SELECT gift_id, source, coins, coins, sent_at, data::json
  FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[]) WITH ORDINALITY
    AS g(gift_id, source, coins, sent_at, line)
  JOIN unnest(string_to_array($5::text, E'\\n')) WITH ORDINALITY AS d(data, line) USING (line)`;

const INSERT_PAYMENTS = `
  INSERT INTO gift.payment (viewer_id, lot_sequence, gift_id, coins, coins_standing)
  SELECT viewer_id, lot_sequence, gift_id, coins, coins
  FROM unnest($1::text[], $2::int[], $3::uuid[], $4::bigint[]) AS p(viewer_id, lot_sequence, gift_id, coins)`;

/**
 * The rows of the gifts that were sent, and which lots paid for each: what a reversal goes by. Whoever calls holds the
 * locks of the wallets that paid, or of the streaks that held the coins. The number of statements does not depend on
 * the number of gifts.
 */
export async function writeGifts(tx: Tx, facts: readonly GiftFact[]): Promise<void> {
  const sent = facts.filter(isSent);
  if (sent.length === 0) return;
  const gifts = columns(
    sent,
    ({ event }) => uuidOf(event.data.giftId),
    ({ event }) => event.data.requestedBy.source,
    ({ event }) => String(event.data.coins),
    ({ event }) => event.time,
  );
  await tx.query(INSERT_GIFTS, [...gifts, sent.map(({ event }) => JSON.stringify(event.data)).join('\n')]);
  const payments = sent.flatMap(({ event, paid }) => paid.map((payment) => ({ gift: event.data, payment })));
  if (payments.length === 0) return;
  const rows = columns(
    payments,
    ({ gift }) => gift.senderId,
    ({ payment }) => String(payment.sequence),
    ({ gift }) => uuidOf(gift.giftId),
    ({ payment }) => String(payment.coins),
  );
  await tx.query(INSERT_PAYMENTS, rows);
}
