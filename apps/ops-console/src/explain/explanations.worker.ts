import type { AskedId } from '@carat/audit/asked-id';
import { explain } from '@carat/audit/explain-trail';
import { type Explanation, forCreator } from '@carat/audit/explanation';
import { type Caller, Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { ConsoleKey } from '../receipts/console-key.worker.js';
import { TrailOfServices } from './trail-of-services.worker.js';

// An explanation looks into the log a dozen times: it is for whoever asks about one thing, not for a report on all.
const MOST_AT_ONCE = 8;

/** Explains one thing from what the services say of it. */
@Injectable()
export class Explanations {
  private running = 0;

  constructor(
    private readonly trails: TrailOfServices,
    private readonly key: ConsoleKey,
  ) {}

  /**
   * How it came about, as far as the caller may know; `authorization` is the caller's own.
   * @throws Problem `explanation_not_found`, also for what is another creator's; `too_many_at_once`; `unavailable` when
   * the service that owns it cannot be asked, or the log does not have it yet
   */
  async find(asked: AskedId, caller: Caller, authorization: string): Promise<Explanation> {
    if (this.running >= MOST_AT_ONCE) throw new Problem('too_many_at_once', { headers: { 'retry-after': '1' } });
    this.running += 1;
    try {
      return await this.follow(asked, caller, authorization);
    } finally {
      this.running -= 1;
    }
  }

  private async follow(asked: AskedId, { role, creatorId: own }: Caller, authorization: string): Promise<Explanation> {
    // What services say of a trail is for operators and auditors; what of it others may see is decided here.
    const mayAskItself = role === 'operator' || role === 'auditor';
    const onwards = mayAskItself ? authorization : await this.key.authorization();
    const trail = await this.trails.of(asked, onwards, own);
    if (trail === undefined) throw new Problem('explanation_not_found');
    const explanation = explain(trail);
    if (explanation === undefined) throw new Problem('unavailable', { detail: 'the log does not tell it yet' });
    if (own === undefined) return explanation;
    // The services have said whose it is before; this is what the events themselves say.
    if (explanation.creatorId !== own) throw new Problem('explanation_not_found');
    return forCreator(explanation);
  }
}
