import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderDoors, sentToOwnDoor } from '../../test/provider-doors.js';
import { SECRET, WebhookReceiver } from '../../test/webhook-receiver.js';

const DAY_MS = 86_400_000;
const OLD_SECRET = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

let receiver: WebhookReceiver;
let provider: ProviderDoors;
beforeAll(async () => {
  receiver = await WebhookReceiver.open();
  // The first secret is the newest, and what is signed with.
  const secrets = `${SECRET},${OLD_SECRET}`;
  provider = await ProviderDoors.open({ PAYOUT_WEBHOOK_URL: receiver.url, PAYOUT_WEBHOOK_SECRETS: secrets });
  await provider.advance(0);
}, 60_000);
afterEach(async () => {
  receiver.answers = () => 204;
  receiver.received.length = 0;
  await provider.db.query('DELETE FROM fake_provider.webhook');
  await provider.behave({});
});
afterAll(async () => {
  await provider?.close();
  await receiver?.close();
});

/** What is received of a new payout in two days. */
async function receivedOf(webhooks: object, method = 'pm_return'): Promise<string[]> {
  await provider.behave({ webhooks });
  const { body } = await provider.ask({ method });
  await provider.advance(2 * DAY_MS);
  return receiver.of(body.payoutId);
}

describe('a webhook is sent for every change', () => {
  test.each([
    ['pm_ok', ['paid right']],
    ['pm_fail_late', ['failed right']],
    ['pm_return', ['paid right', 'returned right']],
    ['pm_review', ['held right', 'paid right']],
    ['pm_silent', []],
  ])('of %s', async (method, webhooks) => {
    expect(await receivedOf({}, method)).toEqual(webhooks);
  });

  test('before the clock answers, and when the payout says so itself', async () => {
    const { body } = await provider.ask();
    await provider.advance(1_999);
    expect(receiver.received).toEqual([]);
    let statusThen = '';
    receiver.answers = ({ payoutId }) => {
      void provider.statusOf(payoutId).then((status) => {
        statusThen = status;
      });
      return 204;
    };
    const { body: clock } = await provider.advance(1);
    expect(receiver.received).toMatchObject([{ payoutId: body.payoutId, status: 'paid', timestamp: clock.now }]);
    await eventually(() => expect(statusThen).toBe('paid'));
  });

  test('in the order in which they fall due', async () => {
    const ids: string[] = [];
    for (const settleMs of [500, 100, 400, 300, 200]) {
      await provider.behave({ delays: { settleMs } });
      ids.push((await provider.ask()).body.payoutId);
    }
    await provider.advance(1_000);
    const [at500, at100, at400, at300, at200] = ids;
    expect(receiver.received.map(({ payoutId }) => payoutId)).toEqual([at100, at200, at300, at400, at500]);
  });

  test('once, however many move the clock at once', async () => {
    const ids = (await Promise.all(Array.from({ length: 30 }, () => provider.ask()))).map(({ body }) => body.payoutId);
    await Promise.all(Array.from({ length: 10 }, () => provider.advance(2_000)));
    expect(receiver.received.map(({ payoutId }) => payoutId).sort()).toEqual(ids.sort());
  });

  test('by itself, as the clock goes on', async () => {
    await provider.send('POST', 'clock', { frozen: false });
    await provider.behave({ delays: { settleMs: 20 } });
    const { body } = await provider.ask();
    await eventually(() => expect(receiver.received).toMatchObject([{ payoutId: body.payoutId, status: 'paid' }]));
    await provider.advance(0);
  });
});

