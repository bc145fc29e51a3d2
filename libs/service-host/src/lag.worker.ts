import type { EventLog } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import { storedOffsets } from './database.store.js';
import { type Lag, lagOf, type Sample, withSample } from './lag.js';
import type { Metrics } from './metrics.worker.js';
import type { Declared } from './open-event-log.worker.js';

const EVERY_MS = 5_000;

/** Looks every 5 seconds how far each flow of the process is behind, and tells the metrics. */
export class LagSampler {
  private readonly samples = new Map<string, readonly Sample[]>();
  private timer: NodeJS.Timeout | undefined;
  private sampling: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: DataSource,
    private readonly log: EventLog,
    private readonly metrics: Metrics,
    private readonly onError: (error: Error) => void,
  ) {}

  start(flows: readonly Declared[]): void {
    const look = (): void => {
      this.sampling = this.sampling.then(() => this.sample(flows)).catch(this.onError);
    };
    look();
    this.timer = setInterval(look, EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.sampling;
  }

  private async sample(flows: readonly Declared[]): Promise<void> {
    if (flows.length === 0) return;
    const topics = [...new Set(flows.flatMap(({ flow }) => [flow.from].flat() as Topic[]))];
    // First the offsets, then the ends: the other way round a consumer could seem to be ahead.
    const stored = await storedOffsets(
      this.db,
      this.log.id,
      flows.map(({ flow }) => flow.group),
    );
    const ends = await this.log.ends(topics);
    const nowMs = Date.now();
    for (const { flow } of flows) {
      const lags: Lag[] = [];
      for (const topic of [flow.from].flat() as Topic[])
        for (const [partition, end] of (ends[topic] ?? []).entries()) {
          const at = stored.find(
            (row) => row.group === flow.group && row.topic === topic && row.partition === partition,
          );
          const name = `${flow.group} ${topic}/${partition}`;
          const samples = withSample(this.samples.get(name) ?? [], { atMs: nowMs, end }, at?.next ?? 0n);
          this.samples.set(name, samples);
          lags.push(lagOf(samples, end, at?.next ?? 0n, nowMs));
        }
      this.metrics.lagEvents.set({ group: flow.group }, Number(lags.reduce((sum, { events }) => sum + events, 0n)));
      this.metrics.lagSecondsMax.set({ group: flow.group }, Math.max(0, ...lags.map(({ seconds }) => seconds)));
    }
  }
}
