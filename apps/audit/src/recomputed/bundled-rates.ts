import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, type RawRecord } from '@carat/event-log';
import { decode } from '@carat/events';
import { hexOf } from '../seals/digest.js';
import { EMPTY_CHAIN, entryOf, RecordChain } from '../seals/record-chain.js';
import type { Seal } from '../seals/seal.js';
import { Books } from './books.js';

const RATES = 'rate.events.v1';

/** The rate book of a bundle, from its first event on, and the chain that holds it against the closing seal. */
export class BundledRates {
  private readonly chain = new RecordChain({ topic: RATES, partition: 0 });
  private readonly relay: Books;
  private rates: RateBook = { ...emptyRateBook, completeUntilMs: Infinity };
  private records = 0n;

  constructor(private readonly find: (code: string, detail: string) => void) {
    this.relay = new Books((error) => this.find('relay_broken', error.message));
  }

  /** All of it is read, so it prices every gift that conversion priced: a rate begins after its approval. */
  get book(): RateBook {
    return this.rates;
  }

  take(record: RawRecord): void {
    this.chain.add(entryOf(record));
    this.records += 1n;
    const decoded = decode(RATES, record.value);
    if ('undecodable' in decoded) {
      this.find(decoded.undecodable.code, `at ${record.offset}: ${decoded.undecodable.detail}`);
      return;
    }
    const taken = this.relay.take(RATES, 0, decoded.event);
    // The owner decides from its own journal, so a rate that somebody else wrote is in force nowhere.
    if (taken === 'foreign') this.find('foreign_writer', `at ${record.offset}: it carries no number of its relay`);
    if (taken !== 'fresh') return;
    try {
      this.rates = evolve(this.rates, decoded.event);
    } catch (error) {
      if (!(error instanceof FlowHalted)) throw error;
      this.find('rate_book_broken', error.message);
    }
  }

  /** Holds the whole against the closing seal, and against what the bundle says of itself. */
  end({ content }: Seal, expected: string): void {
    const sealed = content.partitions.find(({ topic, partition }) => topic === RATES && partition === 0);
    const chain = hexOf(this.chain.value);
    if (chain !== (sealed?.chain ?? hexOf(EMPTY_CHAIN)) || this.records !== BigInt(sealed?.records ?? 0))
      this.find('chain_differs', `${this.records} records to ${chain}, sealed ${sealed?.records} to ${sealed?.chain}`);
    if (chain !== expected) this.find('expected_differs', `${chain}, the manifest expects ${expected}`);
  }
}
