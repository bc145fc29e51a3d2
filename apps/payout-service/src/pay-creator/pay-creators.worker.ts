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
  private looking: Promise<void> | undefined;
  /** While the provider cannot be reached nothing more is sent: what is approved can still be cancelled. */
  private restsUntilMs = 0;

  constructor(
    private readonly moveOn: MoveOn,
    private readonly payouts: Payouts,
    private readonly provider: PayoutProvider,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.look(), this.environment.PAYOUT_EVERY);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  /** Takes every step that is due, once. A look that comes while another is on its way is that other. */
  look(): Promise<void> {
    this.looking ??= this.everyStep()
      .catch((error: unknown) => this.logger.error(error))
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  private async everyStep(): Promise<void> {
    for (const step of ['expire', 'screen', 'approve'] as const) await this.takeAll(step);
    if (!this.provider.isThere) return;
    if (Date.now() >= this.restsUntilMs) {
      await this.takeAll('submit');
      await this.call();
    }
    await this.giveUpCalls();
    await this.poll();
  }

  private async takeAll(step: 'expire' | 'screen' | 'approve' | 'submit'): Promise<void> {
    await each(await this.moveOn.waitingFor(step, LARGEST_LOT), (one) =>
      this.unlessMoved(one, this.moveOn.take(step, one)),
    );
  }

  /** Sends what nobody has sent yet. The claim of each is committed before its first byte leaves. */
  private async call(): Promise<void> {
    const forMs = this.environment.PAYOUT_TIMEOUT + MARGIN_MS;
    // Claimed by the handful: a claim that waited for others to be called first would run out meanwhile.
    for (let sent = 0; sent < LARGEST_LOT; sent += AT_ONCE) {
      const claimed = await this.payouts.claimCalls(forMs, AT_ONCE);
      await each(claimed, async (payout) => this.tell(payout, await this.provider.send(payout.request)));
      if (claimed.length < AT_ONCE || Date.now() < this.restsUntilMs) return;
    }
  }

  private async tell(payout: ClaimedCall, answer: ProviderAnswer): Promise<void> {
    if (answer.kind !== 'not_sent') return this.unlessMoved(payout, this.payouts.apply(payout, answer, 'call'));
    this.restsUntilMs = Date.now() + this.environment.PAYOUT_RETRY;
    this.logger.warn(`${payout.redemptionId} could not be sent: ${answer.reason}`);
    await this.payouts.callAgain(payout, this.environment.PAYOUT_RETRY);
  }

  private async giveUpCalls(): Promise<void> {
    const answer = { kind: 'unanswered', reason: 'whoever sent it ended before there was an answer' } as const;
    await each(await this.payouts.unanswered(LARGEST_LOT), (payout) =>
      this.unlessMoved(payout, this.payouts.apply(payout, answer, 'call')),
    );
  }

  private async poll(): Promise<void> {
    const forMs = this.environment.PAYOUT_TIMEOUT + MARGIN_MS;
    for (let asked = 0; asked < LARGEST_LOT; asked += AT_ONCE) {
      const claimed = await this.payouts.claimPolls(forMs, AT_ONCE);
      await each(claimed, async (payout) => {
        const answer = await this.provider.ask(payout.redemptionId);
        // No answer to a question is no news of the payout.
        if (answer.kind === 'record' || answer.kind === 'not_found')
          await this.unlessMoved(payout, this.payouts.apply(payout, answer, payout));
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
