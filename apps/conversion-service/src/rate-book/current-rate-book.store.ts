import type { Tx } from '@carat/event-log';
import { lockHead, readHeads, readJournal } from '@carat/event-log/journal';
import { decode } from '@carat/events';
import { Duration, ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { emptyRateBook, evolve, type RateBook, RateBookBroken, type RateEvent } from './rate-book.js';

const TOPIC = 'rate.events.v1';

/** What conversion reads from the environment beyond what every service does. */
export const ConversionEnvironment = z.object({
  RATE_LEAD: Duration.prefault('15m').meta({
    description: 'a rate is approved at least this long before it begins; the same for every instance',
  }),
});
export type ConversionEnvironment = z.infer<typeof ConversionEnvironment>;

/**
 * The rate book as this database knows it, kept in memory and brought up to date when a gift asks for a time that it
 * does not cover yet.
 */
@Injectable()
export class CurrentRateBook {
  private book: RateBook = emptyRateBook;
  private nextOffset = 0n;
  private lastRefresh: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: DataSource,
    @Inject(ENVIRONMENT) private readonly environment: ConversionEnvironment,
  ) {}

  /**
   * The book, complete past `timeMs` if it can be: refreshed at most once. Whoever prices a gift past the book's
   * `completeUntilMs` is refused there.
   */
  async completeUntil(timeMs: number): Promise<RateBook> {
    if (timeMs >= this.book.completeUntilMs) {
      // One refresh at a time. A caller who had to wait for another's may find that it was enough.
      const mine = this.lastRefresh.then(() => (timeMs >= this.book.completeUntilMs ? this.refresh() : undefined));
      this.lastRefresh = mine.catch(() => undefined);
      await mine;
    }
    return this.book;
  }

  /**
   * An approval locks the head before it takes its clock and begins no earlier than that clock plus the lead. So with
   * the head held in share, everything approved so far is visible, and what comes later begins after our clock plus
   * the lead. A plain read would miss an approval that has its clock and not yet its commit.
   */
  private async refresh(): Promise<void> {
    await this.db.transaction(async (tx) => {
      const { next, clockMs } = await lockHead(tx, TOPIC, 0, 'share');
      const book = await this.loaded(tx, next);
      this.book = { ...book, completeUntilMs: clockMs + this.environment.RATE_LEAD };
      this.nextOffset = next;
    });
  }

  /**
   * The whole book for whoever is about to append to it: nobody else does until the transaction ends, and `clockMs` is
   * the database's clock from after the lock was gained.
   */
  async lockedForDecision(tx: Tx): Promise<{ book: RateBook; clockMs: number }> {
    const { next, clockMs } = await lockHead(tx, TOPIC, 0, 'update');
    return { book: await this.loaded(tx, next), clockMs };
  }

  /** The book as it was at a time, by the times of its events; without a time, as it is now. It prices nothing. */
  async asOf(atMs = Infinity): Promise<RateBook> {
    const tx = this.db.manager;
    const next = (await readHeads(tx, [TOPIC]))[0]?.next ?? 0n;
    if (atMs === Infinity) return this.loaded(tx, next);
    let book = emptyRateBook;
    for await (const event of eventsOf(tx, 0n, next)) {
      if (Date.parse(event.time) > atMs) break;
      book = evolve(book, event);
    }
    return book;
  }

  /** What was read before is committed and never changes, so only the rest is read. */
  private async loaded(tx: Tx, until: bigint): Promise<RateBook> {
    let book = this.book;
    for await (const event of eventsOf(tx, this.nextOffset, until)) book = evolve(book, event);
    return book;
  }
}

async function* eventsOf(tx: Tx, from: bigint, until: bigint): AsyncGenerator<RateEvent> {
  let offset = from;
  while (offset < until) {
    const records = await readJournal(tx, TOPIC, 0, offset);
    if (records.length === 0) throw new RateBookBroken(`${TOPIC} ends at ${offset}, its head says ${until}`);
    for (const record of records) {
      const decoded = decode(TOPIC, record.value);
      if ('undecodable' in decoded)
        throw new RateBookBroken(`${TOPIC} at ${record.offset}: ${decoded.undecodable.detail}`);
      yield decoded.event;
    }
    offset += BigInt(records.length);
  }
}
