import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { ClockSetting } from '../provider-clock/clock.js';
import { DeliverWebhooks } from './deliver-webhooks.worker.js';
import { type ClockReading, DueChanges } from './due-changes.store.js';

const EVERY_MS = 250;

/** Does what falls due as the provider's clock goes on, by itself or because somebody moves it. */
@Injectable()
export class ProviderTime implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('fake-provider');
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private delivering: Promise<void> | undefined;
  private trouble: string | undefined;

  constructor(
    private readonly changes: DueChanges,
    private readonly webhooks: DeliverWebhooks,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look()
        .catch((error: unknown) => this.tell(error))
        .finally(() => {
          this.looking = undefined;
        });
    }, EVERY_MS);
  }

  /** Does not wait for deliveries: those are stopped, by their own worker, only after this one has stopped. */
  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** Sets the clock and does all that is due by then: every change, then every webhook in its order. */
  async set(setting: ClockSetting): Promise<ClockReading> {
    const reading = await this.changes.doAll(setting);
    await this.webhooks.deliverUntil(reading.nowMs);
    return reading;
  }

  private async look(): Promise<void> {
    const { isAnythingDue } = await this.changes.clock();
    if (isAnythingDue) {
      const { nowMs } = await this.changes.doAll();
      // A receiver that is slow to answer holds up its webhooks, and no payout.
      this.delivering ??= this.webhooks
        .deliverUntil(nowMs)
        .catch((error: unknown) => this.tell(error))
        .finally(() => {
          this.delivering = undefined;
        });
    }
    this.trouble = undefined;
  }

  /** A database that is away for a minute is one line and not hundreds. */
  private tell(error: unknown): void {
    if (this.trouble !== String(error)) this.logger.error(error);
    this.trouble = String(error);
  }
}
