import { createHash } from 'node:crypto';
import type { NewRecord } from '@carat/event-log';
import { ApiKeys } from '@carat/http-edge';
import { PARTITIONS, type Running } from './both-logs.js';
import type { CaratProcess } from './carat-process.js';
import { nameOf } from './generated-evening/books.js';
import { diceOf } from './generated-evening/dice.js';
import { SHOPS } from './generated-evening/generator.js';
import type { ExpectedReversal } from './generated-evening/oracle.js';
import type { Moderation, Plan, PlannedPrice, Purchase, Refund, Request } from './generated-evening/plan.js';
import { giftRequest } from './topology.js';

const AT_ONCE = 20;

type App = CaratProcess['app'];

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON of an answer under test
  readonly body: any;
}

/** The doors of the services, as the people and the upstream services of an evening use them. */
export class EveningDoors {
  private asked = 0;

  private constructor(
    private readonly running: Running,
    private readonly keys: ReadonlyMap<string, string>,
  ) {}

  /** Makes the keys of everyone who takes part. Proposing and approving are two people. */
  static async open(running: Running): Promise<EveningDoors> {
    const people = ['operator', 'approver', 'auditor'] as const;
    const wanted = [
      ...SHOPS.map((source) => ({ name: source, role: 'publisher' as const, principal: source, source })),
      ...people.map((role) => ({ name: role, role, principal: `the ${role}` })),
    ];
    const apiKeys = new ApiKeys(running.db);
    const keys = wanted.map(async ({ name, ...key }) => [name, (await apiKeys.create(key)).key] as const);
    return new EveningDoors(running, new Map(await Promise.all(keys)));
  }

  /** Proposes the rates and approves them, each market's once and in their order. */
  async setRates(plans: readonly Plan[]): Promise<void> {
    const lines = new Map(plans.map(({ rates }) => [rates[0]?.market, rates]));
    await each([...lines.values()], async (rates) => {
      for (const { market, numerator, denominator, fromMs } of rates) {
        const rate = { kind: 'gift-to-diamond', market, numerator, denominator, effectiveFrom: timeOf(fromMs) };
        const { rateId, contentHash } = (await this.mustPost('conversion-service', '/v1/rates', 'operator', rate)).body;
        await this.mustPost('conversion-service', `/v1/rates/${rateId}/approval`, 'approver', { contentHash });
      }
    });
  }

  async setPrices(plans: readonly Plan[]): Promise<void> {
    await each(plans, async ({ prices }) => {
      for (const price of prices) await this.setPrice(price);
    });
  }

  private async setPrice({ giftTypeId, fromMs, ...price }: PlannedPrice): Promise<void> {
    const looks = { name: giftTypeId, tier: 'emoji', animation: 'pop' };
    const body = { ...looks, ...price, effectiveFrom: timeOf(fromMs) };
    expectStatus([200], await this.send('PUT', 'gift-service', `/v1/gift-catalogue/${giftTypeId}`, 'operator', body));
  }

  async buy(purchases: readonly Purchase[]): Promise<void> {
    await eachInOrder(
      purchases,
      ({ viewerId }) => viewerId,
      async ({ source, ...purchase }) => {
        const body = { ...purchase, paid: { currency: 'EUR', amountMinor: purchase.coins }, channel: 'web' };
        await this.mustPost('gift-service', '/v1/coin-purchases', source, body);
      },
    );
  }

  /** Reverses and compares every answer with the expected one. `gifts` has the ids of gifts by their requests. */
  async reverse(reversals: readonly ExpectedReversal[], gifts: ReadonlyMap<string, string>): Promise<void> {
    await eachInOrder(
      reversals,
      ({ reversal }) => reversal.viewerId,
      async ({ reversal, answer }) => {
        const given = reversal.kind === 'refund' ? await this.refund(reversal) : await this.moderate(reversal, gifts);
        if (given !== answer) throw new Error(`${JSON.stringify(reversal)} got ${given}, expected ${answer}`);
      },
    );
  }

