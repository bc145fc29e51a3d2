import { setTimeout as sleep } from 'node:timers/promises';
import { caused, deadLetterTopicOf, derivedUuid, type Event, encode, partitionOf, type Topic } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import {
  type EventLog,
  type NewRecord,
  type RawRecord,
  type Recorded,
  type Running,
  Unhandleable,
} from './event-log.js';
import { findEvent, findRecords } from './find-event.js';
import { recordOf } from './journal/append.store.js';
import { readHeads, readJournal } from './journal/read.store.js';
import { project } from './project.store.js';

/** A log on infrastructure of its own, with the topics of libs/events in it. */
export interface Bed {
  readonly log: EventLog;
  readonly db: DataSource;
  readonly partitions: number;
  readonly alarms: Error[];
  /** The same log as another process would open it. */
  another(): Promise<EventLog>;
  /** The dead letters that a transform wrote. */
  transformsDeadLetters(group: string): Promise<RawRecord[]>;
  close(): Promise<void>;
}

type Gift = Extract<Event<'gift.events.v1'>, { type: 'carat.gift.sent.v1' }>;
type Credit = Extract<Event<'diamond.events.v1'>, { type: 'carat.diamonds.credited.v1' }>;

const GIFTS: Topic = 'gift.events.v1';
const FLOW = { group: 'test.rows', from: ['gift.events.v1'] } as const;
const CREDITS = { group: 'test.credits', from: 'gift.events.v1', to: 'diamond.events.v1' } as const;

/** The n-th gift, to one of seven creators. */
export function gift(n: number): Gift {
  const creatorId = `creator-${n % 7}`;
  const time = '2026-11-20T19:00:00.000Z';
  return caused(
    { source: '/test', id: `request-${n}`, time },
    {
      type: 'carat.gift.sent.v1',
      source: '/carat/gift-service',
      subject: creatorId,
      data: {
        giftId: `gft_${derivedUuid(Date.parse(time) + n, 'gift', String(n))}`,
        giftTypeId: 'rose',
        quantity: 1,
        coins: n,
        senderId: 'viewer-1',
        creatorId,
        context: { kind: 'live' as const, id: 'live-1' },
        market: '*',
        funding: { kind: 'external' as const, reference: `reference-${n}` },
        requestedBy: { source: '/test', id: `request-${n}` },
      },
    },
  );
}

const gifts = (count: number): Gift[] => Array.from({ length: count }, (_, n) => gift(n));
const coinsOf = (event: Recorded): number => (event as Recorded<'gift.events.v1'> & Gift).data.coins;

const byCreator = ({ subject }: Recorded<'gift.events.v1'>): string | undefined => subject;

/** The n-th request, for n + 1 roses. */
const request = (n: number): Buffer =>
  encode({
    specversion: '1.0',
    id: `request-${n}`,
    type: 'carat.gift.requested.v1',
    source: '/test',
    time: '2026-11-20T19:00:00Z',
    data: {
      giftTypeId: 'rose',
      quantity: n + 1,
      senderId: 'viewer-1',
      creatorId: 'creator-1',
      context: { kind: 'live', id: 'live-1' },
      funding: { kind: 'wallet' },
    },
  });

/** A record as the relay writes it. */
const relayed = (event: Gift, sequence: number, journal = 'journal-1'): NewRecord => ({
  ...recordOf({ ...event, sequence: String(sequence), journal } as Gift),
});

const headersOf = (record: RawRecord): Record<string, string> =>
  Object.fromEntries(record.headers.map(([name, value]) => [name, value.toString()]));

