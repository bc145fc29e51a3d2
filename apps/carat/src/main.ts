import { restartBounded } from './verify/restart-bounded.js';

// Before anything else is loaded: it would be loaded twice.
if (process.argv[2] === 'audit' && process.argv[3] === 'verify') restartBounded();
await import('./program.js');
