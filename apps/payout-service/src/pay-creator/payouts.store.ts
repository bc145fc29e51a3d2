import type { EventLog, Tx } from '@carat/event-log';
import { Problem } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { openBreaks } from '../breaks/breaks.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { type Decided, decideOn } from '../redeem-diamonds/redemption.store.js';
import type { Actor } from '../redeem-diamonds/redemption-machine.js';
import { commandOf, nextPollInMs, type PayoutRequest, type ProviderAnswer } from './provider-answer.js';
import { breakIn } from './provider-break.js';

/** A payout of ours. */
export interface Payout {
  readonly redemptionId: string;
  readonly creatorId: string;
}

/** A payout that is to be called, claimed for as long as a call can take. */
export interface ClaimedCall extends Payout {
  readonly request: PayoutRequest;
}

/** A payout that is to be asked about. `pollAt` is the claim: a webhook that comes meanwhile has another. */
export interface ClaimedPoll extends Payout {
  readonly pollAt: string;
}

// The claim is committed before the first byte leaves. A process that ends in between leaves it behind, and what became
// of the call is unknown once it has run out.
const CLAIM_CALLS = `
  UPDATE payout.payout SET call_at = NULL, called_until = clock_timestamp() + make_interval(secs => $1::float8 / 1000)
  WHERE redemption_id IN (SELECT p.redemption_id FROM payout.payout p JOIN payout.redemption r USING (redemption_id)
                          WHERE p.call_at <= clock_timestamp() AND r.status = 'submitted'
                          ORDER BY p.call_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED)
  RETURNING redemption_id AS "redemptionId", creator_id AS "creatorId", request`;

// Asked again after a while if this process ends before it has the answer.
const CLAIM_POLLS = `
  UPDATE payout.payout SET polls = polls + 1, poll_at = clock_timestamp() + make_interval(secs => $1::float8 / 1000)
  WHERE redemption_id IN (SELECT redemption_id FROM payout.payout WHERE poll_at <= clock_timestamp()
                          ORDER BY poll_at LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING redemption_id AS "redemptionId", creator_id AS "creatorId", poll_at::text AS "pollAt"`;

const UNANSWERED = `
  SELECT redemption_id AS "redemptionId", creator_id AS "creatorId" FROM payout.payout
  WHERE called_until < clock_timestamp() ORDER BY called_until LIMIT $1`;

// Looked at again under the creator's lock: whoever made the call may have come back to it meanwhile. It keeps the row,
// so that nobody does so until the transaction ends.
const HAS_RUN_OUT = `
  SELECT 1 FROM payout.payout WHERE redemption_id = $1 AND called_until < clock_timestamp() FOR UPDATE`;

// The provider heard nothing, so the call may be made again. Not one whose claim ran out: that is unknown by now.
const CALL_AGAIN = `
  UPDATE payout.payout SET called_until = NULL, call_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
  WHERE redemption_id = $1 AND called_until IS NOT NULL`;

// Polls are counted anew in every state. When a webhook wants to have it asked sooner, that stays.
const NOTE = `
  UPDATE payout.payout SET
    called_until = CASE WHEN $2 THEN NULL ELSE called_until END, call_at = CASE WHEN $2 THEN NULL ELSE call_at END,
    polls = CASE WHEN $3 THEN 0 ELSE polls END,
    poll_at = CASE WHEN $4::timestamptz IS NULL THEN least(poll_at, $5::timestamptz)
                   WHEN poll_at = $4::timestamptz THEN $5::timestamptz ELSE poll_at END,
    heard = coalesce($6, heard), heard_at = CASE WHEN $6::json IS NULL THEN heard_at ELSE $7::timestamptz END
  WHERE redemption_id = $1`;
const POLLS = 'SELECT polls FROM payout.payout WHERE redemption_id = $1';

interface Speaker {
  readonly as: Actor;
  readonly by: string;
}
const US: Speaker = { as: 'system', by: 'system:payouts' };

/** Who an answer comes from: the provider; or us, who say that there was none. */
const speakerOf = ({ kind }: ProviderAnswer, provider: string): Speaker =>
  kind === 'unanswered' ? US : { as: 'provider', by: `provider:${provider}` };

// No answer to a question is no news of the payout. It is asked again the later the more often there was none.
const POLL_AGAIN = `
  UPDATE payout.payout SET poll_at = clock_timestamp() + make_interval(secs => least(300, power(2, least(polls, 9))))
  WHERE redemption_id = $1 AND poll_at = $2::timestamptz`;

