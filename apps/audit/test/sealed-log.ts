import { createPrivateKey, type KeyObject } from 'node:crypto';
import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import type { LogReader, RawBatch, RawRecord } from '@carat/event-log';
import { caused, decode, type Event, encode, partitionOf, type Topic, topicNames } from '@carat/events';
import { addTerms, changesBy, type Terms } from '@carat/payout-service/terms';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import { bundleLines } from '../src/bundle/bundle.flow.js';
import { digestOfBalances, type SealedBalance } from '../src/merkle-trees/balance-tree.js';
import { RecordTree } from '../src/merkle-trees/record-tree.js';
import { hexOf } from '../src/seals/digest.js';
import { entryOf, RecordChain } from '../src/seals/record-chain.js';
import { hashOfSeal, NO_SEAL, type Seal, type SealContent, signSeal } from '../src/seals/seal.js';
import { EVENING_MS, HALF, inForce, reversed, sent } from './gift-log.js';

/** An Ed25519 key that is the same in every run: its seed is one byte, 32 times. */
export const keyOf = (seed: number): KeyObject =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]),
    format: 'der',
    type: 'pkcs8',
  });

const LEDGER: readonly Topic[] = ['diamond.events.v1', 'award.events.v1', 'redemption.events.v1'];
const RELAYED: readonly Topic[] = ['rate.events.v1', 'gift.events.v1', 'award.events.v1', 'redemption.events.v1'];
const PARTITIONS = 2;
const JOURNAL = 'journal-1';

interface Partition {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: RawRecord[];
  sequence: number;
}

/** The lines of a bundle: without `from` from the begin of the log on, without `to` up to its last seal. */
export async function bundleOf(log: SealedLog, from = 0, to = log.seals.length): Promise<string[]> {
  const period = { opening: log.seals[from - 1], closing: log.seals[to - 1] as Seal };
  const lines: string[] = [];
  for await (const line of bundleLines(log.reader, log.sealsFrom, period, { version: '1.2.3' }))
    lines.push(JSON.stringify(line));
  return lines;
}

/** A log in memory, as a relay and a transform write it to Kafka, and its seals, each counted anew from the begin. */
export class SealedLog {
  readonly seals: Seal[] = [];
  private readonly partitions = new Map<string, Partition>();
  private rates: RateBook = { ...emptyRateBook, completeUntilMs: Infinity };

  constructor(private readonly notary: KeyObject) {
    for (const topic of topicNames)
      for (let partition = 0; partition < (topic === 'rate.events.v1' ? 1 : PARTITIONS); partition++)
        this.partitions.set(`${topic}/${partition}`, { topic, partition, records: [], sequence: 0 });
  }

  /** The log as lines of a file, which holds text alone. */
  text(): string {
    const lines = [...this.partitions.values()].flatMap(({ topic, partition, records }) =>
      records.map(({ offset, recordedAtMs, key, value, headers }) => ({
        topic,
        partition,
        offset: String(offset),
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers: headers.map(([name, content]) => [name, content.toString()]),
        recordedAt: new Date(recordedAtMs).toISOString(),
      })),
    );
    return lines.map((line) => JSON.stringify(line)).join('\n');
  }

  of(topic: Topic, partition: number): Partition {
    return this.partitions.get(`${topic}/${partition}`) as Partition;
  }

  append<T extends Topic>(topic: T, event: Event<T>): void {
    const key = event.subject ?? '';
    const place = this.of(topic, topic === 'rate.events.v1' ? 0 : partitionOf(key, PARTITIONS));
    const numbered = RELAYED.includes(topic)
      ? { ...event, sequence: String(place.sequence++), journal: JOURNAL }
      : event;
    this.write(place, key, encode(numbered));
    if (topic === 'rate.events.v1') this.rates = evolve(this.rates, event as Event<'rate.events.v1'>);
  }

  write({ records }: Partition, key: string | null, value: Buffer | null): void {
    // A control record of Kafka's takes an offset now and then.
    const offset = (records.at(-1)?.offset ?? -1n) + (records.length % 5 === 4 ? 2n : 1n);
    const headers = [['content-type', Buffer.from('application/cloudevents+json')]] as const;
    records.push({
      offset,
      recordedAtMs: EVENING_MS + records.length,
      key: key === null ? null : Buffer.from(key),
      value,
      headers,
    });
  }

