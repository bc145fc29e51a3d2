import { contentHash, derivedUuid } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Behaviour } from '../behaviour/behaviour.js';
import { CLOCK_COLUMNS, type ClockRow, nowOfRow } from '../provider-clock/clock-row.store.js';
import { type KeptPayout, type Payout, type PayoutRequest, shownPayout } from './payout.js';
import { type Accepted, planOf, type Refused } from './plan.js';

const COLUMNS = `payout_id AS "payoutId", provider_reference AS "providerReference", status, currency,
  amount_minor AS "amountMinor", fee_minor AS "feeMinor", reason, updated_ms AS "updatedMs", body_hash AS "bodyHash"`;

const KNOWN = `SELECT ${COLUMNS} FROM fake_provider.payout WHERE payout_id = $1`;

const PROVIDER = `SELECT ${CLOCK_COLUMNS}, behaviour FROM fake_provider.provider`;

// All of it or nothing, in one statement. Of several calls with one key the first one's row stands, and nothing of what
// the others had planned gets in.
const TAKE = `
  WITH taken AS (
    INSERT INTO fake_provider.payout
      (payout_id, body_hash, status, provider_reference, currency, amount_minor, fee_minor, updated_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (payout_id) DO NOTHING RETURNING payout_id
  ), changes AS (
    INSERT INTO fake_provider.change (payout_id, nth, due_ms, status, reason, kind, amount_minor, fee_minor)
    SELECT payout_id, c.* FROM taken, json_to_recordset($9) AS
      c (nth int, due_ms bigint, status text, reason text, kind text, amount_minor bigint, fee_minor bigint)
  ), webhooks AS (
    INSERT INTO fake_provider.webhook (payout_id, webhook_id, status, changed_ms, signature, due_ms)
    SELECT payout_id, w.* FROM taken, json_to_recordset($10) AS
      w (webhook_id text, status text, changed_ms bigint, signature text, due_ms bigint)
  )
  SELECT count(*)::int AS taken FROM taken`;

const LIST = `
  SELECT ${COLUMNS} FROM fake_provider.payout
  WHERE payout_id > $1 AND status <> 'refused' ORDER BY payout_id LIMIT $2`;

interface Row extends Omit<KeptPayout, 'status' | 'updatedMs'> {
  readonly status: KeptPayout['status'] | 'refused';
  readonly updatedMs: string;
  readonly bodyHash: string;
}

/** How a call is answered. */
type Answer =
  | { readonly kind: 'turned_away'; readonly problem: 'too_many_at_once' | 'unavailable' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly isReplayed: boolean }
  | { readonly kind: 'replayed'; readonly payout: Payout }
  | { readonly kind: Accepted['answer']; readonly payout: Payout; readonly holdOpenMs: number };

/** All that is kept of a payout that was refused is that it was; for everybody else there is none. */
const payoutOf = ({ bodyHash: _, status, updatedMs, ...row }: Row): Payout | undefined =>
  status === 'refused' ? undefined : shownPayout({ ...row, status, updatedMs: Number(updatedMs) });

/** The answer to whoever asks for a payout that was asked for before. */
function answerAgain(row: Row, bodyHash: string): Answer {
  if (row.bodyHash !== bodyHash) return { kind: 'conflict' };
  const payout = payoutOf(row);
  return payout === undefined ? { kind: 'refused', isReplayed: true } : { kind: 'replayed', payout };
}

/** The payouts that were asked for. */
@Injectable()
export class Payouts {
  constructor(private readonly db: DataSource) {}

  /** Takes a payout with its whole future, once for ever; whoever asks again is told of it. */
  async ask(request: PayoutRequest): Promise<Answer> {
    const bodyHash = contentHash('payout', request);
    const [provider] = (await this.db.query(PROVIDER)) as [ClockRow & { behaviour: unknown }];
    const behaviour = Behaviour.parse(provider.behaviour);
    const nowMs = nowOfRow(provider);
    const plan = planOf(request, behaviour);
    if (plan.verdict !== 'turned_away') {
      const kept = keptOf(request, plan, nowMs);
      if (await this.take(kept, bodyHash, plan, nowMs))
        return plan.verdict === 'refused'
          ? { kind: 'refused', isReplayed: false }
          : { kind: plan.answer, payout: shownPayout(kept), holdOpenMs: behaviour.delays.holdOpenMs };
    }
    const [known] = (await this.db.query(KNOWN, [request.payoutId])) as Row[];
    if (known !== undefined) return answerAgain(known, bodyHash);
    if (plan.verdict === 'turned_away') return { kind: 'turned_away', problem: plan.problem };
    throw new Error(`the payout ${request.payoutId} was asked for before, and is not there`);
  }

  /** A payout; undefined when none was accepted under this id. */
  async find(payoutId: string): Promise<Payout | undefined> {
    const [row] = (await this.db.query(KNOWN, [payoutId])) as Row[];
    return row && payoutOf(row);
  }

  /** Up to `limit` payouts in the order of their ids, behind the id `after`. */
  async list(limit: number, after: string): Promise<Payout[]> {
    return ((await this.db.query(LIST, [after, limit])) as Row[]).flatMap((row) => payoutOf(row) ?? []);
  }

  /** False when a payout was asked for under this id before; nothing of this one is kept then. */
  private async take(kept: KeptPayout, bodyHash: string, plan: Accepted | Refused, nowMs: number): Promise<boolean> {
    const { payoutId, providerReference, currency, amountMinor, feeMinor, updatedMs } = kept;
    const status = plan.verdict === 'refused' ? 'refused' : kept.status;
    const [{ taken }] = (await this.db.query(TAKE, [
      ...[payoutId, bodyHash, status, providerReference, currency, amountMinor, feeMinor, updatedMs],
      ...(plan.verdict === 'refused' ? ['[]', '[]'] : [changeRows(plan, nowMs), webhookRows(plan, nowMs)]),
    ])) as [{ taken: number }];
    return taken === 1;
  }
}

const keptOf = ({ payoutId, currency, amountMinor }: PayoutRequest, plan: Accepted | Refused, nowMs: number) => ({
  payoutId,
  providerReference: `fp_${derivedUuid(nowMs, 'fake payout', payoutId)}`,
  status: 'pending' as const,
  currency,
  amountMinor: String(plan.verdict === 'refused' ? amountMinor : plan.amountMinor),
  feeMinor: String(plan.verdict === 'refused' ? 0n : plan.feeMinor),
  reason: null,
  updatedMs: nowMs,
});

// Amounts go as decimal texts, which Postgres reads as the bigints they are.
const changeRows = ({ changes }: Accepted, nowMs: number): string =>
  JSON.stringify(
    changes.map(({ afterMs, status, reason, movement }, nth) => ({
      nth,
      due_ms: nowMs + afterMs,
      status,
      reason,
      ...(movement === null
        ? {}
        : { kind: movement.kind, amount_minor: String(movement.amountMinor), fee_minor: String(movement.feeMinor) }),
    })),
  );

const webhookRows = ({ webhooks }: Accepted, nowMs: number): string =>
  JSON.stringify(
    webhooks.map(({ afterMs, webhookId, status, changedAfterMs, signature }) => ({
      webhook_id: webhookId,
      status,
      changed_ms: nowMs + changedAfterMs,
      signature,
      due_ms: nowMs + afterMs,
    })),
  );
