import { type Offsets, type RawRecord, SequenceGap } from '@carat/event-log';
import { encode, type Topic } from '@carat/events';
import { event, histories } from '@carat/payout-service/test/ledger-events';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sent } from '../../test/gift-log.js';
import { ledgerTopics, recomputed } from '../../test/recomputed-seal.js';
import { BalanceTree, bucketDigest, type SealedBalance } from '../merkle-trees/balance-tree.js';
import { hexOf } from '../seals/digest.js';
import { hashOfSeal, NO_SEAL, type SealContent } from '../seals/seal.js';
import { balanceChanges, bookedIdOf } from './balance-changes.js';
import { CannotContinue, type Move, Sealer, type SealerStart } from './sealer.js';

const PARTITIONS = 3;
const TIME = '2026-11-20T19:00:00.000Z';

interface Batch {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly RawRecord[];
  readonly nextOffset: bigint;
}

const recordOf = (offset: bigint, value: object | Buffer | null): RawRecord => ({
  offset,
  recordedAtMs: 1_795_000_000_000 + Number(offset),
  key: Buffer.from('a-key'),
  value: value === null || Buffer.isBuffer(value) ? value : encode(value),
  headers: [],
});
const batchOf = (
  topic: Topic,
  partition: number,
  from: bigint,
  values: readonly (object | Buffer | null)[],
): Batch => ({
  topic,
  partition,
  records: values.map((value, n) => recordOf(from + BigInt(n), value)),
  nextOffset: from + BigInt(values.length),
});

const ALL_ENDS: Offsets = {
  'gift.requests.v1': [10n ** 6n],
  'gift.events.v1': [10n ** 6n, 10n ** 6n],
  ...Object.fromEntries(ledgerTopics.map((topic) => [topic, Array.from({ length: PARTITIONS }, () => 10n ** 6n)])),
};
const NOTHING: SealerStart = { log: 'a-log', ends: ALL_ENDS, last: undefined, relayed: [], isRelayed: () => false };

const topicOf = ({ type }: LedgerEvent): Topic =>
  type.startsWith('carat.diamonds.') && type !== 'carat.diamonds.awarded.v1'
    ? 'diamond.events.v1'
    : type === 'carat.diamonds.awarded.v1' || type === 'carat.award.revoked.v1'
      ? 'award.events.v1'
      : 'redemption.events.v1';

/** What the notary's tables do, in memory. */
class Books {
  private readonly booked = new Set<string>();
  private readonly balances = new Map<
    string,
    SealedBalance & { readonly partition: number; readonly bucket: number }
  >();

  change(moves: readonly Move[]): string[] {
    const fresh = moves.filter(({ partition, eventId }) => !this.booked.has(`${partition} ${bookedIdOf(eventId)}`));
    for (const { partition, eventId } of fresh) this.booked.add(`${partition} ${bookedIdOf(eventId)}`);
    for (const { partition, bucket, creatorId, changes } of balanceChanges(fresh)) {
      const before = this.balances.get(`${partition} ${creatorId}`)?.terms;
      const terms = Object.fromEntries(
        Object.entries(changes).map(([term, change]) => [
          term,
          (before?.[term as keyof typeof changes] ?? 0n) + change,
        ]),
      ) as typeof changes;
      this.balances.set(`${partition} ${creatorId}`, { partition, bucket, creatorId, terms });
    }
    return Array.from({ length: PARTITIONS }, (_, partition) => {
      const tree = new BalanceTree();
      const own = [...this.balances.values()].filter((balance) => balance.partition === partition);
      for (const [bucket, inIt] of Map.groupBy(own, (balance) => balance.bucket)) tree.set(bucket, bucketDigest(inIt));
      return hexOf(tree.root());
    });
  }
}