  /** A relay, or a transform, writes the last record of a partition again. */
  repeatLast(topic: Topic, key: string): void {
    const place = this.of(topic, partitionOf(key, PARTITIONS));
    this.write(place, key, (place.records.at(-1) as RawRecord).value);
  }

  credit(gift: Event<'gift.events.v1'>): void {
    for (const event of creditDiamonds(gift, this.rates)) this.append('diamond.events.v1', event);
  }

  seal(): void {
    const last = this.seals.at(-1)?.content;
    const content: SealContent = {
      version: 2,
      number: this.seals.length + 1,
      previous: last === undefined ? NO_SEAL : hashOfSeal(last),
      log: 'cluster-1',
      sealedAt: new Date(EVENING_MS + (this.seals.length + 1) * 60_000).toISOString(),
      partitions: [...this.partitions.values()].map((place) => this.sealed(place, last)),
      sums: this.sums(),
      balances: Array.from({ length: PARTITIONS }, (_, partition) => ({
        partition,
        digest: hexOf(digestOfBalances(this.balances(partition))),
      })),
    };
    this.seals.push(signSeal(content, this.notary));
  }

  /** The balances of a partition's creators, folded from all of it, or from what stands before a seal's end. */
  balances(partition: number, seal?: SealContent): SealedBalance[] {
    const balances = new Map<string, Terms>();
    const booked = new Set<string>();
    for (const topic of LEDGER)
      for (const event of this.events(this.of(topic, partition), seal)) {
        if (booked.has(event.id)) continue;
        for (const { creatorId, code, debit, credit, millidiamonds } of transfersOf(event as LedgerEvent)) {
          const side = credit === 'creator' ? 'gained' : debit === 'creator' ? 'lost' : 'none';
          const changes = changesBy([{ code, side, millidiamonds }]);
          balances.set(creatorId, addTerms(balances.get(creatorId) ?? changesBy([]), changes));
          booked.add(event.id);
        }
      }
    return [...balances].map(([creatorId, terms]) => ({ creatorId, terms }));
  }

  readonly sealsFrom = async function* (this: SealedLog, from: number): AsyncGenerator<Seal> {
    yield* this.seals.filter(({ content }) => content.number >= from);
  }.bind(this);

  get reader(): LogReader {
    const { partitions } = this;
    return {
      isRelayed: () => false,
      ends: () => Promise.reject(new Error('a bundle asks the seals for the end')),
      offsetsAt: () => Promise.reject(new Error('a bundle asks the seals for the time')),
      async *read(topics, from, to) {
        for (const { topic, partition, records } of [...partitions.values()].reverse()) {
          const isAsked = ({ offset }: RawRecord) =>
            offset >= (from[topic]?.[partition] ?? 0n) && offset < (to[topic]?.[partition] ?? 0n);
          const batch = topics.includes(topic) ? records.filter(isAsked) : [];
          if (batch.length > 0) yield batchOf(topic, partition, batch);
        }
      },
    };
  }

  private events({ topic, partition, records }: Partition, seal?: SealContent): Event[] {
    const end = seal?.partitions.find((each) => each.topic === topic && each.partition === partition)?.nextOffset;
    return records.flatMap(({ offset, value }) => {
      if (end !== undefined && offset >= BigInt(end)) return [];
      const decoded = decode(topic, value);
      return 'event' in decoded ? [decoded.event] : [];
    });
  }

  private sealed(place: Partition, last: SealContent | undefined): SealContent['partitions'][number] {
    const { topic, partition, records } = place;
    const [chain, tree] = [new RecordChain(place), new RecordTree(place)];
    const before = last?.partitions.find((each) => each.topic === topic && each.partition === partition);
    for (const [index, entry] of records.map(entryOf).entries()) {
      chain.add(entry);
      if (index >= Number(before?.records ?? 0)) tree.add(entry);
    }
    return {
      topic,
      partition,
      nextOffset: String((records.at(-1)?.offset ?? -1n) + 1n),
      records: String(records.length),
      chain: hexOf(chain.value),
      root: hexOf(tree.root()),
      added: tree.size,
    };
  }

