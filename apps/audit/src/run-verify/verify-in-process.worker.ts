import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AuditReport } from '../verify/audit-report.js';
import type { VerifyTask } from './run-verify.worker.js';
import type { ThreadFailure } from './thread-failure.js';
import { errorOf } from './thread-failure.worker.js';

export type { VerifyTask };

// What is only told to a process as it starts. Left alone, V8 lets garbage lie until there is a gigabyte of it, and
// every thread has helpers that collect it, which take turns with those who read and check: on two cores a fifth of
// the time.
const FLAGS = ['--single-threaded-gc', '--max-old-space-size=256', '--max-semi-space-size=4'];

type Told =
  | { readonly done: number; readonly of: number }
  | { readonly report: AuditReport }
  | { readonly failure: ThreadFailure };

/**
 * Verifies in a process of bounded memory.
 * @throws LogUnreachable, FlowHalted; Error for whatever else ended the process
 */
export async function verifyInProcess(
  task: VerifyTask,
  onRecords: (done: number, of: number) => void,
): Promise<AuditReport> {
  const child = fork(fileURLToPath(new URL('./verify-process.worker.js', import.meta.url)), {
    execArgv: [...process.execArgv, ...FLAGS],
    // Amounts are bigints, which JSON does not have.
    serialization: 'advanced',
  });
  try {
    return await new Promise((done, failed) => {
      child.once('error', failed);
      child.once('exit', (code, signal) => failed(new Error(`the audit ended with ${signal ?? code} before its work`)));
      child.on('message', (told: Told) => {
        if ('report' in told) done(told.report);
        else if ('failure' in told) failed(errorOf(told.failure));
        else onRecords(told.done, told.of);
      });
      child.send(task);
    });
  } finally {
    child.kill();
  }
}
