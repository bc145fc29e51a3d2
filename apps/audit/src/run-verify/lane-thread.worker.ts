import { parentPort, workerData } from 'node:worker_threads';
import { ManyEvents } from '@carat/events/decode-many';
import { openJournalRows } from '../carried/journal-rows.store.js';
import { type LanesTask, proveLanes } from '../lanes/read-lanes.flow.js';
import { openLogSource } from '../log-source/log-source.worker.js';
import { memoryOf } from '../passes/lots.js';
import { collected } from './collected.worker.js';
import type { ThreadData } from './run-lanes.worker.js';
import { failureOf } from './thread-failure.worker.js';

// A thread of `run-lanes`: it opens the log for itself and proves what it is sent, one task after another.

const { source, environment, databaseUrl } = workerData as ThreadData;
const log = await openLogSource(source, async () => environment);
const journal = databaseUrl === undefined ? undefined : await openJournalRows(databaseUrl);

const events = new ManyEvents();

const PROGRESS_AFTER_RECORDS = 10_000;

async function prove(task: LanesTask): Promise<void> {
  let untold = 0;
  const told = (records: number): void => {
    untold += records;
    if (untold < PROGRESS_AFTER_RECORDS) return;
    parentPort?.postMessage({ records: untold });
    untold = 0;
  };
  const result = await proveLanes({ log, journal, events }, task, collected(told));
  parentPort?.postMessage({ records: untold, result }, memoryOf(result.lots));
}

parentPort?.on('message', (task: LanesTask) => {
  prove(task).catch((error: Error) => parentPort?.postMessage({ records: 0, failure: failureOf(error) }));
});
