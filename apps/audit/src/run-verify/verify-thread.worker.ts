import { parentPort, workerData } from 'node:worker_threads';
import { runVerify, type VerifyTask } from './run-verify.worker.js';
import { failureOf } from './thread-failure.worker.js';

// The thread of `verifyInThread`.

try {
  const report = await runVerify(workerData as VerifyTask, (done, of) => parentPort?.postMessage({ done, of }));
  parentPort?.postMessage({ report });
} catch (error) {
  parentPort?.postMessage({ failure: failureOf(error as Error) });
}
