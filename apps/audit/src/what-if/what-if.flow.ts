import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, type LogReader, type Offsets } from '@carat/event-log';
import { eventsIn } from '../log-source/events-in.flow.js';
import type { DraftRate } from './draft-rate.js';
import { type WhatIf, WhatIfReplay } from './what-if.js';

export { type CashWorth, cashWorthOf } from './cash-worth.js';
export type { DraftRate } from './draft-rate.js';
export { byDifference, type Change, differenceOf, type WhatIf } from './what-if.js';

const GIFTS = 'gift.events.v1';
const RATES = 'rate.events.v1';

/** What a draft would change in exactly this much of the log. */
export interface ReplayedWhatIf extends WhatIf {
  /** The next offset of every partition of the gifts and of the rates: all before is in the figures. */
  readonly positions: Offsets;
  /** The rate book as it stands at those positions. */
  readonly rates: RateBook;
}

/**
 * Replays the log, as far as it reaches at the start, under the rate book and under a draft. `onProgress` hears how
 * many of how many gift records are read.
 * @throws FlowHalted when a consumer of this log would stop, or when the rate book contradicts itself
 */
export async function replayWhatIf(
  log: LogReader,
  draft: DraftRate,
  onProgress: (read: number, of: number) => void = () => undefined,
): Promise<ReplayedWhatIf> {
  const positions = await log.ends([RATES, GIFTS]);
  const rates = await rateBookIn(log, positions);
  const replay = new WhatIfReplay(rates, draft);
  const all = Number((positions[GIFTS] ?? []).reduce((sum, next) => sum + next, 0n));
  let read = 0;
  for await (const { topic, partition, events, dead, records } of eventsIn(log, [GIFTS], positions)) {
    for (const gift of events) replay.take(gift);
    for (const { record, fault } of dead)
      replay.leaveOut({ position: { topic, partition, offset: record.offset }, ...fault });
    read += records;
    onProgress(read, all);
  }
  return { ...replay.result(), positions, rates };
}

/**
 * The rate book of a log. All of it is read, so it prices every gift that conversion priced: a rate begins after its
 * approval.
 * @throws FlowHalted when it cannot be read, or contradicts itself
 */
export async function rateBookIn(log: LogReader, positions: Offsets): Promise<RateBook> {
  let book: RateBook = { ...emptyRateBook, completeUntilMs: Infinity };
  for await (const { topic, partition, events, dead } of eventsIn(log, [RATES], positions)) {
    for (const { record, fault } of dead) {
      const place = `${topic}/${partition} at ${record.offset}`;
      throw new FlowHalted(`the rate book cannot be read: ${place}: ${fault.detail}`);
    }
    for (const event of events) book = evolve(book, event);
  }
  return book;
}
