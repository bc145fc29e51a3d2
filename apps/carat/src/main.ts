import { restartBounded } from './verify/restart-bounded.js';

// Before anything else is loaded: it would be loaded twice, and a proof's second thread loads as much as its first.
if (process.argv[2] === 'audit' && process.argv[3] === 'verify') {
  restartBounded();
  const { prepareThread } = await import('@carat/audit/prepared-thread');
  prepareThread();
}
await import('./program.js');