describe('seals over any history', () => {
  test('say what is computed from zero, however it is cut into batches and seals, and wherever it starts anew', () => {
    fc.assert(
      fc.property(histories(), fc.array(fc.constantFrom('go on', 'seal', 'restart')), (events, steps) => {
        const batches: Batch[] = [];
        const seals: SealContent[] = [];
        const books = new Books();
        let sealer = Sealer.begin(NOTHING);
        const seal = (): void => {
          const digests = books.change(sealer.moves);
          seals.push(sealer.content(TIME, digests));
          sealer = sealer.after(seals.at(-1) as SealContent);
        };
        for (const [n, given] of events.entries()) {
          const partition = Number(given.data.creatorId.at(-1)) % PARTITIONS;
          const topic = topicOf(given);
          const batch = batchOf(topic, partition, sealer.nextOffset(topic, partition), [given]);
          batches.push(batch);
          sealer.add(batch);
          if (steps[n] === 'seal') seal();
          if (steps[n] !== 'restart') continue;
          // As from the tables: what was not sealed comes again.
          const last = seals.at(-1) && JSON.parse(JSON.stringify(seals.at(-1)));
          sealer = Sealer.begin({ ...NOTHING, last });
          for (const again of batches)
            if ((again.records[0]?.offset ?? 0n) >= sealer.nextOffset(again.topic, again.partition)) sealer.add(again);
        }
        seal();
        for (const [n, content] of seals.entries()) {
          const { partitions, sums, balances } = content;
          expect({ partitions, sums, balances }).toEqual(recomputed(batches, content, seals[n - 1]));
          expect(content.number).toBe(n + 1);
          expect(content.previous).toBe(n === 0 ? NO_SEAL : hashOfSeal(seals[n - 1] as SealContent));
        }
        expect(seals.at(-1)?.partitions.reduce((sum, { records }) => sum + Number(records), 0)).toBe(events.length);
      }),
      { numRuns: 60 },
    );
  });

  test('list every partition in the order of topics, and an empty one as empty', () => {
    const { partitions, balances } = Sealer.begin(NOTHING).content(TIME, ['a', 'b', 'c']);
    expect(partitions.map(({ topic, partition }) => `${topic}/${partition}`)).toEqual([
      'gift.requests.v1/0',
      ...[0, 1].map((n) => `gift.events.v1/${n}`),
      ...ledgerTopics.flatMap((topic) => [0, 1, 2].map((n) => `${topic}/${n}`)),
    ]);
    expect(new Set(partitions.map(({ nextOffset, records, added }) => `${nextOffset} ${records} ${added}`))).toEqual(
      new Set(['0 0 0']),
    );
    expect(balances).toEqual(['a', 'b', 'c'].map((digest, partition) => ({ partition, digest })));
  });
});

describe('a sealer', () => {
  const taking = (...batches: readonly Batch[]): Sealer => {
    const sealer = Sealer.begin(NOTHING);
    for (const batch of batches) sealer.add(batch);
    return sealer;
  };

  test('seals what cannot be read as bytes, in no sum', () => {
    const values = [Buffer.from('{'), null, { type: 'carat.unknown.v1' }, sent()];
    const { partitions, sums } = taking(batchOf('gift.events.v1', 1, 0n, values)).content(TIME, []);
    expect(partitions.find(({ topic, partition }) => topic === 'gift.events.v1' && partition === 1)).toMatchObject({
      records: '4',
      added: 4,
    });
    expect(sums).toEqual({ 'carat.gift.sent.v1': { events: '1', coins: '10', millidiamonds: '0' } });
  });

  test('sums corrections and adjustments by their sign', () => {
    const amounts = [700, -900].map((millidiamonds, n) => event('carat.balance.adjusted.v1', { n, millidiamonds }));
    expect(taking(batchOf('redemption.events.v1', 0, 0n, amounts)).content(TIME, []).sums).toEqual({
      'carat.balance.adjusted.v1': { events: '2', coins: '0', millidiamonds: '-200' },
    });
  });

  test('counts a repeat as a record and in the sums, and books it once', () => {
    const credit = event('carat.diamonds.credited.v1', {});
    const sealer = taking(batchOf('diamond.events.v1', 0, 0n, [credit]), batchOf('diamond.events.v1', 0, 1n, [credit]));
    expect(sealer.unsealed).toBe(2);
    expect(sealer.content(TIME, []).sums['carat.diamonds.credited.v1']?.events).toBe('2');
    expect(sealer.moves).toHaveLength(1);
  });

  test('takes what a relay repeats for a repeat, also after a seal', () => {
    const relayed = (sequence: number) => ({
      ...event('carat.redemption.requested.v1', { n: sequence }),
      sequence: String(sequence),
      journal: 'a-journal',
    });
    const sealer = taking(batchOf('redemption.events.v1', 0, 0n, [relayed(0), relayed(1), relayed(0), relayed(1)]));
    expect(sealer.moves.map(({ creatorId }) => creatorId)).toHaveLength(2);
    const next = Sealer.begin({ ...NOTHING, last: sealer.content(TIME, []), relayed: sealer.relayed() });
    next.add(batchOf('redemption.events.v1', 0, 4n, [relayed(1), relayed(2)]));
    expect(next.moves).toHaveLength(1);
    expect(next.relayed()).toEqual([
      { topic: 'redemption.events.v1', partition: 0, journal: 'a-journal', lastSequence: 2n },
    ]);
  });

  test('moves nothing by what no relay has numbered, and seals that it stands there', () => {
    const forged = event('carat.balance.adjusted.v1', { n: 1, millidiamonds: 500 });
    const batch = batchOf('redemption.events.v1', 0, 0n, [forged]);
    const onKafka = Sealer.begin({ ...NOTHING, isRelayed: (topic) => topic === 'redemption.events.v1' });
    onKafka.add(batch);
    expect(onKafka.moves).toEqual([]);
    const onJournal = taking(batch);
    expect(onJournal.moves).toHaveLength(1);
    expect(onKafka.content(TIME, []).partitions).toEqual(onJournal.content(TIME, []).partitions);
  });

  test('stops at a gap in what was relayed, and has taken nothing of that batch', () => {
    const relayed = (n: number) => ({ ...sent({ id: `gift-${n}` }), sequence: String(n), journal: 'a-journal' });
    const sealer = taking(batchOf('gift.events.v1', 0, 0n, [relayed(0)]));
    const before = sealer.content(TIME, []);
    expect(() => sealer.add(batchOf('gift.events.v1', 0, 1n, [relayed(1), relayed(3)]))).toThrow(SequenceGap);
    expect(sealer.content(TIME, [])).toEqual(before);
    expect(sealer.unsealed).toBe(1);
  });

  test('believes no sequence that upstream wrote', () => {
    const request = { ...sent(), type: 'carat.gift.requested.v1', sequence: '7', journal: 'x' };
    expect(taking(batchOf('gift.requests.v1', 0, 0n, [request, request])).unsealed).toBe(2);
  });

  test('goes on behind a gap of offsets, and remembers where a fetch without records ended', () => {
    const sealer = taking(batchOf('gift.events.v1', 0, 5n, [sent()]));
    sealer.add({ topic: 'gift.events.v1', partition: 0, records: [], nextOffset: 9n });
    expect(sealer.nextOffset('gift.events.v1', 0)).toBe(9n);
    expect(() => sealer.add(batchOf('gift.events.v1', 0, 8n, [sent()]))).toThrow('was read from 8, sealed is up to 9');
  });

  test('goes on past where the log ended when it began', () => {
    const young = Sealer.begin({ ...NOTHING, ends: { 'gift.events.v1': [0n] } });
    young.add(batchOf('gift.events.v1', 0, 0n, [sent()]));
    expect(young.after(young.content(TIME, [])).nextOffset('gift.events.v1', 0)).toBe(1n);
  });

  test('leaves out a balance that comes back to what it was', () => {
    const there = event('carat.balance.adjusted.v1', { n: 1, millidiamonds: 500 });
    const back = event('carat.balance.adjusted.v1', { n: 2, millidiamonds: -500 });
    const other = event('carat.balance.adjusted.v1', { n: 3, creatorId: 'creator-9' });
    const { moves } = taking(batchOf('redemption.events.v1', 0, 0n, [there, back, other]));
    expect(balanceChanges(moves).map(({ creatorId }) => creatorId)).toEqual(['creator-9']);
  });
});

