import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, FlowHalted, type Follower, OffsetMovedByAnother, type RawBatch } from '@carat/event-log';
import { topicNames } from '@carat/events';
import { Gauge } from 'prom-client';
import type { DataSource } from 'typeorm';
import { SealFile } from '../seals/seal-file.worker.js';
import { sealFileOf } from '../seals/seals.store.js';
import type { NotaryKey } from './notary-key.worker.js';
import { SealBook } from './seal-book.store.js';

const GROUP = 'carat.audit.notary';
const ASK_FOR_THE_BOOK_EVERY_MS = 1000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
// A broker takes a member for dead that says nothing, and a seal may take longer than that.
const HEARTBEAT_MS = 1000;
// A timer of Node's for any longer would go off at once.
const LONGEST_PAUSE_MS = 2 ** 31 - 1;

const sealNumber = new Gauge({ name: 'carat_seal_number', help: 'the number of the newest seal' });
const sealedAtSeconds = new Gauge({ name: 'carat_seal_timestamp_seconds', help: 'when the newest seal was made' });
const unsealedRecords = new Gauge({
  name: 'carat_seal_unsealed_records',
  help: 'records that were read and are in no seal yet',
});

/** All that a notary is given of the log: what reads it. */
export type NotaryLog = Pick<EventLog, 'id' | 'isRelayed' | 'ends' | 'follow' | 'trouble'>;

export interface NotaryOptions {
  readonly db: DataSource;
  readonly log: NotaryLog;
  readonly key: NotaryKey;
  /** The folder of the files of seals. */
  readonly sealFiles: string;
  /** A seal is made once so many records came, … */
  readonly everyRecords: number;
  /** … and after so long when any did. */
  readonly everyMs: number;
}

/**
 * Follows the log and seals it. It keeps nothing that the last seal does not have: after any trouble it gives the book
 * back and opens it anew, which is what the next process does after a kill.
 */
export class Notary {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: NotaryOptions) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    for (let wait = FIRST_WAIT_MS; !this.stopping.signal.aborted; ) {
      try {
        await this.hold();
        wait = FIRST_WAIT_MS;
      } catch (error) {
        this.options.log.trouble(GROUP, error);
        await pause(wait, this.stopping.signal);
        wait = Math.min(2 * wait, LONGEST_WAIT_MS);
      }
    }
  }

  /** From taking up the book to a stop, or to the first trouble. */
  private async hold(): Promise<void> {
    const { db, log, key, sealFiles } = this.options;
    let book: SealBook | undefined;
    try {
      book = await SealBook.open(db, log, key);
      if (book === undefined) return await pause(ASK_FOR_THE_BOOK_EVERY_MS, this.stopping.signal);
      const file = new SealFile(sealFileOf(sealFiles, log.id));
      await file.complete(
        (number) => (book as SealBook).sealOf(number),
        (number) => (book as SealBook).sealsFrom(number),
      );
      await this.keep(book, file);
    } catch (error) {
      if (!(error instanceof FlowHalted)) throw error;
      await this.halt(error);
    } finally {
      await book?.close();
    }
  }

  /** Seals until it is stopped. @throws the first failure to seal */
  private async keep(book: SealBook, file: SealFile): Promise<void> {
    const failed = Promise.withResolvers<never>();
    const ended = new AbortController();
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const done = this.turn.then(work);
      this.turn = done.catch(() => undefined);
      return done;
    };
    const seal = async (): Promise<void> => {
      try {
        const made = await book.seal(new Date().toISOString());
        await file.append(made);
        tell(made.content.number, made.content.sealedAt);
      } catch (error) {
        failed.reject(error);
        throw error;
      }
    };
    const follower = followerOf(book, async (batch) => {
      await inTurn(async () => {
        ended.signal.throwIfAborted();
        takeIn(book, batch);
        if (book.sealer.unsealed >= this.options.everyRecords) await seal();
        unsealedRecords.set(book.sealer.unsealed);
      });
    });
    const look = (): Promise<void> => inTurn(() => (book.sealer.unsealed > 0 ? seal() : book.holds()));
    const following = await this.options.log.follow(GROUP, await this.topics(), follower);
    try {
      await Promise.race([failed.promise, this.every(look, ended.signal)]);
    } finally {
      ended.abort();
      await following.stop();
      await this.turn;
    }
  }

  private async topics() {
    const ends = await this.options.log.ends(topicNames);
    return topicNames.filter((topic) => (ends[topic]?.length ?? 0) > 0);
  }

  /** Does something again and again until the notary is stopped, or this turn of it has ended. */
  private async every(work: () => Promise<void>, ended: AbortSignal): Promise<void> {
    const over = AbortSignal.any([this.stopping.signal, ended]);
    for (;;) {
      await pause(this.options.everyMs, over);
      if (over.aborted) return;
      await work();
    }
  }

  /** Has the log halt this flow, which shows its alarm as that of any other, and stays until somebody ends it. */
  private async halt(alarm: FlowHalted): Promise<void> {
    const refuse = (): Promise<never> => Promise.reject(alarm);
    const halted = await this.options.log.follow(GROUP, await this.topics(), { claimed: refuse, batch: refuse });
    await pause(LONGEST_PAUSE_MS, this.stopping.signal);
    await halted.stop();
  }
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  await sleep(Math.min(ms, LONGEST_PAUSE_MS), undefined, { signal: over }).catch(() => undefined);
}

/** A follower whose offsets are those of the book. While a batch is handled the group hears that it lives. */
const followerOf = (book: SealBook, handle: (batch: RawBatch) => Promise<void>): Follower => ({
  claimed: async (topic, partition) => book.sealer.nextOffset(topic, partition),
  async batch(batch) {
    const beating = setInterval(() => void batch.heartbeat().catch(() => undefined), HEARTBEAT_MS);
    try {
      await handle(batch);
    } finally {
      clearInterval(beating);
    }
    await batch.heartbeat();
  },
});

function takeIn({ sealer }: SealBook, batch: RawBatch): void {
  const { topic, partition, records } = batch;
  const [first] = records;
  // It was fetched before the group formed anew, and has been handled since.
  if (first !== undefined && first.offset < sealer.nextOffset(topic, partition))
    throw new OffsetMovedByAnother(GROUP, topic, partition);
  sealer.add(batch);
}

function tell(number: number, sealedAt: string): void {
  sealNumber.set(number);
  sealedAtSeconds.set(Date.parse(sealedAt) / 1000);
}
