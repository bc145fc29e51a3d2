import { setTimeout as sleep } from 'node:timers/promises';
import { type EventLog, type Recorded, readPart } from '@carat/event-log';
import { append, openJournalLog } from '@carat/event-log/journal';
import { EventLogStrategy } from '@carat/event-log/nest';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { event, histories } from '../../test/ledger-events.js';
import { naiveBalances } from '../../test/naive-ledger.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { book } from '../diamond-ledger/creator-books.store.js';
import { DiamondLedgerFlow } from '../diamond-ledger/diamond-ledger.flow.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import type { LedgerEvent } from '../diamond-ledger/transfers-of.js';
import { type BalancePosition, balanceTopics, ownPosition } from './balance-position.js';
import { BalancesAsOf } from './balances-as-of.store.js';
import { RedemptionPositionsFlow } from './redemption-positions.flow.js';

type Logged = LedgerEvent & Pick<Recorded, 'position' | 'recordedAtMs'>;
type OneTopic = Parameters<typeof append>[1];

const CREATORS = ['creator-0', 'creator-1', 'creator-2', 'creator-3', 'creator-4'];
let doors: PayoutDoors;
let log: EventLog;
let logged: Logged[];
let stopFlows: () => Promise<void>;

/** Written as in life: redemptions by the door that books them, the rest by other services. */
async function write(events: readonly LedgerEvent[]): Promise<void> {
  for (let at = 0; at < events.length; ) {
    const topic = topicOf(events[at] as LedgerEvent);
    const last = events.findIndex((each, index) => index > at && (index - at === 500 || topicOf(each) !== topic));
    const run = events.slice(at, last === -1 ? undefined : last);
    if (topic === 'redemption.events.v1')
      for (const each of run) await doors.db.transaction((tx) => book(tx, each as Parameters<typeof book>[1]));
    else await doors.db.transaction((tx) => append(tx, topic, run));
    at += run.length;
  }
}

const topicOf = ({ type }: LedgerEvent): OneTopic =>
  type.startsWith('carat.diamonds.') && type !== 'carat.diamonds.awarded.v1'
    ? 'diamond.events.v1'
    : type === 'carat.diamonds.awarded.v1' || type === 'carat.award.revoked.v1'
      ? 'award.events.v1'
      : 'redemption.events.v1';

async function readBack(): Promise<Logged[]> {
  const found: Logged[] = [];
  for await (const batch of log.read(balanceTopics, {}, await log.ends(balanceTopics)))
    found.push(...(readPart(batch, { lastSequence: null, journal: null }, false).events as Logged[]));
  return found;
}

/** The two flows at work, until the answer is called. */
async function runFlows(): Promise<() => Promise<void>> {
  const module = await Test.createTestingModule({
    controllers: [DiamondLedgerFlow, RedemptionPositionsFlow],
    providers: [{ provide: ENVIRONMENT, useValue: {} }],
  }).compile();
  const flows = module.createNestMicroservice({ strategy: new EventLogStrategy(log, doors.db), logger: false });
  await flows.listen();
  return () => flows.close();
}

const textOf = (position: BalancePosition): string =>
  balanceTopics.map((topic) => `${topic}/${position[topic].partition}:${position[topic].nextOffset}`).join(',');

const ask = (creatorId: string, query = '', key = doors.keys.auditor) =>
  doors.send('GET', `/v1/creators/${creatorId}/balance${query}`, key);

const ZEROS = { earned: '0', awarded: '0', adjusted: '0', reversed: '0', available: '0', held: '0', redeemed: '0' };

/** The balance by other arithmetic: of the creator's events that a test takes, in decimal. */
function naive(creatorId: string, isIn: (event: Logged) => boolean): Record<string, string> {
  const figures = naiveBalances(logged.filter(isIn)).get(creatorId);
  const decimal = Object.entries(figures ?? {}).map(([term, amount]) => [term, String(amount)]);
  return { ...ZEROS, recoverable: '0', ...Object.fromEntries(decimal) };
}

const isBefore =
  (position: BalancePosition) =>
  ({ position: { topic, partition, offset } }: Logged): boolean => {
    const { [topic as keyof BalancePosition]: asked } = position;
    return asked.partition === partition && offset < asked.nextOffset;
  };

const end = async (creatorId: string) => ownPosition(creatorId, await log.ends(balanceTopics)) as BalancePosition;

