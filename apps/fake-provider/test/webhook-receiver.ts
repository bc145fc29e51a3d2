import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

interface Received {
  readonly id: string;
  readonly payoutId: string;
  readonly status: string;
  /** When the payout changed, by the provider's clock. */
  readonly timestamp: string;
  /** Whether the signature holds, and why not. */
  readonly signature: 'right' | 'none' | 'wrong';
}

export const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

/** A server that takes webhooks as payout-service does, and keeps what it has received in the order of arrival. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** What it answers with; undefined: nothing at all. */
  answers: (webhook: Received) => number | undefined = () => 204;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(): Promise<WebhookReceiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const receiver = new WebhookReceiver(server, `http://127.0.0.1:${port}/v1/provider-webhooks/fake`);
    server.on('request', (request, response) => void receiver.take(request, response));
    return receiver;
  }

  /** What was received of a payout since it was last asked. */
  of(payoutId: string): string[] {
    const its = this.received.filter((webhook) => webhook.payoutId === payoutId);
    for (const one of its) this.received.splice(this.received.indexOf(one), 1);
    return its.map(({ status, signature }) => `${status} ${signature}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { type, timestamp, data } = JSON.parse(body);
    if (type !== 'payout.updated') throw new Error(`a webhook of the type ${type}`);
    const webhook = { ...data, timestamp, id: request.headers['webhook-id'], signature: signatureOf(request, body) };
    this.received.push(webhook);
    const status = this.answers(webhook);
    // A redirect leads here again, so that whoever follows it is seen.
    if (status !== undefined) response.writeHead(status, { location: this.url }).end();
  }
}

function signatureOf({ headers }: IncomingMessage, body: string): Received['signature'] {
  if (headers['webhook-signature'] === undefined) return 'none';
  try {
    new Webhook(SECRET).verify(body, headers as Record<string, string>);
    return 'right';
  } catch {
    return 'wrong';
  }
}