/** What every event log promises, on real parts. Each adapter runs this very suite. */
export function eventLogContract(name: string, open: () => Promise<Bed>): void {
  describe(`the event log on ${name}`, () => {
    let bed: Bed;
    let running: Running[] = [];

    beforeEach(async () => {
      bed = await open();
      await bed.db.query('CREATE TABLE public.seen (coins bigint, part int, at bigint)');
    }, 60_000);

    afterEach(async () => {
      await Promise.all(running.map((flow) => flow.stop()));
      running = [];
      await bed.close();
    }, 60_000);

    const start = async (flow: Promise<Running>): Promise<Running> => {
      running.push(await flow);
      return running.at(-1) as Running;
    };

    const note = async (
      events: readonly Recorded[],
      tx: { query(sql: string, values: unknown[]): Promise<unknown> },
    ) => {
      await tx.query('INSERT INTO public.seen SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[])', [
        events.map(coinsOf),
        events.map(({ position }) => position.partition),
        events.map(({ position }) => position.offset),
      ]);
    };

    const seen = async (): Promise<number[]> =>
      ((await bed.db.query('SELECT coins::int FROM public.seen ORDER BY coins')) as { coins: number }[]).map(
        (row) => row.coins,
      );

    const deadLetters = async (group: string): Promise<RawRecord[]> => {
      const heads = await readHeads(bed.db.manager, [deadLetterTopicOf(group)]);
      const read = heads.map(({ topic, partition }) => readJournal(bed.db.manager, topic, partition, 0n));
      return (await Promise.all(read)).flat();
    };

    const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

    test('given events, when followed, then each partition gives its keys’ records in order', async () => {
      await bed.log.publish(GIFTS, gifts(500).map(recordOf));
      await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toEqual(upTo(500)));
      const rows = (await bed.db.query('SELECT coins::int, part FROM public.seen ORDER BY part, at')) as {
        coins: number;
        part: number;
      }[];
      for (const { coins, part } of rows) expect(part).toBe(partitionOf(`creator-${coins % 7}`, bed.partitions));
      for (const creator of upTo(7)) {
        const order = rows.filter(({ coins }) => coins % 7 === creator).map(({ coins }) => coins);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    });

    test('a flow that was stopped goes on where it was, and nothing is handled twice', async () => {
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      const first = await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toHaveLength(100));
      await first.stop();
      await bed.log.publish(GIFTS, gifts(200).slice(100).map(recordOf));
      await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toHaveLength(200));
      expect(await seen()).toEqual(upTo(200));
    });

    test('of two instances of a group, one handles each record; the other takes over', async () => {
      const other = await bed.another();
      const one = await start(project(bed.log, bed.db, FLOW, note));
      await start(project(other, bed.db, FLOW, note));
      await bed.log.publish(GIFTS, gifts(300).map(recordOf));
      await eventually(async () => expect(await seen()).toHaveLength(300), { withinMs: 20_000 });
      await one.stop();
      await bed.log.publish(GIFTS, gifts(600).slice(300).map(recordOf));
      await eventually(async () => expect(await seen()).toHaveLength(600), { withinMs: 20_000 });
      expect(await seen()).toEqual(upTo(600));
      await Promise.all(running.map((flow) => flow.stop()));
      running = [];
      await other.close();
    });

    test('a step that fails leaves no rows; the world’s fault is tried again until it is over', async () => {
      let failures = 0;
      const shaky = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]): Promise<void> => {
        await note(events, tx);
        if (failures++ < 3) throw Object.assign(new Error('the database is starting up'), { code: '57P03' });
      };
      await bed.log.publish(GIFTS, gifts(50).map(recordOf));
      await start(project(bed.log, bed.db, FLOW, shaky));
      await eventually(async () => expect(await seen()).toEqual(upTo(50)));
      expect(await deadLetters(FLOW.group)).toEqual([]);
    });

    test('a poison record is a dead letter, byte for byte, and no other record is touched', async () => {
      const refuses = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]): Promise<void> => {
        if (events.some((event) => coinsOf(event) === 41)) throw new Unhandleable('bad_luck', 'forty-one is bad luck');
        await note(events, tx);
      };
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      await start(project(bed.log, bed.db, FLOW, refuses));
      await eventually(async () => expect(await seen()).toEqual(upTo(100).filter((n) => n !== 41)));
      const [letter, ...others] = await deadLetters(FLOW.group);
      expect(others).toEqual([]);
      expect(letter?.value).toEqual(recordOf(gift(41)).value);
      expect(letter?.key).toEqual(Buffer.from('creator-6'));
      expect(headersOf(letter as RawRecord)).toMatchObject({
        '__dlq.errors.topic': GIFTS,
        '__dlq.errors.partition': String(partitionOf('creator-6', bed.partitions)),
        '__dlq.errors.group': FLOW.group,
        '__dlq.errors.message': 'forty-one is bad luck',
        'carat-error-class': 'bad_luck',
      });
    });

    test('a step that names its poison keeps the rest of the batch in one go', async () => {
      const names = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]) => {
        const bad = events.filter((event) => coinsOf(event) % 10 === 3);
        await note(
          events.filter((event) => !bad.includes(event)),
          tx,
        );
        return bad.map(({ position }) => ({ position, code: 'ends_in_three', detail: 'it ends in three' }));
      };
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      await start(project(bed.log, bed.db, FLOW, names));
      await eventually(async () => expect(await seen()).toEqual(upTo(100).filter((n) => n % 10 !== 3)));
      const letters = await deadLetters(FLOW.group);
      expect(letters.map((letter) => headersOf(letter)['carat-error-class'])).toEqual(Array(10).fill('ends_in_three'));
    });

    test('what cannot be read is a dead letter, and the partition moves on', async () => {
      const key = Buffer.from('creator-1');
      const bytes = ['not json at all', '42', '{"type":"carat.gift.exploded.v1"}', ''].map((text) => Buffer.from(text));
      const bad = [
        ...bytes.map((value) => ({ key, value })),
        { key, value: null },
        { key: null, value: Buffer.from([0, 255]) },
      ];
      await bed.log.publish(GIFTS, [...bad, recordOf(gift(1))]);
      await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toEqual([1]));
      await eventually(async () => expect(await deadLetters(FLOW.group)).toHaveLength(bad.length));
      const letters = await deadLetters(FLOW.group);
      expect(letters.map(({ value }) => value?.toString('hex') ?? null).sort()).toEqual(
        bad.map(({ value }) => value?.toString('hex') ?? null).sort(),
      );
    });

    test('upstream’s records are taken with any key or none, and the offset moves past them', async () => {
      const records = upTo(40).map((n) => ({ key: n % 2 === 0 ? null : Buffer.from([n]), value: request(n) }));
      await bed.log.publish('gift.requests.v1', records);
      const flow = { group: 'test.requests', from: ['gift.requests.v1'] } as const;
      await start(
        project(bed.log, bed.db, flow, (events, tx) =>
          note(
            events.map((event) => ({ ...event, data: { coins: event.data.quantity - 1 } }) as unknown as Recorded),
            tx,
          ),
        ),
      );
      await eventually(async () => expect(await seen()).toEqual(upTo(40)));
      const [{ next }] = (await bed.db.query('SELECT sum(next_offset)::int AS next FROM journal.consumer_offset')) as [
        { next: number },
      ];
      expect(next).toBe(40);
    });

    test('what a relay repeats is dropped', async () => {
      const same = gifts(4).map((event) => ({ ...event, subject: 'creator-1' }));
      const order = [0, 1, 0, 1, 2, 1, 2, 3];
      await bed.log.publish(
        GIFTS,
        order.map((n) => relayed(same[n] as Gift, n)),
      );
      await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toEqual([0, 1, 2, 3]));
    });

    test('a gap in a relay’s sequence stops the flow with an alarm that names it', async () => {
      const same = gifts(5).map((event) => ({ ...event, subject: 'creator-1' }));
      await bed.log.publish(
        GIFTS,
        [0, 1].map((n) => relayed(same[n] as Gift, n)),
      );
      const flow = await start(project(bed.log, bed.db, FLOW, note));
      await eventually(async () => expect(await seen()).toEqual([0, 1]));
      await bed.log.publish(
        GIFTS,
        [3, 4].map((n) => relayed(same[n] as Gift, n)),
      );
      await eventually(() =>
        expect(flow.alarm()?.message).toMatch(/sequence gap on gift\.events\.v1\/\d+: 2 missing before 3/),
      );
      expect(bed.alarms.map(({ message }) => message)).toEqual([flow.alarm()?.message]);
      expect(await seen()).toEqual([0, 1]);
    });

    test('records of another journal stop the flow', async () => {
      await bed.log.publish(GIFTS, [relayed(gift(1), 0), relayed(gift(8), 1, 'journal-2')]);
      const flow = await start(project(bed.log, bed.db, FLOW, note));
      await eventually(() =>
        expect(flow.alarm()?.message).toMatch(/relayed from the journal journal-2, not journal-1/),
      );
    });

    test('a transform writes to the partition it read, and its dead letters keep their bytes', async () => {
      const credits = async (events: readonly Recorded<'gift.events.v1'>[]): Promise<Credit[]> => {
        if (events.some((event) => coinsOf(event) === 13)) throw new Unhandleable('bad_luck', 'thirteen is bad luck');
        return events.map((event) => creditOf(event as Gift));
      };
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      await start(bed.log.transform(CREDITS, credits));
      await eventually(async () => expect(await creditedCoins()).toEqual(upTo(100).filter((n) => n !== 13)));
      const [letter, ...others] = await bed.transformsDeadLetters(CREDITS.group);
      expect(others).toEqual([]);
      expect(letter?.value).toEqual(recordOf(gift(13)).value);
    });

    test('behind a dead letter its key waits, in order, over a restart; other keys and groups do not', async () => {
      const parking = { ...FLOW, parkBy: byCreator };
      const refuses = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]): Promise<void> => {
        if (events.some((event) => coinsOf(event) === 41)) throw new Unhandleable('bad_luck', 'forty-one is bad luck');
        await note(events, tx);
      };
      await bed.log.publish(GIFTS, gifts(70).map(recordOf));
      const first = await start(project(bed.log, bed.db, parking, refuses));
      const waits = (n: number): boolean => n >= 41 && n % 7 === 6;
      await eventually(async () => expect(await seen()).toEqual(upTo(70).filter((n) => !waits(n))));
      await first.stop();
      await bed.log.publish(GIFTS, gifts(140).slice(70).map(recordOf));
      await start(project(bed.log, bed.db, parking, note));
      await eventually(async () => expect(await seen()).toEqual(upTo(140).filter((n) => !waits(n))));
      await eventually(async () => expect(await deadLetters(FLOW.group)).toHaveLength(15));
      const letters = await deadLetters(FLOW.group);
      expect(letters.map(({ value }) => value)).toEqual(
        upTo(140)
          .filter(waits)
          .map((n) => recordOf(gift(n)).value),
      );
      const [poison, ...waiting] = letters.map(headersOf);
      expect(poison).toMatchObject({ 'carat-error-class': 'bad_luck' });
      const at = `${GIFTS}/${poison?.['__dlq.errors.partition']}/${poison?.['__dlq.errors.offset']}`;
      const reason = {
        'carat-error-class': 'waits_for_parked_key',
        '__dlq.errors.message': `waits for the parked key creator-6: ${at} is a dead letter`,
      };
      for (const one of waiting) expect(one).toMatchObject(reason);

      await bed.db.query('TRUNCATE public.seen');
      await start(project(bed.log, bed.db, { ...parking, group: CREDITS.group }, note));
      await eventually(async () => expect(await seen()).toEqual(upTo(140)));
    }, 20_000);

    test('a step that names poison leaves no row of what must wait behind it, given in the same batch', async () => {
      const names = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]) => {
        const bad = events.filter((event) => coinsOf(event) === 9 || coinsOf(event) === 17);
        await note(
          events.filter((event) => !bad.includes(event)),
          tx,
        );
        return bad.map(({ position }) => ({ position, code: 'bad_luck', detail: 'it is bad luck' }));
      };
      const waits = (n: number): boolean => (n > 9 && n % 7 === 2) || (n > 17 && n % 7 === 3);
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      await start(project(bed.log, bed.db, { ...FLOW, parkBy: byCreator }, names));
      const free = upTo(100).filter((n) => n !== 9 && n !== 17 && !waits(n));
      await eventually(async () => expect(await seen()).toEqual(free));
      await eventually(async () => expect(await deadLetters(FLOW.group)).toHaveLength(100 - free.length));
      const codes = (await deadLetters(FLOW.group)).map((letter) => headersOf(letter)['carat-error-class']);
      expect(codes.filter((code) => code === 'bad_luck')).toHaveLength(2);
      expect(codes.filter((code) => code === 'waits_for_parked_key')).toHaveLength(upTo(100).filter(waits).length);
    });

    test('what cannot be read parks nothing, and no key is too strange to park', async () => {
      const strange = (creatorId: string): string => `${creatorId}\0${'x'.repeat(5000)}`;
      const flow = { ...FLOW, parkBy: (event: Recorded<'gift.events.v1'>) => strange(byCreator(event) ?? '') };
      const refuses = async (events: readonly Recorded[], tx: Parameters<typeof note>[1]): Promise<void> => {
        if (events.some((event) => coinsOf(event) === 8)) throw new Unhandleable('bad_luck', 'eight is bad luck');
        await note(events, tx);
      };
      const unreadable = { key: Buffer.from('creator-1'), value: Buffer.from('not json') };
      await bed.log.publish(GIFTS, [unreadable, ...gifts(30).map(recordOf)]);
      await start(project(bed.log, bed.db, flow, refuses));
      await eventually(async () => expect(await seen()).toEqual(upTo(30).filter((n) => n < 8 || n % 7 !== 1)));
      await eventually(async () => {
        const codes = (await deadLetters(FLOW.group)).map((letter) => headersOf(letter)['carat-error-class']);
        expect(codes).toEqual(['malformed_json', 'bad_luck', ...Array(3).fill('waits_for_parked_key')]);
      });
    });

    test('a transform writes nothing of what waits, over a restart', async () => {
      const credits = async (events: readonly Recorded<'gift.events.v1'>[]): Promise<Credit[]> => {
        if (events.some((event) => coinsOf(event) === 13)) throw new Unhandleable('bad_luck', 'thirteen is bad luck');
        return events.map((event) => creditOf(event as Gift));
      };
      const waits = (n: number): boolean => n > 13 && n % 7 === 6;
      const free = (count: number): number[] => upTo(count).filter((n) => n !== 13 && !waits(n));
      const parking = { ...CREDITS, parkBy: byCreator };
      await bed.log.publish(GIFTS, gifts(100).map(recordOf));
      const first = await start(bed.log.transform(parking, credits));
      await eventually(async () => expect(await creditedCoins()).toEqual(free(100)));
      await first.stop();
      await bed.log.publish(GIFTS, gifts(200).slice(100).map(recordOf));
      await start(bed.log.transform(parking, async (events) => events.map((event) => creditOf(event as Gift))));
      await eventually(async () => expect(await creditedCoins()).toEqual(free(200)));
      const dead = upTo(200).filter((n) => n === 13 || waits(n));
      await eventually(async () => expect(await bed.transformsDeadLetters(CREDITS.group)).toHaveLength(dead.length));
      const letters = await bed.transformsDeadLetters(CREDITS.group);
      expect(letters.map(({ value }) => value)).toEqual(dead.map((n) => recordOf(gift(n)).value));
      expect(letters.map((letter) => headersOf(letter)['carat-error-class'])).toEqual([
        'bad_luck',
        ...Array(dead.length - 1).fill('waits_for_parked_key'),
      ]);
    }, 20_000);

    const creditedCoins = async (): Promise<number[]> => {
      const ends = await bed.log.ends(['diamond.events.v1']);
      const coins: number[] = [];
      for await (const { partition, records } of bed.log.read(['diamond.events.v1'], {}, ends))
        for (const { key, value } of records) {
          expect(partition).toBe(partitionOf(key ?? '', bed.partitions));
          coins.push((JSON.parse(String(value)) as Credit).data.coins);
        }
      return coins.sort((a, b) => a - b);
    };

    test('a range is read whole, in order, from where it is asked for', async () => {
      await bed.log.publish(GIFTS, gifts(2500).map(recordOf));
      const to = await bed.log.ends([GIFTS]);
      await bed.log.publish(GIFTS, gifts(2600).slice(2500).map(recordOf));
      const all: RawRecord[] = [];
      for await (const { records } of bed.log.read([GIFTS], {}, to)) all.push(...records);
      expect(all).toHaveLength(2500);
      const from = { [GIFTS]: to[GIFTS]?.map((next) => (next > 3n ? next - 3n : next)) } as typeof to;
      const tail: RawRecord[] = [];
      for await (const { records } of bed.log.read([GIFTS], from, to)) tail.push(...records);
      expect(tail).toHaveLength(3 * (to[GIFTS]?.filter((next) => next > 3n).length ?? 0));
    });

    const recorded = async (): Promise<Map<number, RawRecord[]>> => {
      const partitions = new Map(upTo(bed.partitions).map((partition) => [partition, [] as RawRecord[]]));
      for await (const { partition, records } of bed.log.read([GIFTS], {}, await bed.log.ends([GIFTS])))
        partitions.get(partition)?.push(...records);
      return partitions;
    };

    test('a time gives the first offset from then on, and the end where nothing is as late', async () => {
      for (const round of upTo(5)) {
        await bed.log.publish(
          GIFTS,
          upTo(20).map((n) => recordOf(gift(20 * round + n))),
        );
        await sleep(5);
      }
      const partitions = await recorded();
      const timesMs = [...partitions.values()].flat().map(({ recordedAtMs }) => recordedAtMs);
      for (const timeMs of new Set([-1e14, 0, ...timesMs, ...timesMs.map((ms) => ms + 1), 3e14]))
        expect((await bed.log.offsetsAt([GIFTS], timeMs))[GIFTS]).toEqual(
          [...partitions.values()].map((records) =>
            BigInt(records.find(({ recordedAtMs }) => recordedAtMs >= timeMs)?.offset ?? records.length),
          ),
        );
    });

    test('an event is found by its key, a time it is not older than, and what it says', async () => {
      await bed.log.publish(GIFTS, gifts(1500).map(recordOf));
      const partition = partitionOf('creator-3', bed.partitions);
      const records = (await recorded()).get(partition) ?? [];
      const { offset = 0n, recordedAtMs = 0 } = records.find(({ value }) => value?.includes(gift(1004).id)) ?? {};
      const find = (n: number, sinceMs = recordedAtMs, most?: number) => {
        const { id } = gift(n);
        const whereabouts = { topic: GIFTS, key: 'creator-3', sinceMs, naming: id };
        return findEvent(bed.log, whereabouts, (event) => event.id === id, most);
      };
      expect(await find(1004)).toEqual({ ...gift(1004), position: { topic: GIFTS, partition, offset }, recordedAtMs });
      // The time may be that of another clock, which is ahead.
      expect(await find(1004, recordedAtMs + 9_000)).toMatchObject({ position: { offset } });
      expect(await find(1505)).toBeUndefined();
      expect(await find(1004, recordedAtMs + 3_600_000)).toBeUndefined();
      expect(await find(1004, recordedAtMs, Number(offset))).toBeUndefined();
    });

    test('whose key nobody knows is found in any partition, as its very record, and a repeat of it once', async () => {
      await bed.log.publish(GIFTS, [...gifts(1500), gift(3), gift(1004)].map(recordOf));
      const searched = (n: number, more: object = {}) => {
        const { id } = gift(n);
        const where = { topic: GIFTS, sinceMs: 0, naming: gift(n).subject ?? '', ...more };
        return findRecords(bed.log, where, (event) => event.id === id || event.id === gift(3).id);
      };
      const partition = partitionOf('creator-3', bed.partitions);
      const [first, second, ...others] = await searched(1004);
      expect([first?.event, second?.event, others]).toEqual([gift(3), gift(1004), []]);
      const records = (await recorded()).get(partition) ?? [];
      expect(second).toMatchObject({ partition, record: records.find(({ value }) => value?.includes(gift(1004).id)) });
      expect(await searched(1004, { sinceMs: Date.now() + 3_600_000 })).toEqual([]);
      const where = { topic: GIFTS, sinceMs: 0, naming: 'creator-3' };
      expect(await findRecords(bed.log, where, () => true, { count: 5 })).toHaveLength(5);
    });
  });
}

const creditOf = (sent: Gift): Credit =>
  caused(sent, {
    type: 'carat.diamonds.credited.v1',
    source: '/carat/conversion-service',
    subject: sent.data.creatorId,
    data: {
      creditId: `crd_${sent.id}`,
      creatorId: sent.data.creatorId,
      giftId: sent.data.giftId,
      coins: sent.data.coins,
      millidiamonds: sent.data.coins * 500,
      rate: { id: 'rate_1', numerator: 1, denominator: 2, rounding: 'floor' as const },
      residue: { numerator: 0, denominator: 1 },
      context: sent.data.context,
    },
  });
