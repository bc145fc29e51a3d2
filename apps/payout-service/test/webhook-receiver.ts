import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as it came in, with its bytes. */
export interface ReceivedWebhook {
  readonly path: string;
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a receiver answers: a status, or whatever it does with the response by itself. */
type Behaviour = (received: ReceivedWebhook, response: ServerResponse) => number | Promise<number> | undefined;

/** A creators' app: a real HTTP server that keeps what it is sent. */
export interface WebhookReceiver {
  readonly url: string;
  readonly received: ReceivedWebhook[];
  /** What it does from now on; at first it answers 204. */
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

export async function openReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  let behaviour: Behaviour = () => 204;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = request.headers as Record<string, string>;
    const webhook = { path: request.url ?? '', id: headers['webhook-id'] ?? '', headers, body: await text(request) };
    received.push(webhook);
    const status = await behaviour(webhook, response);
    if (status !== undefined) response.writeHead(status).end();
  };
  const server = createServer((request, response) => {
    // Who asks may hang up in the middle.
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    behave: (next) => {
      behaviour = next;
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}
