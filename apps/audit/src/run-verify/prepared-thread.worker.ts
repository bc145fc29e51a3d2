import { Worker } from 'node:worker_threads';

// Sums and ids are all that a thread keeps: a small young generation is collected often and keeps memory flat.
const THREAD_MEGABYTES = 256;
const YOUNG_MEGABYTES = 9;

const started = (): Worker =>
  new Worker(new URL('./lane-thread.worker.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEGABYTES, maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  });

let prepared: Worker | undefined;

/**
 * Starts a thread that proves lanes before anything else is loaded, and before it is known whether there is anything to
 * prove: it loads what it needs while this one does. It keeps no process alive.
 */
export function prepareThread(): void {
  prepared = started();
  prepared.unref();
}

/** A thread that proves lanes: the one that was prepared, or another. */
export function laneThread(): Worker {
  const thread = prepared ?? started();
  prepared = undefined;
  thread.ref();
  return thread;
}
