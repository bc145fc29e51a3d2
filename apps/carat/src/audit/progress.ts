import { Presets, SingleBar } from 'cli-progress';
import type { AuditOptions } from './with-log.js';

/** Tells how far a verb is: a bar on a terminal, nothing in a pipe. */
export interface Progress {
  update(done: number, of: number): void;
  stop(): void;
}

export function progressOf({ quiet }: Pick<AuditOptions, 'quiet'>, unit: string): Progress {
  if (quiet === true || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    { stream: process.stderr, clearOnComplete: true, format: `{bar} {percentage}% | {value} of {total} ${unit}` },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update(done, of) {
      if (started) bar.update(done);
      else bar.start(of, done);
      started = true;
    },
    stop: () => bar.stop(),
  };
}
