import { createServer } from 'node:net';
import { eventually, freePort } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openReceiver, type WebhookReceiver } from '../../test/webhook-receiver.js';
import { checkUrl, type Lookup, WebhookSender } from './webhook-sender.worker.js';

const PUBLIC = '93.184.216.34';
const HERE = '127.0.0.1';

let receiver: WebhookReceiver;
const senders: WebhookSender[] = [];
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close()));
  await receiver.close();
});

const senderOf = (...options: ConstructorParameters<typeof WebhookSender>): WebhookSender => {
  const sender = new WebhookSender(...options);
  senders.push(sender);
  return sender;
};
const open = { allowPrivate: true };
const guarded = { allowPrivate: false };
const always =
  (...addresses: string[]): Lookup =>
  async () =>
    addresses;
/** The receiver under a name, so that something has to be looked up. */
const named = (): string => receiver.url.replace(HERE, 'app.example');

describe('an attempt', () => {
  test('is one POST of the body, with the headers it was given', async () => {
    expect(await senderOf(open).send(`${receiver.url}/hooks?a=b`, { 'webhook-id': 'whd_1' }, '{"ä":1}')).toEqual({
      status: 204,
    });
    expect(receiver.received).toMatchObject([{ path: '/hooks?a=b', id: 'whd_1', body: '{"ä":1}' }]);
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'carat-webhooks',
      connection: 'close',
    });
  });

  test.each([301, 302, 303, 307, 308])('that is answered with %d goes no further', async (status) => {
    const target = await openReceiver();
    receiver.behave((_, response) => {
      response.writeHead(status, { location: `${target.url}/elsewhere` }).end();
      return undefined;
    });
    expect(await senderOf(open).send(receiver.url, {}, '{}')).toEqual({ status, error: 'redirect_not_followed' });
    expect([receiver.received.length, target.received.length]).toEqual([1, 0]);
    await target.close();
  });

  test('that is not answered ends in time', async () => {
    receiver.behave(() => undefined);
    const begunAtMs = Date.now();
    expect(await senderOf({ ...open, timeoutMs: 200 }).send(receiver.url, {}, '{}')).toEqual({ error: 'timeout' });
    expect(Date.now() - begunAtMs).toBeLessThan(2_000);
  });

  test('whose host is never looked up ends in time', async () => {
    const lookup: Lookup = () => new Promise(() => undefined);
    expect(await senderOf({ ...open, lookup, timeoutMs: 200 }).send(named(), {}, '{}')).toEqual({ error: 'timeout' });
  });

  test('that is answered has its status, though the rest of the answer never comes', async () => {
    receiver.behave((_, response) => {
      response.writeHead(200);
      response.write('and ');
      return undefined;
    });
    expect(await senderOf({ ...open, timeoutMs: 300 }).send(receiver.url, {}, '{}')).toEqual({ status: 200 });
  });

  test('reads no more of an answer without end than it has to', async () => {
    let isCutOff = false;
    receiver.behave((_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(16_384)));
      };
      response.on('drain', more).on('close', () => {
        isCutOff = true;
      });
      more();
      return undefined;
    });
    expect(await senderOf(open).send(receiver.url, {}, '{}')).toEqual({ status: 200 });
    await eventually(async () => expect(isCutOff).toBe(true));
  });

  test('that reaches nobody, or nobody who speaks HTTP, says so as a code', async () => {
    const nobody = `http://${HERE}:${await freePort()}`;
    expect(await senderOf(open).send(nobody, {}, '{}')).toEqual({ error: 'ECONNREFUSED' });
    const server = createServer((socket) => socket.resume().end('220 smtp.example ESMTP\r\n'));
    await new Promise<void>((listening) => server.listen(0, HERE, listening));
    const { port } = server.address() as { port: number };
    const { status, error } = await senderOf(open).send(`http://${HERE}:${port}`, {}, '{}');
    expect([status, error]).toEqual([undefined, expect.stringMatching(/^\w+$/)]);
    await new Promise((closed) => server.close(closed));
  });
});

describe('a private address', () => {
  test('is not connected to, whatever the name stood for when it was registered', async () => {
    const answers = [PUBLIC, HERE];
    const lookup: Lookup = async () => [answers.shift() ?? HERE];
    const url = 'https://app.example/hooks';
    expect(await checkUrl(url, { ...guarded, lookup })).toEqual({ href: url });
    expect(await senderOf({ ...guarded, lookup }).send(named(), {}, '{}')).toEqual({ error: 'address_not_public' });
    expect(receiver.received).toEqual([]);
    // The same name and the same answer, and only the guard taken away.
    expect(await senderOf({ ...open, lookup }).send(named(), {}, '{}')).toEqual({ status: 204 });
    expect(receiver.received).toHaveLength(1);
  });

  test('is not connected to, in whatever place among the answers it stands', async () => {
    for (const lookup of [always(PUBLIC, HERE), always(HERE, PUBLIC), always('::1'), always(`::ffff:${HERE}`)])
      expect(await senderOf({ ...guarded, lookup }).send(named(), {}, '{}')).toEqual({ error: 'address_not_public' });
    expect(receiver.received).toEqual([]);
  });

  test('is not connected to when the URL has it in figures, for which nothing is looked up', async () => {
    const url = new URL(receiver.url);
    for (const host of [HERE, '2130706433', '[::1]', `[::ffff:${HERE}]`, '169.254.169.254']) {
      const sent = await senderOf(guarded).send(`http://${host}:${url.port}/`, {}, '{}');
      expect([host, sent]).toEqual([host, { error: 'address_not_public' }]);
    }
    expect(receiver.received).toEqual([]);
    expect(await senderOf(open).send(receiver.url, {}, '{}')).toEqual({ status: 204 });
  });

  test('is not connected to under the name of this machine', async () => {
    const url = receiver.url.replace(HERE, 'localhost');
    expect(await senderOf(guarded).send(url, {}, '{}')).toEqual({ error: 'address_not_public' });
    expect(receiver.received).toEqual([]);
  });
});

describe('a name, when it is registered', () => {
  const url = 'https://app.example/hooks';
  const failing =
    (code: string): Lookup =>
    async () => {
      throw Object.assign(new Error(code), { code });
    };

  test.each<[string, Lookup, object]>([
    ['stands for public addresses', always(PUBLIC, '2606:2800:220:1::1'), { href: url }],
    ['stands for a private one too', always(PUBLIC, '10.0.0.1'), { refused: 'address_not_public' }],
    ['stands for where clouds keep their keys', always('169.254.169.254'), { refused: 'address_not_public' }],
    ['stands for nothing', always(), { refused: 'host_not_found' }],
    ['is not known', failing('ENOTFOUND'), { refused: 'host_not_found' }],
    ['cannot be looked up just now', failing('EAI_AGAIN'), { unknown: true }],
    ['is never answered', () => new Promise(() => undefined), { unknown: true }],
  ])('that %s', async (_what, lookup, checked) => {
    expect(await checkUrl(url, { ...guarded, lookup, timeoutMs: 100 })).toEqual(checked);
  });

  test('is not looked up for what is refused anyway, nor for development', async () => {
    const lookup: Lookup = async () => {
      throw new Error('looked up');
    };
    expect(await checkUrl('http://app.example/', { ...guarded, lookup })).toEqual({ refused: 'scheme_not_allowed' });
    expect(await checkUrl('https://10.0.0.1/', { ...guarded, lookup })).toEqual({ refused: 'address_not_public' });
    expect(await checkUrl('http://app.example/', { ...open, lookup })).toEqual({ href: 'http://app.example/' });
  });
});
