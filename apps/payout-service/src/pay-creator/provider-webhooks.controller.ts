import { Id } from '@carat/events';
import { Problem, Public, TakesSignedText } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Body, Controller, Headers, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiBody, ApiExtension, ApiNoContentResponse } from '@nestjs/swagger';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { ProviderWebhooks } from './provider-webhooks.store.js';

const Signed = z.object({ text: z.string() });
type Signed = z.infer<typeof Signed>;

/** The one thing that is read of a webhook. */
const AboutPayout = z.object({ data: z.object({ payoutId: Id }) });

/** Where the payout provider tells us that something has changed. Its signature is its key (Standard Webhooks). */
@Controller('v1/provider-webhooks')
export class ProviderWebhooksController {
  private readonly secrets: readonly Webhook[];

  constructor(
    private readonly webhooks: ProviderWebhooks,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {
    this.secrets = (environment.PAYOUT_WEBHOOK_SECRETS ?? []).map((secret) => new Webhook(secret));
  }

  /** Takes a webhook that any of the secrets in force has signed, no longer than five minutes ago. */
  @Post(':provider')
  @Public()
  @TakesSignedText()
  @HttpCode(204)
  @ApiExtension('x-roles', [])
  @ApiBody({ description: 'Standard Webhooks; what it says is not applied, the provider is asked', schema: {} })
  @ApiNoContentResponse({ description: 'taken' })
  async take(
    @Param('provider') provider: string,
    @Headers() headers: Readonly<Record<string, string>>,
    @Body({ schema: Signed }) { text }: Signed,
  ): Promise<void> {
    const webhookId = headers['webhook-id'];
    if (!this.secrets.some((secret) => isSigned(secret, text, headers))) throw new Problem('webhook_not_verified');
    if (provider !== this.environment.PAYOUT_PROVIDER) throw new Problem('payout_provider_not_found');
    if (!Id.safeParse(webhookId).success || webhookId === undefined) throw new Problem('webhook_not_verified');
    await this.webhooks.take({ provider, webhookId, payoutId: payoutIn(text) });
  }
}

/** The library compares in constant time, and refuses what is more than five minutes old or ahead. */
function isSigned(secret: Webhook, text: string, headers: Readonly<Record<string, string>>): boolean {
  try {
    secret.verify(text, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

function payoutIn(text: string): string | undefined {
  try {
    return AboutPayout.parse(JSON.parse(text)).data.payoutId;
  } catch {
    return undefined;
  }
}
