import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ProviderDoors } from '../test/provider-doors.js';
import { SECRET, WebhookReceiver } from '../test/webhook-receiver.js';

let receiver: WebhookReceiver;
let provider: ProviderDoors;
beforeAll(async () => {
  receiver = await WebhookReceiver.open();
  provider = await ProviderDoors.open({ PAYOUT_WEBHOOK_URL: receiver.url, PAYOUT_WEBHOOK_SECRETS: SECRET });
  await provider.advance(0);
}, 60_000);
afterAll(async () => {
  await provider?.close();
  await receiver?.close();
});

test('a restart keeps payouts and keys, the clock, the behaviour, and all that is still to come', async () => {
  await provider.behave({ seed: 5, delays: { settleMs: 1_000 } });
  const { body: pending } = await provider.ask({ payoutId: 'rdm_pending', method: 'pm_return' });
  const { body: refused } = await provider.ask({ payoutId: 'rdm_refused', amountMinor: 122 });
  const before = [await provider.send('GET', 'clock'), await provider.send('GET', 'behaviour')];
  await provider.restart();
  const after = [await provider.send('GET', 'clock'), await provider.send('GET', 'behaviour')];
  expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
  expect(await provider.ask({ payoutId: 'rdm_pending', method: 'pm_return' })).toMatchObject({
    status: 200,
    body: pending,
  });
  expect(await provider.ask({ payoutId: 'rdm_refused', amountMinor: 122 })).toMatchObject({
    status: 422,
    body: { code: refused.code },
  });
  await provider.advance(1_000);
  await provider.restart();
  await provider.advance(2 * 86_400_000);
  expect(await provider.movements()).toEqual(['rdm_pending payout 100 25', 'rdm_pending return 100 0']);
  expect(receiver.of('rdm_pending')).toEqual(['paid right', 'returned right']);
});

test('a webhook that a stop cut off is sent by the next start', async () => {
  receiver.answers = () => undefined;
  await provider.ask({ payoutId: 'rdm_cut_off' });
  const advanced = provider.advance(1_000).catch(() => undefined);
  while (receiver.received.every(({ payoutId }) => payoutId !== 'rdm_cut_off')) await provider.find('rdm_cut_off');
  // Long enough for the clock that goes on by itself to queue behind the call that is held.
  await setTimeout(600);
  receiver.answers = () => 204;
  await provider.restart();
  await advanced;
  await provider.advance(0);
  expect(receiver.of('rdm_cut_off')).toEqual(['paid right', 'paid right']);
});

test('a stop does not wait for calls that are held open', async () => {
  const held = provider.ask({ payoutId: 'rdm_held', method: 'pm_timeout' }).then(
    () => 'answered',
    () => 'hung up',
  );
  while ((await provider.find('rdm_held')).status === 404);
  const startedMs = performance.now();
  await provider.restart();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(await held).toBe('hung up');
  expect((await provider.ask({ payoutId: 'rdm_held', method: 'pm_timeout' })).status).toBe(200);
});
