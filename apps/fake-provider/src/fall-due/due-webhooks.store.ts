import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { DueWebhook } from './webhook.js';

const DUE = `
  SELECT webhook_no AS "webhookNo", webhook_id AS "webhookId", payout_id AS "payoutId", status,
    changed_ms AS "changedMs", signature, due_ms AS "dueMs", attempts
  FROM fake_provider.webhook WHERE due_ms <= $1 ORDER BY due_ms, webhook_no LIMIT $2`;

const DONE_WITH = 'DELETE FROM fake_provider.webhook WHERE webhook_no = ANY($1::bigint[])';

const LATER = `
  UPDATE fake_provider.webhook w SET attempts = w.attempts + 1, due_ms = l.due_ms
  FROM unnest($1::bigint[], $2::bigint[]) AS l (webhook_no, due_ms) WHERE w.webhook_no = l.webhook_no`;

type Row = Omit<DueWebhook, 'changedMs' | 'dueMs'> & { readonly changedMs: string; readonly dueMs: string };

/** The webhooks that were not delivered yet. */
@Injectable()
export class DueWebhooks {
  constructor(private readonly db: DataSource) {}

  /** Up to `limit` webhooks that are due by then, in the order in which they are due. */
  async due(untilMs: number, limit: number): Promise<DueWebhook[]> {
    return ((await this.db.query(DUE, [untilMs, limit])) as Row[]).map((row) => ({
      ...row,
      changedMs: Number(row.changedMs),
      dueMs: Number(row.dueMs),
    }));
  }

  /** Forgets those that were delivered or given up, and puts off the others. */
  async settle(doneWith: readonly DueWebhook[], later: ReadonlyMap<DueWebhook, number>): Promise<void> {
    const numbers = (webhooks: Iterable<DueWebhook>) => [...webhooks].map(({ webhookNo }) => webhookNo);
    if (doneWith.length > 0) await this.db.query(DONE_WITH, [numbers(doneWith)]);
    if (later.size > 0) await this.db.query(LATER, [numbers(later.keys()), [...later.values()]]);
  }
}
