import { runVerify, type VerifyTask } from './run-verify.worker.js';
import { failureOf } from './thread-failure.worker.js';

// The process of `verifyInProcess`. Whoever started it is told, and it ends with them.

process.on('disconnect', () => process.exit());
process.once('message', async (task: VerifyTask) => {
  try {
    const report = await runVerify(task, (done, of) => process.send?.({ done, of }));
    process.send?.({ report });
  } catch (error) {
    process.send?.({ failure: failureOf(error as Error) });
  }
});
