import { fitsEvent, millidiamonds, toEvent } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { derivedUuid, type RateOnEvent } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { cashRateInForce } from '../cash-rates/cash-rates.store.js';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { rulesAt } from '../redemption-rules/rules-in-force.store.js';
import { leastFor, payoutOf, type Quote } from './quote.js';
import type { GivenQuote, WantedQuote } from './quote-bodies.js';

const INSERT = `
  INSERT INTO payout.quote (quote_id, creator_id, millidiamonds, currency, amount_minor, rate, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const FIND = `
  SELECT q.quote_id AS "quoteId", q.creator_id AS "creatorId", q.millidiamonds::float8, q.currency,
         q.amount_minor::float8 AS "amountMinor", q.rate, q.expires_at AS "expiresAt", r.redemption_id AS "usedBy"
  FROM payout.quote q LEFT JOIN payout.redemption r USING (quote_id) WHERE q.quote_id = $1`;

/** Offers to creators. One binds us until it expires and holds nothing. */
@Injectable()
export class Quotes {
  constructor(
    private readonly requests: IdempotentRequests,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** @throws Problem `no_cash_rate_in_force`, `quote_worth_nothing`, `amount_too_large` */
  quote(asked: Asked, { creatorId, millidiamonds: wanted, currency }: WantedQuote): Promise<Answered<GivenQuote>> {
    return this.requests.once(asked, async (tx) => {
      const now = await databaseClock(tx);
      const rate = await cashRateInForce(tx, currency, now);
      if (rate === undefined) throw refused('no_cash_rate_in_force', '/currency');
      const amount = payoutOf(millidiamonds(wanted), rate);
      if (amount === 0n) throw refused('quote_worth_nothing', '/millidiamonds');
      if (!fitsEvent(amount)) throw refused('amount_too_large', '/millidiamonds');
      const { quoteTtlMs } = await rulesAt(tx, this.environment, now);
      const answer = {
        quoteId: `qt_${derivedUuid(now.getTime(), 'quote', asked.principal, asked.key)}`,
        creatorId,
        millidiamonds: toEvent(leastFor(amount, rate)),
        payout: { currency, amountMinor: toEvent(amount) },
        rate,
        expiresAt: new Date(now.getTime() + quoteTtlMs).toISOString(),
      };
      const { quoteId, payout, expiresAt } = answer;
      const row = [quoteId, creatorId, answer.millidiamonds, currency, payout.amountMinor, rate, expiresAt];
      await tx.query(INSERT, row);
      return { answer, replayed: false };
    });
  }
}

const refused = (
  code: 'no_cash_rate_in_force' | 'quote_worth_nothing' | 'amount_too_large',
  pointer: string,
): Problem => new Problem(code, { errors: [{ pointer, code }] });

type QuoteRow = Omit<Quote, 'payout' | 'expiresAtMs' | 'usedBy'> & {
  readonly currency: string;
  readonly amountMinor: number;
  readonly rate: RateOnEvent;
  readonly expiresAt: Date;
  readonly usedBy: string | null;
};

/** A quote, and the redemption that took it up. Read under the lock of its creator's balance, that is final. */
export async function findQuote(tx: Tx, id: string): Promise<Quote | undefined> {
  const [row] = (await tx.query(FIND, [id])) as QuoteRow[];
  if (row === undefined) return undefined;
  const { currency, amountMinor, expiresAt, usedBy, ...quote } = row;
  return {
    ...quote,
    payout: { currency, amountMinor },
    expiresAtMs: expiresAt.getTime(),
    ...(usedBy === null ? {} : { usedBy }),
  };
}
