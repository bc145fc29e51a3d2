import type { EventLog } from '@carat/event-log';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { signedHeaders } from '../webhook-endpoints/signing-secrets.js';
import { WebhookSender } from '../webhook-endpoints/webhook-sender.worker.js';
import { outcomeOf } from './next-attempt.js';
import { type Due, recordAttempt, takeDue } from './webhook-deliveries.store.js';

const MOST_AT_ONCE = 16;
/** Of those, the most that wait for endpoints which did not take the last thing they got. */
const MOST_FOR_FAILING = 8;
/** A timer that is set for longer goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Sends what is due. A delivery is taken under a lease that outlasts its attempt, and what came of it is recorded
 * after. A process that dies between the two leaves a delivery that is sent again, under the same id, when the lease
 * is over.
 */
@Injectable()
export class DeliverWebhooks implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly sender: WebhookSender;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;
  /** Attempts that are out or about to be; those for failing endpoints are counted once more. */
  private atOnce = 0;
  private forFailing = 0;
  private readonly looks = new Set<Promise<void>>();

  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {
    this.sender = new WebhookSender({ allowPrivate: environment.WEBHOOKS_ALLOW_PRIVATE });
  }

  onApplicationBootstrap(): void {
    const everyMs = Math.min(this.environment.WEBHOOKS_EVERY, LONGEST_TIMER_MS);
    this.timer = setInterval(() => void this.look(), everyMs);
  }

  /** Waits for what is out: the answer may be on its way, and unrecorded it would be asked for again. */
  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    clearInterval(this.timer);
    await Promise.all(this.looks);
    await this.sender.close();
  }

  /** Sends what is due, as much at once as there is room for, until nothing is; then answers. It never fails. */
  look(): Promise<void> {
    const looking = this.sendAll().finally(() => this.looks.delete(looking));
    this.looks.add(looking);
    return looking;
  }

  private async sendAll(): Promise<void> {
    const lanes = (await this.take(MOST_AT_ONCE)).map(async (first) => {
      // Where one ends the next begins, so a slow endpoint keeps its own lanes and no others.
      for (let due: Due | undefined = first; due !== undefined; [due] = await this.take(1)) await this.deliver(due);
    });
    await Promise.all(lanes);
  }

  /** Takes what is due as far as there is room. Endpoints that fail come last, and get a part of the room only. */
  private async take(most: number): Promise<Due[]> {
    const taken = await this.takeOf(false, Math.min(most, MOST_AT_ONCE - this.atOnce));
    const left = Math.min(most - taken.length, MOST_AT_ONCE - this.atOnce, MOST_FOR_FAILING - this.forFailing);
    return [...taken, ...(await this.takeOf(true, left))];
  }

  private async takeOf(failing: boolean, most: number): Promise<Due[]> {
    if (most <= 0 || this.isStopping) return [];
    // The room is held while the database answers, or two who look at once would both fill it.
    this.hold(failing, most);
    const taken = await takeDue(this.db, failing, most).catch((error: unknown) => this.trouble(error));
    this.hold(failing, taken.length - most);
    return taken;
  }

  private hold(failing: boolean, more: number): void {
    this.atOnce += more;
    if (failing) this.forFailing += more;
  }

  private async deliver(due: Due): Promise<void> {
    try {
      await this.attempt(due);
    } catch (error) {
      // Not recorded, it is due again when its lease is over.
      this.trouble(error);
    } finally {
      this.hold(due.failingSince !== null, -1);
    }
  }

  private async attempt(due: Due): Promise<void> {
    const { deliveryId, url, body, secrets, takenAt, failingSince } = due;
    const begunAtMs = performance.now();
    const headers = signedHeaders(deliveryId, takenAt.getTime(), body, secrets);
    const answer = await this.sender.send(url, headers, body);
    const durationMs = Math.round(performance.now() - begunAtMs);
    const attempt = { at: takenAt.toISOString(), ...answer, durationMs };
    const outcome = outcomeOf(attempt, { ...due, failingSinceMs: failingSince?.getTime() });
    await recordAttempt(this.db, due, attempt, outcome);
  }

  private trouble(error: unknown): Due[] {
    this.log.trouble('carat.payout.deliver-webhooks', error);
    return [];
  }
}
