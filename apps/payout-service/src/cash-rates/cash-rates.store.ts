import type { Poison, Recorded, Tx } from '@carat/event-log';
import type { RateOnEvent } from '@carat/events';

type RateEvent = Recorded<'rate.events.v1'>;

const PROPOSE = `
  INSERT INTO payout.cash_rate
    (rate_id, market, currency, numerator, denominator, rounding, effective_from, content_hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (rate_id) DO NOTHING`;

const APPROVE = `
  UPDATE payout.cash_rate SET approved_at = CASE WHEN content_hash = $2 THEN $3::timestamptz ELSE approved_at END
  WHERE rate_id = $1 RETURNING content_hash = $2 AS "isMeant"`;

/**
 * Keeps the rates to cash of these events, in their order; whatever comes again changes nothing. Answers the approvals
 * of another content than was proposed: they approve nothing.
 */
export async function keepCashRates(tx: Tx, events: readonly RateEvent[]): Promise<readonly Poison[]> {
  const poison: Poison[] = [];
  for (const event of events) if (!(await keep(tx, event))) poison.push(changedProposal(event));
  return poison;
}

async function keep(tx: Tx, event: RateEvent): Promise<boolean> {
  switch (event.type) {
    case 'carat.rate.proposed.v1': {
      const { rateId, kind, market, currency, numerator, denominator, rounding, effectiveFrom, contentHash } =
        event.data;
      if (kind === 'diamond-to-cash' && currency !== undefined)
        await tx.query(PROPOSE, [
          rateId,
          market,
          currency,
          numerator,
          denominator,
          rounding,
          effectiveFrom,
          contentHash,
        ]);
      return true;
    }
    case 'carat.rate.approved.v1': {
      // Of a rate for gifts there is no row, so there is no answer either.
      const [rows] = (await tx.query(APPROVE, [event.data.rateId, event.data.contentHash, event.time])) as [
        { isMeant: boolean }[],
        number,
      ];
      return rows.every(({ isMeant }) => isMeant);
    }
    case 'carat.rate.rejected.v1':
      return true;
    default:
      return event satisfies never;
  }
}

const changedProposal = ({ position, data: { rateId } }: RateEvent): Poison => ({
  position,
  code: 'proposal_changed',
  detail: `${rateId} was proposed with another content`,
});

// A quote names no market, so it is made from the rates for all of them.
const IN_FORCE = `
  SELECT rate_id AS id, numerator::float8, denominator::float8, rounding FROM payout.cash_rate
  WHERE currency = $1 AND market = '*' AND approved_at IS NOT NULL AND effective_from <= $2
  ORDER BY effective_from DESC, approved_at DESC LIMIT 1`;

/** The rate to a currency that is in force at a time, in minor units per diamond, as far as this table knows. */
export async function cashRateInForce(tx: Tx, currency: string, at: Date): Promise<RateOnEvent | undefined> {
  const [rate] = (await tx.query(IN_FORCE, [currency, at])) as RateOnEvent[];
  return rate;
}
