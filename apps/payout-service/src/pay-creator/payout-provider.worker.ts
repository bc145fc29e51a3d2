import type { AddressInfo } from 'node:net';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Agent, fetch } from 'undici';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { answerToCall, answerToPoll, type PayoutRequest, type ProviderAnswer } from './provider-answer.js';

/** Where the fake provider's routes are in standalone. */
const FAKE_PROVIDER = '/fake-provider';

/** No connection came about, so not a byte of the request has left. Anything else may have been heard. */
const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/** The payout provider, over HTTP and by no other way. It decides nothing: what a call came to is its answer. */
@Injectable()
export class PayoutProvider implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
    private readonly own: HttpAdapterHost,
  ) {
    // Before the whole call has run out of time: a connection that never came about is known to have carried nothing.
    this.agent = new Agent({ connect: { timeout: Math.ceil(environment.PAYOUT_TIMEOUT / 2) } });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.close();
  }

  /** False while there is nobody to call: no provider is configured, or in standalone our own door is not open yet. */
  get isThere(): boolean {
    return this.url() !== undefined;
  }

  /** Sends a payout, once: whoever calls it again does so knowing that this one came to nothing. */
  async send(request: PayoutRequest): Promise<ProviderAnswer> {
    const { payoutId } = request;
    const headers = { 'content-type': 'application/json', 'idempotency-key': payoutId };
    const answered = await this.talk('/v1/payouts', { method: 'POST', headers, body: JSON.stringify(request) });
    return 'kind' in answered ? answered : answerToCall(payoutId, answered.status, answered.body);
  }

  /** Asks what became of a payout. */
  async ask(payoutId: string): Promise<ProviderAnswer> {
    const answered = await this.talk(`/v1/payouts/${encodeURIComponent(payoutId)}`, { method: 'GET', headers: {} });
    return 'kind' in answered ? answered : answerToPoll(payoutId, answered.status, answered.body);
  }

  private async talk(
    path: string,
    { headers, ...init }: { method: string; headers: Readonly<Record<string, string>>; body?: string },
  ): Promise<ProviderAnswer | { readonly status: number; readonly body: unknown }> {
    const authorization = `Bearer ${this.environment.PAYOUT_PROVIDER_KEY}`;
    try {
      const answered = await fetch(`${this.url()}${path}`, {
        ...init,
        headers: { ...headers, authorization },
        redirect: 'manual',
        dispatcher: this.agent,
        signal: AbortSignal.timeout(this.environment.PAYOUT_TIMEOUT),
      });
      const text = await answered.text();
      return { status: answered.status, body: jsonIn(text) };
    } catch (error) {
      const { name, cause } = error as Error & { cause?: { code?: string } };
      const code = cause?.code ?? name;
      return { kind: NEVER_CONNECTED.has(code) ? 'not_sent' : 'unanswered', reason: `no answer (${code})` };
    }
  }

  private url(): string | undefined {
    const { PAYOUT_PROVIDER_URL } = this.environment;
    if (PAYOUT_PROVIDER_URL !== 'self') return PAYOUT_PROVIDER_URL;
    const server = this.own.httpAdapter.getHttpServer() as { address(): AddressInfo | null };
    const listening = server.address();
    if (listening === null) return undefined;
    const { address, family, port } = listening;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${FAKE_PROVIDER}`;
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
