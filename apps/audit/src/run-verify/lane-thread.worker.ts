import { parentPort } from 'node:worker_threads';
import { ManyEvents } from '@carat/events/decode-many';
import { openJournalRows } from '../carried/journal-rows.store.js';
import { type LanesReader, type LanesTask, proveLanes } from '../lanes/read-lanes.flow.js';
import { openLogSource } from '../log-source/log-source.worker.js';
import { memoryOf } from '../passes/lots.js';
import { collected } from './collected.worker.js';
import type { AskedOfThread, ThreadData } from './run-lanes.worker.js';
import { failureOf } from './thread-failure.worker.js';

// A thread of `run-lanes`: it opens the log for itself and proves what it is sent, one task after another.

let reader: Promise<LanesReader> | undefined;

async function opened({ source, environment, databaseUrl }: ThreadData): Promise<LanesReader> {
  return {
    log: await openLogSource(source, async () => environment),
    journal: databaseUrl === undefined ? undefined : await openJournalRows(databaseUrl),
    events: new ManyEvents(),
  };
}

const PROGRESS_AFTER_RECORDS = 10_000;

async function prove(task: LanesTask): Promise<void> {
  let untold = 0;
  const told = (records: number): void => {
    untold += records;
    if (untold < PROGRESS_AFTER_RECORDS) return;
    parentPort?.postMessage({ records: untold });
    untold = 0;
  };
  if (reader === undefined) throw new Error('a thread was given a task before its log');
  const result = await proveLanes(await reader, task, collected(told));
  parentPort?.postMessage({ records: untold, result }, memoryOf(result.lots));
}

parentPort?.on('message', ({ open, prove: task }: AskedOfThread) => {
  // Where it cannot be opened, the thread ends.
  if (open !== undefined) reader = opened(open);
  if (task === undefined) return;
  prove(task).catch((error: Error) => parentPort?.postMessage({ records: 0, failure: failureOf(error) }));
});