  private async refund({ source, purchaseId, reason }: Refund): Promise<string> {
    return saidOf(await this.post('gift-service', `/v1/coin-purchases/${purchaseId}/reversal`, source, { reason }));
  }

  private async moderate(moderation: Moderation, gifts: ReadonlyMap<string, string>): Promise<string> {
    const { giftOf, reversalId, coins, restore: restoreCoins } = moderation;
    const giftId = gifts.get(nameOf(giftOf));
    if (giftId === undefined) return 'no such gift';
    const path = `/v1/gifts/${giftId}/reversals`;
    const body = { reversalId, reason: 'moderation', restoreCoins, ...(coins === undefined ? {} : { coins }) };
    const proposed = await this.post('gift-service', path, 'operator', body);
    if (proposed.status !== 201) return saidOf(proposed);
    const { contentHash, reversalId: id } = proposed.body;
    return saidOf(await this.post('gift-service', `${path}/${id}/approval`, 'approver', { contentHash }));
  }

  async coinsOf(viewerId: string): Promise<Answer['body']> {
    return (await this.get('gift-service', `/v1/viewers/${viewerId}/coins`, SHOPS[0])).body;
  }

  async balanceOf(creatorId: string): Promise<Answer['body']> {
    return (await this.get('payout-service', `/v1/creators/${creatorId}/balance`, 'auditor')).body;
  }

  /**
   * Publishes requests in their order. Every third evening cuts them into many batches, and every fourth deals its
   * creators out to partitions in a way of its own.
   */
  async publish({ seed }: Plan, requests: readonly Request[]): Promise<void> {
    const dice = diceOf(-seed);
    const records = requests.map((request) => recordOf(request, seed % 4 === 1 ? seed : undefined));
    const size = seed % 3 === 0 ? dice.int(3, 25) : records.length;
    for (let at = 0; at < records.length; at += size)
      await this.running.log.publish('gift.requests.v1', records.slice(at, at + size));
  }

  private async mustPost(app: App, path: string, who: string, body: object): Promise<Answer> {
    return expectStatus([200, 201], await this.post(app, path, who, body));
  }

  private post(app: App, path: string, who: string, body: object): Promise<Answer> {
    return this.send('POST', app, path, who, body);
  }

  private async get(app: App, path: string, who: string): Promise<Answer> {
    return expectStatus([200], await this.send('GET', app, path, who));
  }

  private async send(method: string, app: App, path: string, who: string, body?: object): Promise<Answer> {
    this.asked += 1;
    const answer = await fetch(`${this.running.urlOf(app)}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.keys.get(who)}`,
        'idempotency-key': `evening-${this.asked}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }
}

const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

/** What a reversal was answered with. */
const saidOf = ({ status, body }: Answer): string => (status < 300 ? 'reversed' : body.code);

function expectStatus(statuses: readonly number[], answer: Answer): Answer {
  if (statuses.includes(answer.status)) return answer;
  throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

/** A creator's requests have one partition: where the key belongs, or where the dealer puts them. */
function recordOf({ source, id, timeMs, data }: Request, dealer: number | undefined): NewRecord {
  const value = giftRequest(source, id, data, { time: timeOf(timeMs) });
  const key = Buffer.from(data.creatorId);
  if (dealer === undefined) return { key, value };
  const dealt = createHash('sha256').update(`${dealer} ${data.creatorId}`).digest().readUInt32BE();
  return { key, value, partition: dealt % PARTITIONS };
}

/** Works on all at once, but for the limit. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

/** Works on those of one key one after another, and on several keys at once. */
const eachInOrder = <T>(items: readonly T[], keyOf: (item: T) => string, work: (item: T) => Promise<void>) =>
  each([...Map.groupBy(items, keyOf).values()], async (own) => {
    for (const item of own) await work(item);
  });
