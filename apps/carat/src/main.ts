import { restartBounded } from './verify/restart-bounded.js';

// Before anything else is loaded: it would be loaded twice, and the second thread of a proof loads as much as the first.
if (process.argv[2] === 'audit' && process.argv[3] === 'verify') {
  restartBounded();
  const { prepareThread } = await import('@carat/audit/prepared-thread');
  prepareThread();
}
await import('./program.js');