describe('a sealer does not continue', () => {
  const last = ((): SealContent => {
    const sealer = Sealer.begin(NOTHING);
    sealer.add(batchOf('gift.events.v1', 1, 0n, [sent(), sent()]));
    return sealer.content(TIME, []);
  })();

  test.each<[string, Partial<SealerStart>, string]>([
    ['over another log', { log: 'b-log' }, 'seal 1 is of the log a-log and not of b-log'],
    ['over a log that lost its tail', { ends: { ...ALL_ENDS, 'gift.events.v1': [0n, 1n] } }, 'its tail is lost'],
    [
      'over a log that lost a partition',
      { ends: { ...ALL_ENDS, 'gift.events.v1': [10n] } },
      'gift.events.v1/1 is in seal 1 and no longer in the log',
    ],
    [
      "where creators' topics are cut differently",
      { last: undefined, ends: { ...ALL_ENDS, 'award.events.v1': [0n] } },
      'diamond.events.v1 has 3 partitions and award.events.v1 has 1',
    ],
  ])('%s', (_, change, sentence) => {
    expect(() => Sealer.begin({ ...NOTHING, last, ...change })).toThrow(CannotContinue);
    expect(() => Sealer.begin({ ...NOTHING, last, ...change })).toThrow(sentence);
  });

  test('into a partition that came while it ran', () => {
    expect(() => Sealer.begin(NOTHING).nextOffset('gift.events.v1', 7)).toThrow(CannotContinue);
  });
});

test('an id that is no UUID of ours is remembered by its hash', () => {
  const own = '0196f5a0-0000-8000-8000-00000000000a';
  expect(bookedIdOf(own)).toBe(own);
  expect(bookedIdOf(own.toUpperCase())).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(['a', 'b', own.toUpperCase()].map(bookedIdOf)).size).toBe(3);
});
