import type { EventLog, Offsets } from '@carat/event-log';
import { ENVIRONMENT, EVENT_LOG, storedOffsets } from '@carat/service-host';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { GiftEnvironment } from '../gift-environment.worker.js';
import { INTAKE_GROUP, INTAKE_TOPIC } from '../intake.js';
import { closeTimedOutStreaks } from './close-streaks.store.js';
import { findRaisedBefore } from './streak.store.js';

const EVERY_MS = 500;
/** The most streaks in one transaction. */
const LARGEST_BATCH = 500;

/**
 * Closes streaks whose end never came. A frame may wait in the log while the intake is behind, so the clock here is not
 * the wall's: it stands at the last moment of which the intake has handled everything that the log had received.
 */
@Injectable()
export class CloseStreaks implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private closing: Promise<void> = Promise.resolve();
  private mark: { readonly atMs: number; readonly ends: Offsets } | undefined;

  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: GiftEnvironment,
  ) {}

  onApplicationBootstrap(): void {
    let isBusy = false;
    this.timer = setInterval(() => {
      if (isBusy) return;
      isBusy = true;
      this.closing = this.look()
        .catch((error: unknown) => this.log.trouble('carat.gift.close-streaks', error))
        .finally(() => {
          isBusy = false;
        });
    }, EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.closing;
  }

  private async look(): Promise<void> {
    const timeoutMs = this.environment.STREAK_TIMEOUT;
    const due = (untilMs: number) => findRaisedBefore(this.db.manager, untilMs - timeoutMs, LARGEST_BATCH);
    if ((await due(Date.now())).size === 0) return;
    const handledUntilMs = await this.handledUntil();
    if (handledUntilMs === undefined) return;
    for (let streaks = await due(handledUntilMs); streaks.size > 0; streaks = await due(handledUntilMs)) {
      const named = streaks;
      const closed = await this.db.transaction((tx) => closeTimedOutStreaks(tx, named, timeoutMs, handledUntilMs));
      if (closed === 0) return;
    }
  }

  /** A moment up to which the intake has handled all that was received, or undefined while it is behind the mark. */
  private async handledUntil(): Promise<number | undefined> {
    this.mark ??= { atMs: Date.now(), ends: await this.log.ends([INTAKE_TOPIC]) };
    const stored = await storedOffsets(this.db, this.log.id, [INTAKE_GROUP]);
    const next = new Map(stored.map(({ partition, next: offset }) => [partition, offset]));
    const isBehind = (this.mark.ends[INTAKE_TOPIC] ?? []).some((end, partition) => (next.get(partition) ?? 0n) < end);
    if (isBehind) return undefined;
    const { atMs } = this.mark;
    this.mark = undefined;
    return atMs;
  }
}
