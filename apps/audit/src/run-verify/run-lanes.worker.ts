import type { Worker } from 'node:worker_threads';
import type { LogReader } from '@carat/event-log';
import { ManyEvents } from '@carat/events/decode-many';
import { openJournalRows } from '../carried/journal-rows.store.js';
import { type LanesResult, type LanesTask, proveLanes } from '../lanes/read-lanes.flow.js';
import type { LogSource } from '../log-source/log-source.js';
import type { LogEnvironment } from '../log-source/log-source.worker.js';
import { collected } from './collected.worker.js';
import { laneThread } from './prepared-thread.worker.js';
import { errorOf, type ThreadFailure } from './thread-failure.worker.js';

/** What a thread needs to open the log for itself. Plain data. */
export interface ThreadData {
  readonly source: LogSource;
  readonly environment: LogEnvironment;
  /** Where the journal is that Kafka's topics are relayed from; undefined when there is nothing to compare with. */
  readonly databaseUrl: string | undefined;
}

/** Whoever waits for lanes is told of them as they are proven, so that nothing has to lie until all of them are. */
export interface OnProven {
  records(count: number): void;
  result(result: LanesResult): void;
}

/** Proves tasks; with as many as there are threads, the last of them in this one. */
export type RunLanes = (tasks: readonly LanesTask[], on: OnProven) => Promise<void>;

/** Proves task by task in this thread, with a reader that is open. */
async function workHere(
  log: LogReader,
  databaseUrl: string | undefined,
  waiting: LanesTask[],
  on: OnProven,
): Promise<void> {
  const journal = databaseUrl === undefined ? undefined : await openJournalRows(databaseUrl);
  const events = new ManyEvents();
  try {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift())
      on.result(await proveLanes({ log, journal, events }, task, collected(on.records)));
  } finally {
    await journal?.close();
  }
}

/** What a thread is told: where its log is, and then what to prove, one task after another. */
export interface AskedOfThread {
  readonly open?: ThreadData;
  readonly prove?: LanesTask;
}

interface Told {
  readonly records: number;
  readonly result?: LanesResult;
  readonly failure?: ThreadFailure;
}

/**
 * Proves in so many threads, this one included: who has finished one task takes the next. The others have readers of
 * their own, and start at once: while they do, this one opens its log and finds out what there is to prove.
 */
export function inThreads(
  count: number,
  data: ThreadData,
): { runWith(log: LogReader): RunLanes; end(): Promise<void> } {
  const threads = Array.from({ length: count - 1 }, () => startThread(data));
  return {
    runWith: (log) => async (tasks, on) => {
      const waiting = [...tasks];
      let failure: Error | undefined;
      const others = threads.map((thread) => workOn(thread, waiting, on));
      for (const other of others)
        other.catch((error: Error) => {
          failure = error;
        });
      const records = (count: number): void => {
        // Nothing can be concluded any more: this thread does not read to its end for that.
        if (failure !== undefined) throw failure;
        on.records(count);
      };
      await Promise.all([workHere(log, data.databaseUrl, waiting, { ...on, records }), ...others]);
    },
    async end() {
      await Promise.all(threads.map(({ thread }) => thread.terminate()));
    },
  };
}

interface Started {
  readonly thread: Worker;
  /** Rejects when the thread is gone, whenever that is. */
  readonly ended: Promise<never>;
}

function startThread(data: ThreadData): Started {
  const thread = laneThread();
  thread.postMessage({ open: data } satisfies AskedOfThread);
  const ended = new Promise<never>((_, failed) => {
    thread.once('error', failed);
    thread.once('exit', () => failed(new Error('a thread of the audit ended before its work')));
  });
  // It may end before anybody waits for it.
  ended.catch(() => undefined);
  return { thread, ended };
}

const workOn = ({ thread, ended }: Started, waiting: LanesTask[], on: OnProven): Promise<void> =>
  new Promise((done, failed) => {
    const takeNext = (): void => {
      const next = waiting.shift();
      if (next === undefined) done();
      else thread.postMessage({ prove: next } satisfies AskedOfThread);
    };
    ended.catch(failed);
    thread.on('message', ({ records, result, failure }: Told) => {
      on.records(records);
      if (failure !== undefined) failed(errorOf(failure));
      if (result === undefined) return;
      on.result(result);
      takeNext();
    });
    takeNext();
  });
