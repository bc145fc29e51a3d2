import { Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { MoveOn } from '../screen-redemptions/move-on.store.js';
import { PayoutProvider } from './payout-provider.worker.js';
import { type ClaimedCall, type Payout, Payouts } from './payouts.store.js';
import type { ProviderAnswer } from './provider-answer.js';

/** The most redemptions in one look, and how many of them at once: each holds a connection. */
const LARGEST_LOT = 200;
const AT_ONCE = 8;
/** Beyond the time that a call may take: for its answer to be written down. */
const MARGIN_MS = 5_000;

/**
 * The clock of redemptions: what nobody asks for happens here. Each step is a transaction of its own, found by what the
 * tables say, so a process that ends anywhere leaves nothing that the next one does not find.
 */
@Injectable()
export class PayCreators implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('payouts');
  private timer: NodeJS.Timeout | undefined;
  private moving: Promise<void> | undefined;
  private asking: Promise<void> | undefined;
  /** While the provider does not answer nothing more is sent: what is approved can still be cancelled. */
  private restsUntilMs = 0;

  constructor(
    private readonly moveOn: MoveOn,
    private readonly payouts: Payouts,
    private readonly provider: PayoutProvider,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      void this.move();
      void this.ask();
    }, this.environment.PAYOUT_EVERY);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.moving, this.asking]);
  }

  /** Takes every step that is due, once, and asks about every payout that it is time to ask about. */
  async look(): Promise<void> {
    await this.move();
    await this.ask();
  }

  /** Every step but asking. A call that comes while another is on its way is that other. */
  private move(): Promise<void> {
    this.moving ??= this.everyStep()
      .catch((error: unknown) => this.logger.error(error))
      .finally(() => {
        this.moving = undefined;
      });
    return this.moving;
  }

  /** Beside the steps and not among them: a provider that answers slowly keeps nobody from expiring or being sent. */
  private ask(): Promise<void> {
    this.asking ??= this.poll()
      .catch((error: unknown) => this.logger.error(error))
      .finally(() => {
        this.asking = undefined;
      });
    return this.asking;
  }

  private async everyStep(): Promise<void> {
    for (const step of ['expire', 'screen', 'approve'] as const) await this.takeAll(step, LARGEST_LOT);
    if (!this.provider.isThere) return;
    await this.giveUpCalls();
    // By the handful: what is submitted can no longer be stopped, so no more of it waits than is called at once.
    for (let sent = 0; sent < LARGEST_LOT && Date.now() >= this.restsUntilMs; sent += AT_ONCE) {
      const submitted = await this.takeAll('submit', AT_ONCE);
      if ((await this.call()) === 0 && submitted === 0) return;
    }
  }

  /** Answers how many there were. */
  private async takeAll(step: 'expire' | 'screen' | 'approve' | 'submit', limit: number): Promise<number> {
    const waiting = await this.moveOn.waitingFor(step, limit);
    await each(waiting, (one) => this.unlessMoved(one, this.moveOn.take(step, one)));
    return waiting.length;
  }

  /**
   * Sends what nobody has sent yet, a handful of it: the claim of each is committed before its first byte leaves, and
   * one that waited for others would run out meanwhile. Where nobody at all has answered, nothing is sent for a while.
   * Answers how many were called.
   */
  private async call(): Promise<number> {
    const claimed = await this.payouts.claimCalls(this.environment.PAYOUT_TIMEOUT + MARGIN_MS, AT_ONCE);
    let answered = 0;
    await each(claimed, async (payout) => {
      const answer = await this.provider.send(payout.request);
      if (answer.kind === 'record' || answer.kind === 'refused') answered++;
      await this.tell(payout, answer);
    });
    if (claimed.length > 0 && answered === 0) this.restsUntilMs = Date.now() + this.environment.PAYOUT_RETRY;
    return claimed.length;
  }

  private async tell(payout: ClaimedCall, answer: ProviderAnswer): Promise<void> {
    if (answer.kind !== 'not_sent') return this.unlessMoved(payout, this.payouts.apply(payout, answer, 'call'));
    this.logger.warn(`${payout.redemptionId} could not be sent: ${answer.reason}`);
    await this.payouts.callAgain(payout, this.environment.PAYOUT_RETRY);
  }

  private async giveUpCalls(): Promise<void> {
    const answer = { kind: 'unanswered', reason: 'whoever sent it ended before there was an answer' } as const;
    await each(await this.payouts.unanswered(LARGEST_LOT), (payout) =>
      this.unlessMoved(payout, this.payouts.apply(payout, answer, 'run_out')),
    );
  }

  private async poll(): Promise<void> {
    const forMs = this.environment.PAYOUT_TIMEOUT + MARGIN_MS;
    for (let asked = 0; asked < LARGEST_LOT; asked += AT_ONCE) {
      const claimed = await this.payouts.claimPolls(forMs, AT_ONCE);
      await each(claimed, async (payout) => {
        const answer = await this.provider.ask(payout.redemptionId);
        if (answer.kind === 'record' || answer.kind === 'not_found')
          return this.unlessMoved(payout, this.payouts.apply(payout, answer, payout));
        this.logger.warn(`${payout.redemptionId} was asked about: ${answer.reason}`);
        return this.payouts.pollAgain(payout);
      });
      if (claimed.length < AT_ONCE) return;
    }
  }

  /**
   * What cannot be done to one redemption does not keep the others. That somebody else has moved it meanwhile is no
   * trouble at all.
   */
  private async unlessMoved({ redemptionId }: Payout, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof Problem && error.status < 500) return;
      this.logger.error({ redemptionId, err: error }, 'a step of a redemption failed');
    }
  }
}

/** Does something to each, a few at once. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const hands = Array.from({ length: Math.min(AT_ONCE, left.length) }, async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  });
  await Promise.all(hands);
}