beforeAll(async () => {
  doors = await openPayoutDoors({}, ({ db, url }) =>
    openJournalLog({ db, databaseUrl: url, onAlarm: (_, alarm) => console.error(alarm) }),
  );
  log = doors.app.get(EVENT_LOG);
  // One identity has one content: an identity that is drawn again is a repeat.
  const contents = new Map<string, LedgerEvent>();
  const drawn = fc.sample(histories(), { seed: 7, numRuns: 120 }).flat();
  for (const [index, each] of drawn.entries()) {
    drawn[index] = contents.get(each.id) ?? each;
    contents.set(each.id, drawn[index]);
  }
  const [first, second] = [drawn.slice(0, drawn.length / 2), drawn.slice(drawn.length / 2)];
  const many = Array.from({ length: 4500 }, (_, n) =>
    event(n % 7 === 3 ? 'carat.diamonds.reversed.v1' : 'carat.diamonds.credited.v1', {
      n: 1000 + n,
      creatorId: n % 10 < 8 ? 'creator-1' : `creator-${n % 5}`,
      millidiamonds: n % 997,
    }),
  );
  await write(first);
  await write(many.slice(0, 2500));
  await sleep(5);
  await write(second);
  await write(many.slice(2500));
  logged = await readBack();
  stopFlows = await runFlows();
  for (const creatorId of CREATORS)
    await eventually(async () => {
      expect((await ask(creatorId, `?atPosition=${textOf(await end(creatorId))}`)).status).toBe(200);
    });
}, 60_000);
afterAll(async () => {
  await stopFlows?.();
  await log?.close();
  await doors?.close();
});

describe('a balance as of a position', () => {
  test('is exactly the sum of the events before it, whatever the position', async () => {
    const asOf = doors.app.get(BalancesAsOf);
    const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
    const asked = fc.record({ creatorId: fc.constantFrom(...CREATORS), shares: fc.tuple(share, share, share) });
    await fc.assert(
      fc.asyncProperty(asked, async ({ creatorId, shares }) => {
        const last = await end(creatorId);
        const cut = balanceTopics.map((topic, index) => {
          const { partition, nextOffset } = last[topic];
          return [topic, { partition, nextOffset: BigInt(Math.round(Number(nextOffset) * (shares[index] ?? 0))) }];
        });
        const position = Object.fromEntries(cut) as BalancePosition;
        const { position: answered, unit: _, creatorId: __, ...figures } = await asOf.read(creatorId, position, 0);
        expect(figures).toEqual(naive(creatorId, isBefore(position)));
        expect(textOf(position)).toBe(
          balanceTopics.map((of) => `${of}/${answered[of]?.partition}:${answered[of]?.nextOffset}`).join(','),
        );
      }),
      { numRuns: 150 },
    );
    expect(await doors.db.query('SELECT creator_id FROM payout.balance_snapshot')).toEqual(
      Array.from({ length: 3 }, () => ({ creator_id: 'creator-1' })),
    );
  });

  test('is the live balance at the live position', async () => {
    for (const creatorId of [...CREATORS, 'nobody']) {
      const live = await ask(creatorId);
      expect(live.body['position']).toEqual({
        'diamond.events.v1': expect.anything(),
        'award.events.v1': expect.anything(),
        'redemption.events.v1': expect.anything(),
      });
      const at = Object.entries(live.body['position'] as Record<string, { partition: number; nextOffset: string }>);
      const text = at.map(([topic, { partition, nextOffset }]) => `${topic}/${partition}:${nextOffset}`).join(',');
      expect(await ask(creatorId, `?atPosition=${text}`)).toEqual(live);
    }
  });

  test('that was not reached is refused, and so are other partitions than the creator’s own', async () => {
    const last = await end('creator-1');
    const { partition, nextOffset } = last['award.events.v1'];
    const beyond = { ...last, 'award.events.v1': { partition, nextOffset: nextOffset + 1n } };
    expect(await ask('creator-1', `?atPosition=${textOf(beyond)}`)).toMatchObject({
      status: 409,
      body: { code: 'position_not_reached', retryable: true },
    });
    const foreign = { ...last, 'award.events.v1': { partition: (partition + 1) % 4, nextOffset: 0n } };
    expect(await ask('creator-1', `?atPosition=${textOf(foreign)}`)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/atPosition', code: 'of_another_partition' }] },
    });
  });
});

describe('a balance as of a time', () => {
  test('is the sum of what was recorded strictly before it, at its position', async () => {
    const times = [...new Set(logged.map(({ recordedAtMs }) => recordedAtMs))].sort((a, b) => a - b);
    const some = [
      0,
      ...times.filter((_, index) => index % Math.ceil(times.length / 25) === 0),
      (times.at(-1) ?? 0) + 1,
    ];
    for (const [index, timeMs] of some.entries()) {
      const creatorId = CREATORS[index % CREATORS.length] as string;
      const { status, body } = await ask(creatorId, `?asOf=${new Date(timeMs).toISOString()}`);
      const { position, unit: _, creatorId: __, ...figures } = body;
      expect([status, figures]).toEqual([200, naive(creatorId, ({ recordedAtMs }) => recordedAtMs < timeMs)]);
      const text = Object.entries(position as Record<string, { partition: number; nextOffset: string }>)
        .map(([topic, at]) => `${topic}/${at.partition}:${at.nextOffset}`)
        .join(',');
      expect((await ask(creatorId, `?atPosition=${text}`)).body).toEqual(body);
    }
  });

  test('takes any offset from UTC, and refuses what is still to come', async () => {
    expect((await ask('creator-1', '?asOf=1970-01-01T01:00:00%2B01:00')).body).toMatchObject(ZEROS);
    expect(await ask('creator-1', `?asOf=${new Date(Date.now() + 60_000).toISOString()}`)).toMatchObject({
      status: 409,
      body: { code: 'position_not_reached' },
    });
  });
});

