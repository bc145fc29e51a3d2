import { runVerify, type VerifyTask } from './run-verify.worker.js';
import { failureOf } from './thread-failure.worker.js';

// The process of `verifyInProcess`. Whoever started it is told, and it ends with them.

process.on('disconnect', () => process.exit());
process.once('message', (task: VerifyTask) => {
  runVerify(task, (done, of) => process.send?.({ done, of })).then(
    (report) => process.send?.({ report }),
    (error: Error) => process.send?.({ failure: failureOf(error) }),
  );
});
