import { append } from '@carat/event-log/journal';
import { readBack } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { type ConversionEnvironment, CurrentRateBook } from '../rate-book/current-rate-book.store.js';
import { evolve } from '../rate-book/rate-book.js';
import { decideRate, type RateCommand, type RateTiming, type RateVerdict } from './decide-rate.js';
import { listedRate } from './listed-rate.js';
import type { DecidedRate } from './rate-bodies.js';

/** The one way into the rate book: lock it, take the clock, read it, decide, append. */
@Injectable()
export class DecideRates {
  constructor(
    private readonly requests: IdempotentRequests,
    private readonly rates: CurrentRateBook,
    @Inject(ENVIRONMENT) private readonly environment: ConversionEnvironment,
  ) {}

  /** @throws Problem why it is refused, which is remembered under the request's key */
  decide(asked: Asked, command: RateCommand, traceparent: string | undefined): Promise<Answered<DecidedRate>> {
    return this.requests.once(asked, async (tx) => {
      const { book, clockMs } = await this.rates.lockedForDecision(tx);
      const timing = { clockMs, leadMs: this.environment.RATE_LEAD };
      const { rateId, events } = orProblem(decideRate(book, command, { ...asked, traceparent }, timing), timing);
      // Before it is written: an event that cannot be read, or does not fit the book, would stop conversion for good.
      const rate = listedRate(events.map((event) => readBack('rate.events.v1', event)).reduce(evolve, book), rateId);
      if (rate === undefined) throw new Error(`${rateId} was decided on, and is not in the book`);
      await append(tx, 'rate.events.v1', events);
      const { contentHash, state } = rate;
      return { answer: { rateId, contentHash, state }, replayed: events.length === 0 };
    });
  }
}

function orProblem(verdict: RateVerdict, { clockMs, leadMs }: RateTiming): Exclude<RateVerdict, { refused: string }> {
  if (!('refused' in verdict)) return verdict;
  const { refused, pointer } = verdict;
  const earliest = new Date(clockMs + leadMs).toISOString();
  throw new Problem(refused, {
    ...(refused === 'rate_starts_too_soon' ? { detail: `approved now, a rate begins at ${earliest} or later` } : {}),
    ...(pointer === undefined ? {} : { errors: [{ pointer, code: refused }] }),
  });
}