describe('the question', () => {
  test.each([
    ['?asof=2026-11-20T00:00:00Z', '/asof'],
    ['?asOf=yesterday', '/asOf'],
    ['?asOf=2026-11-20', '/asOf'],
    ['?asOf=', '/asOf'],
    ['?atPosition=7', '/atPosition'],
    ['?atPosition=diamond.events.v1/0:1', '/atPosition'],
    [
      '?asOf=2026-11-20T00:00:00Z&atPosition=diamond.events.v1/0:1,award.events.v1/0:1,redemption.events.v1/0:1',
      '/atPosition',
    ],
    ['?after=gft_019aa2c2-3a00-8000-8000-000000000000&asOf=2026-11-20T00:00:00Z', '/asOf'],
  ])('%s is refused, and the field named', async (query, pointer) => {
    expect(await ask('creator-1', query)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
  });

  test('is open to the creator’s own token, and another’s balance is not there', async () => {
    const token = await doors.tokenOf('creator-1');
    const query = `?atPosition=${textOf(await end('creator-1'))}`;
    expect(await ask('creator-1', query, token)).toEqual(await ask('creator-1', query));
    for (const asked of [query, '?asOf=2026-11-20T00:00:00Z', '?asOf=x'])
      expect(await ask('creator-2', asked, token)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('what the ledger did not keep', () => {
  test('a position from before positions were kept, or of a ledger that has read another log, is refused', async () => {
    const last = await end('creator-1');
    const { partition } = last['diamond.events.v1'];
    await doors.db.query('INSERT INTO payout.positions_kept_from VALUES ($1, $2, $3, 100)', [
      log.id,
      'diamond.events.v1',
      partition,
    ]);
    expect((await ask('creator-1', `?atPosition=${textOf(last)}`)).status).toBe(200);
    const early = { ...last, 'diamond.events.v1': { partition, nextOffset: 99n } };
    const refused = { status: 409, body: { code: 'position_not_kept', retryable: false } };
    expect(await ask('creator-1', `?atPosition=${textOf(early)}`)).toMatchObject(refused);
    await doors.db.query('TRUNCATE payout.positions_kept_from');
    expect((await ask('creator-1', `?atPosition=${textOf(early)}`)).status).toBe(200);

    await doors.db.query(
      `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
       VALUES ($1, 'old', 'award.events.v1', 0, 1, 1)`,
      [LEDGER_GROUP],
    );
    expect(await ask('creator-1', `?atPosition=${textOf(last)}`)).toMatchObject(refused);
    await doors.db.query(`DELETE FROM journal.consumer_offset WHERE log_id = 'old'`);
  });

  test('a creator with a gift of which it is not known where it stands has no balance as of a position', async () => {
    const query = `?atPosition=${textOf(await end('creator-2'))}`;
    const [{ event_id, log_offset }] = await doors.db.query(
      `SELECT event_id, log_offset FROM payout.transfer WHERE creator_id = 'creator-2' AND code = 'credit' LIMIT 1`,
    );
    const place = (offset: string | null): Promise<unknown> =>
      doors.db.query('UPDATE payout.transfer SET log_offset = $2 WHERE event_id = $1', [event_id, offset]);
    await place(null);
    expect(await ask('creator-2', query)).toMatchObject({ status: 409, body: { code: 'position_not_kept' } });
    await place(log_offset);
    expect((await ask('creator-2', query)).status).toBe(200);
  });
});

describe('while the log is behind the door', () => {
  test('a balance has no position of redemptions, until it was read that far', async () => {
    await stopFlows();
    const adjusted = event('carat.balance.adjusted.v1', { n: 999, creatorId: 'creator-1', millidiamonds: -7 });
    await write([adjusted]);
    const position = async (): Promise<string[]> => Object.keys((await ask('creator-1')).body['position']);
    expect(await position()).toEqual(['award.events.v1', 'diamond.events.v1']);
    stopFlows = await runFlows();
    await eventually(async () => expect(await position()).toContain('redemption.events.v1'));
    const { body } = await ask('creator-1', `?atPosition=${textOf(await end('creator-1'))}`);
    expect(body).toEqual((await ask('creator-1')).body);
  });
});