  private sums(): SealContent['sums'] {
    const byType = Map.groupBy(
      [...this.partitions.values()].flatMap((place) => this.events(place)),
      ({ type }) => type,
    );
    const sumOf = (events: readonly Event[], field: string): string =>
      String(
        events.reduce((sum, { data }) => sum + BigInt((data as unknown as Record<string, number>)[field] ?? 0), 0n),
      );
    return Object.fromEntries(
      [...byType].map(([type, events]) => [
        type,
        { events: String(events.length), coins: sumOf(events, 'coins'), millidiamonds: sumOf(events, 'millidiamonds') },
      ]),
    );
  }
}

const batchOf = (topic: Topic, partition: number, records: readonly RawRecord[]): RawBatch => ({
  topic,
  partition,
  records,
  nextOffset: (records.at(-1)?.offset ?? -1n) + 1n,
  heartbeat: async () => undefined,
});

const at = (id: string) => ({ source: '/test', id, time: new Date(EVENING_MS).toISOString() });

/** An operator gives or takes: the ledger's events come from more than gifts. */
const adjusted = (id: string, creatorId: string, millidiamonds: number): Event<'redemption.events.v1'> =>
  caused(at(id), {
    type: 'carat.balance.adjusted.v1',
    source: '/carat/payout-service',
    subject: creatorId,
    data: {
      adjustmentId: id,
      creatorId,
      millidiamonds,
      reason: 'a goodwill',
      proposedBy: 'nina',
      approvedBy: 'omar',
      ledgerSeq: 1,
      after: {},
    },
  });

const awarded = (id: string, creatorId: string, millidiamonds: number): Event<'award.events.v1'> =>
  caused(at(id), {
    type: 'carat.diamonds.awarded.v1',
    source: '/carat/recognition-service',
    subject: creatorId,
    data: { awardId: id, creatorId, programmeId: 'rising', millidiamonds, reason: 'views', evidence: { views: 7 } },
  });

/**
 * Six seals over a small evening: gifts, reversals, awards and adjustments of five creators in two partitions. What a
 * relay and a transform write twice is in it, within a seal and across seals; a gift whose credit comes after the next
 * seal; a gift that was published again under another event id; bytes of upstream that are no text; and a seal over
 * nothing at all, the fourth.
 */
export function sealedEvening(notary: KeyObject, upstream = Buffer.from([0xff, 0x00, 0x0a, 0xfe])): SealedLog {
  const log = new SealedLog(notary);
  const creators = ['creator-1', 'creator-2', 'creator-3', 'creator-4', 'creator-5'];
  const given = (name: string) =>
    creators.map((creatorId, n) => sent({ id: `${name}-${n}`, creatorId, coins: 10 + n }));
  const write = (gifts: readonly Event<'gift.events.v1'>[]) => {
    for (const gift of gifts) log.append('gift.events.v1', gift);
  };
  for (const event of inForce(HALF)) log.append('rate.events.v1', event);
  log.write(log.of('gift.requests.v1', 1), null, upstream);
  const first = given('first');
  write(first);
  for (const gift of first) log.credit(gift);
  log.repeatLast('diamond.events.v1', 'creator-1');
  log.seal();
  const late = given('late');
  write(late);
  log.append('award.events.v1', awarded('awd_1', 'creator-1', 7_000));
  log.repeatLast('award.events.v1', 'creator-1');
  log.append('redemption.events.v1', adjusted('adj_1', 'creator-2', -300));
  for (const gift of late.slice(2)) log.credit(gift);
  log.seal();
  for (const gift of late.slice(0, 2)) log.credit(gift);
  const again = { ...(first[0] as Event<'gift.events.v1'>), id: 'again' };
  write([again]);
  log.credit(again);
  log.write(log.of('gift.requests.v1', 0), '', null);
  const back = reversed(first[1] as Parameters<typeof reversed>[0], 11, 4);
  write([back]);
  log.credit(back);
  log.seal();
  log.seal();
  for (const event of inForce({ ...HALF, id: 'third', denominator: 3, fromMs: EVENING_MS + 1 }))
    log.append('rate.events.v1', event);
  const last = creators.map((creatorId, n) => sent({ id: `last-${n}`, creatorId, coins: 7, timeMs: EVENING_MS + 2 }));
  write(last);
  for (const gift of last) log.credit(gift);
  log.append('redemption.events.v1', adjusted('adj_2', 'creator-1', 100));
  log.seal();
  log.append('award.events.v1', awarded('awd_2', 'creator-3', 1_000));
  log.repeatLast('award.events.v1', 'creator-3');
  log.seal();
  return log;
}
