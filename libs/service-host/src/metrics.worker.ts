import { collectDefaultMetrics, Gauge, Histogram, Registry, register } from 'prom-client';

/** What a process tells Prometheus. */
export class Metrics {
  private readonly own = new Registry();
  readonly http = new Histogram({
    name: 'carat_http_request_duration_seconds',
    help: 'how long HTTP requests took',
    labelNames: ['method', 'route', 'status'],
    registers: [this.own],
  });
  readonly lagEvents = new Gauge({
    name: 'carat_consumer_lag_events',
    help: 'events that a consumer group has still to handle, over all partitions',
    labelNames: ['group'],
    registers: [this.own],
  });
  readonly lagSecondsMax = new Gauge({
    name: 'carat_consumer_lag_seconds_max',
    help: 'how long a consumer group is behind in its slowest partition',
    labelNames: ['group'],
    registers: [this.own],
  });
  readonly alarms = new Gauge({
    name: 'carat_alarms',
    help: 'parts that stopped by themselves and wait for a person',
    registers: [this.own],
  });

  constructor() {
    collectDefaultMetrics({ register: this.own });
  }

  /** Prometheus' text format: ours, and what services registered with prom-client themselves. */
  async text(): Promise<string> {
    return Registry.merge([this.own, register]).metrics();
  }

  readonly contentType = this.own.contentType;
}