/** What an answer is to: a call, a call whose claim has run out, or a poll under its claim. */
export type AnswerTo = 'call' | 'run_out' | Pick<ClaimedPoll, 'pollAt'>;

/** What was sent to the provider, and what was heard of it. */
@Injectable()
export class Payouts {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** Takes up to `limit` payouts that nobody has called yet, each for `forMs`: the provider knows nothing of them. */
  async claimCalls(forMs: number, limit: number): Promise<ClaimedCall[]> {
    return ((await this.db.query(CLAIM_CALLS, [forMs, limit])) as [ClaimedCall[], number])[0];
  }

  /** Takes up to `limit` payouts that it is time to ask about, each for `forMs`. */
  async claimPolls(forMs: number, limit: number): Promise<ClaimedPoll[]> {
    return ((await this.db.query(CLAIM_POLLS, [forMs, limit])) as [ClaimedPoll[], number])[0];
  }

  /** Payouts whose call has neither an answer nor any time left for one: whoever made it is gone. */
  unanswered(limit: number): Promise<Payout[]> {
    return this.db.query(UNANSWERED, [limit]);
  }

  /** Lets a call be made again that never reached the provider. */
  async callAgain({ redemptionId }: Payout, inMs: number): Promise<void> {
    await this.db.query(CALL_AGAIN, [redemptionId, inMs]);
  }

  /** Asks again later about a payout of which the provider has said nothing. */
  async pollAgain({ redemptionId, pollAt }: ClaimedPoll): Promise<void> {
    await this.db.query(POLL_AGAIN, [redemptionId, pollAt]);
  }

  /**
   * Applies what a call or a poll came to: the redemption moves, what was heard is kept, and when to ask next. What
   * does not add up opens a break. All of it commits together, and the same answer again changes nothing.
   * @throws Problem `redemption_not_ready`: the claim has not run out, after all
   */
  async apply({ redemptionId, creatorId }: Payout, answer: ProviderAnswer, to: AnswerTo): Promise<void> {
    const command = commandOf(answer);
    if (command === undefined) throw new Error(`${answer.kind} says nothing to a redemption`);
    const speaker = speakerOf(answer, this.environment.PAYOUT_PROVIDER);
    await this.db.transaction(async (tx) => {
      let atMs = 0;
      const about = { redemptionId, creatorId, logId: this.log.id, ...speaker };
      const decided = await decideOn(tx, about, async ({ clockMs }) => {
        atMs = clockMs;
        if (to === 'run_out' && ((await tx.query(HAS_RUN_OUT, [redemptionId])) as unknown[]).length === 0)
          throw new Problem('redemption_not_ready');
        return command;
      });
      const found = breakIn(answer, decided);
      await openBreaks(tx, found === undefined ? [] : [found], new Date(atMs));
      await note(tx, await this.withoutAnswer(tx, about, decided), answer, to, atMs);
    });
  }

  /** What the provider says of another amount is no answer to our call: people have to find out how it came out. */
  private async withoutAnswer(tx: Tx, about: Payout & { readonly logId: string }, decided: Decided): Promise<Decided> {
    if (decided.recorded !== 'break' || decided.redemption.status !== 'submitted') return decided;
    const reason = 'the provider answered with another amount';
    return decideOn(tx, { ...about, ...US }, () => ({ kind: 'unanswered', reason }));
  }
}

async function note(tx: Tx, { redemption, moved }: Decided, answer: ProviderAnswer, to: AnswerTo, atMs: number) {
  const { redemptionId } = redemption.asked;
  const [{ polls }] = (await tx.query(POLLS, [redemptionId])) as [{ polls: number }];
  const inMs = nextPollInMs(redemption.status, moved ? 0 : polls);
  const pollAt = inMs === undefined ? null : new Date(atMs + inMs);
  const isOfCall = typeof to === 'string';
  const claim = isOfCall ? null : to.pollAt;
  const heard = answer.kind === 'record' ? answer.record : null;
  await tx.query(NOTE, [redemptionId, isOfCall, moved, claim, pollAt, heard, new Date(atMs)]);
}

const ENTER = `
  INSERT INTO payout.payout (redemption_id, creator_id, request, call_at) VALUES ($1, $2, $3, clock_timestamp())`;

/** Writes down what will be sent, in the transaction that submits it. One redemption is one payout. */
export async function enterPayout(tx: Tx, creatorId: string, request: PayoutRequest): Promise<void> {
  await tx.query(ENTER, [request.payoutId, creatorId, request]);
}