describe('webhooks go wrong', () => {
  test('doubled, under one id', async () => {
    await provider.behave({ webhooks: { doubled: 10_000 } });
    await provider.ask({ method: 'pm_return' });
    await provider.advance(2 * DAY_MS);
    const [first, again, second, secondAgain] = receiver.received;
    expect(receiver.received.map(({ status }) => status)).toEqual(['paid', 'paid', 'returned', 'returned']);
    expect([again, secondAgain]).toEqual([first, second]);
    expect(first?.id).toMatch(/^msg_[0-9a-f]{32}$/);
    expect(second?.id).not.toBe(first?.id);
  });

  test('unsigned, wrongly signed, never', async () => {
    receiver.answers = ({ signature }) => (signature === 'right' ? 204 : 401);
    expect(await receivedOf({ unsigned: 10_000 })).toEqual(['paid none', 'returned none']);
    expect(await receivedOf({ wronglySigned: 10_000 })).toEqual(['paid wrong', 'returned wrong']);
    expect(await receivedOf({ never: 10_000 })).toEqual([]);
  });

  test('in the opposite order, each still saying when its change was', async () => {
    await provider.behave({ webhooks: { reordered: 10_000 } });
    const { body } = await provider.ask({ method: 'pm_return' });
    await provider.advance(5_000);
    expect(receiver.received).toMatchObject([{ payoutId: body.payoutId, status: 'returned' }]);
    expect(await provider.statusOf(body.payoutId)).toBe('paid');
    await provider.advance(2 * DAY_MS);
    const [returned, paid] = receiver.received;
    expect(paid?.status).toBe('paid');
    expect(Date.parse(returned?.timestamp ?? '') - Date.parse(paid?.timestamp ?? '')).toBe(DAY_MS);
  });

  test('delayed', async () => {
    await provider.behave({ webhooks: { delayedMs: 60_000 } });
    const { body } = await provider.ask();
    await provider.advance(61_999);
    expect(await provider.statusOf(body.payoutId)).toBe('paid');
    expect(receiver.received).toEqual([]);
    await provider.advance(1);
    expect(receiver.of(body.payoutId)).toEqual(['paid right']);
  });

  test('some of them only', async () => {
    await provider.behave({ seed: 4, webhooks: { unsigned: 3_000, never: 3_000, doubled: 3_000 } });
    await Promise.all(Array.from({ length: 100 }, () => provider.ask()));
    await provider.advance(5_000);
    const told = Map.groupBy(receiver.received, ({ payoutId }) => payoutId);
    const webhooks = [...told.values()].map((all) => all.map(({ signature }) => signature).join(' '));
    expect(new Set(webhooks)).toEqual(new Set(['right', 'none', 'right right', 'none none']));
    expect(told.size).toBeLessThan(90);
  });
});

describe('a webhook that is not taken', () => {
  const attempts = async (advanceMs: number): Promise<number> => {
    receiver.received.length = 0;
    await provider.advance(advanceMs);
    return receiver.received.length;
  };

  test.each([
    ['answered with 500', 500],
    ['answered with a redirect', 307],
    ['answered with 401', 401],
  ])('because it is %s is sent again, under the same id, four times and ever later', async (_why, status) => {
    receiver.answers = () => status;
    await provider.ask();
    await provider.advance(2_000);
    const [{ id } = { id: '' }] = receiver.received;
    for (const waitMs of [5_000, 30_000, 300_000, 3_600_000]) {
      expect(await attempts(waitMs - 1)).toBe(0);
      expect(await attempts(1)).toBe(1);
      expect(receiver.received).toMatchObject([{ id, signature: 'right' }]);
    }
    expect(await attempts(10 * DAY_MS)).toBe(0);
  });

  test('is not sent again once it is', async () => {
    receiver.answers = () => 503;
    const { body } = await provider.ask();
    await provider.advance(2_000);
    receiver.answers = () => 200;
    await provider.advance(10 * DAY_MS);
    expect(receiver.of(body.payoutId)).toEqual(['paid right', 'paid right']);
    expect(await attempts(10 * DAY_MS)).toBe(0);
  });

  test('because nothing answers does not keep the clock for ever', async () => {
    receiver.answers = () => undefined;
    await provider.ask();
    const startedMs = performance.now();
    expect((await provider.advance(2_000)).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(8_000);
    receiver.answers = () => 204;
    expect(await attempts(5_000)).toBe(1);
  });

  test('keeps no other from being sent', async () => {
    const { body: bad } = await provider.ask();
    const { body: good } = await provider.ask();
    receiver.answers = ({ payoutId }) => (payoutId === bad.payoutId ? 500 : 204);
    await provider.advance(2_000);
    receiver.received.length = 0;
    await provider.advance(DAY_MS);
    expect(receiver.of(good.payoutId)).toEqual([]);
    expect(receiver.of(bad.payoutId)).toEqual(['paid right']);
  });
});

test('a receiver that does not answer holds up no payout', async () => {
  const silent = await WebhookReceiver.open();
  const asked = await ProviderDoors.open({ PAYOUT_WEBHOOK_URL: silent.url, PAYOUT_WEBHOOK_SECRETS: SECRET });
  try {
    silent.answers = () => undefined;
    await asked.behave({ delays: { settleMs: 20 } });
    // One after the other, so that each webhook is due at another moment, and is waited for by itself.
    for (let nth = 0; nth < 5; nth++) await asked.ask();
    await eventually(() => expect(silent.received).toHaveLength(1));
    const { body } = await asked.ask();
    await eventually(async () => expect(await asked.statusOf(body.payoutId)).toBe('paid'), { withinMs: 4_000 });
    expect(silent.received.length).toBeLessThan(5);
  } finally {
    await asked.close();
    await silent.close();
  }
});

test('in standalone webhooks go to the door that the provider is behind itself', async () => {
  const standalone = await ProviderDoors.open();
  try {
    await standalone.advance(0);
    const { body } = await standalone.ask({ payoutId: 'rdm_own_door' });
    await standalone.advance(2_000);
    expect(sentToOwnDoor.map((text) => JSON.parse(text).data)).toEqual([{ payoutId: body.payoutId, status: 'paid' }]);
  } finally {
    await standalone.close();
  }
});
