import type { AddressInfo } from 'node:net';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type FakeEnvironment, WEBHOOK_PATH } from '../fake-environment.worker.js';
import { DueWebhooks } from './due-webhooks.store.js';
import { type DueWebhook, lotsOf, retriedAfterMs, sentWebhook } from './webhook.js';

const ANSWERED_WITHIN_MS = 5_000;
/** The most webhooks that are on their way at once. */
const MOST_AT_ONCE = 16;
/** The most whose delivery is recorded at once. A process that is killed sends as many again. */
const LARGEST_CHUNK = 500;

/** Delivers webhooks in the order in which they fall due; those of one moment go out together. */
@Injectable()
export class DeliverWebhooks implements OnModuleDestroy {
  private readonly logger = new Logger('fake-provider');
  private readonly closing = new AbortController();
  private delivering: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: FakeEnvironment,
    private readonly webhooks: DueWebhooks,
    private readonly own: HttpAdapterHost,
  ) {}

  /** Tries every webhook that is due by then, once, behind those that are on their way already. */
  deliverUntil(untilMs: number): Promise<void> {
    const delivered = this.delivering.then(() => this.deliver(untilMs));
    this.delivering = delivered.catch(() => undefined);
    return delivered;
  }

  async onModuleDestroy(): Promise<void> {
    this.closing.abort();
    await this.delivering;
  }

  private async deliver(untilMs: number): Promise<void> {
    for (;;) {
      const url = this.environment.PAYOUT_WEBHOOK_URL ?? this.ownUrl();
      if (url === undefined || this.closing.signal.aborted) return;
      const chunk = await this.webhooks.due(untilMs, LARGEST_CHUNK);
      if (chunk.length === 0) return;
      const doneWith: DueWebhook[] = [];
      const later = new Map<DueWebhook, number>();
      for (const lot of lotsOf(chunk, MOST_AT_ONCE)) {
        const areTaken = await Promise.all(lot.map((webhook) => this.isTaken(url, webhook)));
        // What a stop cut off was no attempt.
        if (this.closing.signal.aborted) break;
        lot.forEach((webhook, nth) => {
          const waitMs = areTaken[nth] === true ? undefined : retriedAfterMs(webhook.attempts);
          if (waitMs === undefined) doneWith.push(webhook);
          else later.set(webhook, untilMs + waitMs);
        });
      }
      await this.webhooks.settle(doneWith, later);
    }
  }

  private async isTaken(url: string, webhook: DueWebhook): Promise<boolean> {
    const [secret = ''] = this.environment.PAYOUT_WEBHOOK_SECRETS;
    const signal = AbortSignal.any([AbortSignal.timeout(ANSWERED_WITHIN_MS), this.closing.signal]);
    try {
      const sent = { method: 'POST', ...sentWebhook(webhook, secret, new Date()) };
      const answered = await fetch(url, { ...sent, redirect: 'error', signal });
      await answered.arrayBuffer();
      if (answered.ok) return true;
      throw new Error(`it answered ${answered.status}`);
    } catch (error) {
      const { message, cause } = error as Error;
      const reason = cause instanceof Error ? cause.message : message;
      this.logger.debug(`${url} has not taken ${webhook.webhookId}: ${reason}`);
      return false;
    }
  }

  /** In standalone payout-service is behind the same door as this; undefined while that is not open. */
  private ownUrl(): string | undefined {
    const at = this.own.httpAdapter.getHttpServer().address() as AddressInfo | null;
    if (at === null) return undefined;
    return `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}${WEBHOOK_PATH}`;
  }
}
