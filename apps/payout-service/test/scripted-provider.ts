import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PayoutRequest } from '../src/pay-creator/provider-answer.js';

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}
/** `hangs`: takes the request and never answers. `breaks`: takes it and breaks the connection. */
type Behaviour = Answer | 'hangs' | 'breaks';

export interface Call {
  readonly key: string | undefined;
  readonly authorization: string | undefined;
  readonly body: PayoutRequest;
}

/** A payout provider that does what a test tells it, over real HTTP. */
export interface ScriptedProvider {
  readonly url: string;
  /** What was sent, in its order. */
  readonly calls: Call[];
  readonly polls: string[];
  onCall(payout: PayoutRequest): Behaviour | Promise<Behaviour>;
  onPoll(payoutId: string): Behaviour;
  close(): Promise<void>;
  /** Listens again where it listened before. */
  reopen(): Promise<void>;
}

/** A payout's record as the provider tells it. */
export const record = (payout: PayoutRequest, status: string, change: object = {}): Answer => ({
  status: 200,
  body: {
    payoutId: payout.payoutId,
    providerReference: `ref-${payout.payoutId.slice(-8)}`,
    status,
    currency: payout.currency,
    amountMinor: payout.amountMinor,
    feeMinor: 25,
    ...change,
  },
});

export const notFound: Answer = { status: 404, body: { code: 'payout_not_found' } };

function respond(reply: ServerResponse, behaviour: Behaviour): void {
  if (behaviour === 'hangs') return;
  if (behaviour === 'breaks') {
    reply.destroy();
    return;
  }
  const { status, body } = behaviour;
  reply.writeHead(status, { 'content-type': 'application/json', ...(status === 302 ? { location: '/' } : {}) });
  reply.end(typeof body === 'string' ? body : JSON.stringify(body ?? {}));
}

/** Takes every payout, and then says of each that it is on its way. */
export async function openScriptedProvider(): Promise<ScriptedProvider> {
  const known = new Map<string, PayoutRequest>();
  const server = createServer((request, reply) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => void answer(request.method, request.url ?? '', request.headers, text, reply));
  });
  const answer = async (
    method: string | undefined,
    url: string,
    headers: NodeJS.Dict<string | string[]>,
    text: string,
    reply: ServerResponse,
  ): Promise<void> => {
    if (method === 'POST') {
      const body = JSON.parse(text) as PayoutRequest;
      known.set(body.payoutId, body);
      const key = headers['idempotency-key'] as string | undefined;
      provider.calls.push({ key, authorization: headers['authorization'] as string | undefined, body });
      respond(reply, await provider.onCall(body));
      return;
    }
    const payoutId = url.slice(url.lastIndexOf('/') + 1);
    provider.polls.push(payoutId);
    respond(reply, provider.onPoll(payoutId));
  };
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const provider: ScriptedProvider = {
    url: `http://127.0.0.1:${port}`,
    calls: [],
    polls: [],
    onCall: (payout) => ({ ...record(payout, 'pending'), status: 201 }),
    onPoll: (payoutId) => {
      const payout = known.get(payoutId);
      return payout === undefined ? notFound : record(payout, 'pending');
    },
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      // Until the other side knows: a call on a connection that is just being closed may have been heard.
      await sleep(200);
    },
    reopen: () => listen(port),
  };
  return provider;
}
