import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Break } from '../breaks/break.js';
import { openBreaks } from '../breaks/breaks.store.js';

/** A webhook whose signature held. What it says of the payout is left aside: the provider is asked instead. */
export interface VerifiedWebhook {
  readonly provider: string;
  readonly webhookId: string;
  /** The payout that it is about, if it names one. */
  readonly payoutId: string | undefined;
}

const REMEMBER = `
  INSERT INTO payout.provider_webhook AS w (provider, webhook_id, redemption_id, received_at)
  VALUES ($1, $2, $3, clock_timestamp())
  ON CONFLICT (provider, webhook_id) DO UPDATE SET times = w.times + 1
  RETURNING times = 1 AS "isNew", received_at AS "receivedAt"`;

const IS_OURS = 'SELECT 1 FROM payout.redemption WHERE redemption_id = $1';
const ASK_NOW = 'UPDATE payout.payout SET poll_at = clock_timestamp() WHERE redemption_id = $1 RETURNING 1';

/** Webhooks of the payout provider: each is remembered, and makes us ask about its payout. */
@Injectable()
export class ProviderWebhooks {
  constructor(private readonly db: DataSource) {}

  /** Takes a webhook. One that comes again is counted and does no more. */
  take({ provider, webhookId, payoutId }: VerifiedWebhook): Promise<void> {
    return this.db.transaction(async (tx) => {
      const [{ isNew, receivedAt }] = (await tx.query(REMEMBER, [provider, webhookId, payoutId ?? null])) as [
        { isNew: boolean; receivedAt: Date },
      ];
      if (!isNew || payoutId === undefined) return;
      const [asked] = (await tx.query(ASK_NOW, [payoutId])) as [unknown[], number];
      if (asked.length > 0) return;
      const evidence = { provider, webhookId, payoutId };
      // Of a redemption that was never sent, or of nothing that we know.
      const isOurs = ((await tx.query(IS_OURS, [payoutId])) as unknown[]).length > 0;
      const found: Break = isOurs
        ? { outcome: 'incident', redemptionId: payoutId, about: 'a webhook', evidence }
        : { outcome: 'missing_here', about: payoutId, evidence };
      await openBreaks(tx, [found], receivedAt);
    });
  }
}
