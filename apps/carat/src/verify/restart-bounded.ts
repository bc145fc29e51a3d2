// What is only told to V8 as a process starts. Left alone, it lets garbage lie until there is a gigabyte of it, and
// every thread has helpers that collect it, which take turns with those who read and check: a fifth of the time.
const FLAGS = [
  '--single-threaded-gc',
  // Nobody waits for this command to answer, and what comes into being while V8 marks in steps is all taken for alive.
  '--no-incremental-marking',
  // What a record leaves behind lives just long enough to be taken for lasting, and would be put, from its first moment
  // on, where only a full collection finds it.
  '--no-allocation-site-pretenuring',
  '--heap-growing-percent=50',
  // V8 hardly counts what lies outside of its heap. Whoever reads a log says when to collect.
  '--expose-gc',
  '--max-old-space-size=256',
  '--max-semi-space-size=3',
  // As large from the start: as the program is loaded, V8 would mark all of it ten times over.
  '--min-semi-space-size=3',
  '--initial-old-space-size=48',
];
// And to glibc: every thread would keep what it has once freed for itself alone, and a table of megabytes would be put
// among small things, from where it never goes back.
const VARIABLES = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(1024 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(8 * 1024 * 1024),
};

/**
 * Starts this very command anew in the place of this process, with bounded memory. Where a process cannot be replaced
 * (Windows), everything is as it is, and the command takes what memory it likes.
 */
export function restartBounded(): void {
  const [bounded = ''] = FLAGS;
  if (process.execve === undefined || process.platform === 'win32' || process.execArgv.includes(bounded)) return;
  process.execve(process.execPath, [process.execPath, ...FLAGS, ...process.execArgv, ...process.argv.slice(1)], {
    ...(process.env as Record<string, string>),
    ...VARIABLES,
  });
}
