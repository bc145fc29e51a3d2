import { Worker } from 'node:worker_threads';
import type { AuditReport } from '../verify/audit-report.js';
import type { VerifyTask } from './run-verify.worker.js';
import type { ThreadFailure } from './thread-failure.js';
import { errorOf } from './thread-failure.worker.js';

export type { VerifyTask };

// The main thread of a process lets garbage lie until there is a gigabyte of it. In a thread it is told when to stop.
const MEGABYTES = 192;
const YOUNG_MEGABYTES = 8;

type Told =
  | { readonly done: number; readonly of: number }
  | { readonly report: AuditReport }
  | { readonly failure: ThreadFailure };

/**
 * Verifies in a thread of bounded memory.
 * @throws LogUnreachable, FlowHalted; Error for whatever else ended the thread
 */
export async function verifyInThread(
  task: VerifyTask,
  onRecords: (done: number, of: number) => void,
): Promise<AuditReport> {
  const thread = new Worker(new URL('./verify-thread.worker.js', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MEGABYTES, maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  });
  try {
    return await new Promise((done, failed) => {
      thread.once('error', failed);
      thread.once('exit', () => failed(new Error('the thread of the audit ended before its work')));
      thread.on('message', (told: Told) => {
        if ('report' in told) done(told.report);
        else if ('failure' in told) failed(errorOf(told.failure));
        else onRecords(told.done, told.of);
      });
    });
  } finally {
    await thread.terminate();
  }
}
