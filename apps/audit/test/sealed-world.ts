import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Offsets, OpenReader } from '@carat/event-log';
import { type Topic, topicNames } from '@carat/events';
import { hashOfSeal, keyIdOf, NO_SEAL, type Seal, signSeal } from '../src/seals/seal.js';
import { recomputed } from './recomputed-seal.js';
import type { WorldRecord } from './world.js';

/** An Ed25519 key that is the same in every run: its seed is one byte, 32 times. */
const notary: KeyObject = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
});

export const trusted: ReadonlyMap<string, KeyObject> = new Map([[keyIdOf(notary), createPublicKey(notary)]]);

const batchesOf = (records: readonly WorldRecord[]) =>
  records.map(({ topic, partition, record }) => ({
    topic,
    partition,
    records: [record],
    nextOffset: record.offset + 1n,
  }));

/** Where a log ends, as its journal counts it. */
export function endsOf(records: readonly WorldRecord[], partitions: number): Offsets {
  const ends: Partial<Record<Topic, bigint[]>> = {};
  for (const { topic, partition, record } of records) {
    const of = ends[topic] ?? Array<bigint>(topic === 'rate.events.v1' ? 1 : partitions).fill(0n);
    ends[topic] = of;
    of[partition] = record.offset + 1n;
  }
  return ends;
}

/** Seals over a world, `count` of them, each counted anew from the first record on; the last has everything. */
export function sealsOver(records: readonly WorldRecord[], log: string, partitions: number, count: number): Seal[] {
  const seals: Seal[] = [];
  for (let number = 1; number <= count; number++) {
    const sealed = records.slice(0, Math.ceil((records.length * number) / count));
    const places = (Object.entries(endsOf(sealed, partitions)) as [Topic, bigint[]][])
      .sort(([a], [b]) => topicNames.indexOf(a) - topicNames.indexOf(b))
      .flatMap(([topic, ends]) => ends.map((end, partition) => ({ topic, partition, nextOffset: String(end) })));
    const before = seals.at(-1)?.content;
    const unfilled = {
      version: 2 as const,
      number,
      previous: before === undefined ? NO_SEAL : hashOfSeal(before),
      log,
      sealedAt: `2026-11-20T20:00:0${number}.000Z`,
      partitions: places.map((place) => ({ ...place, records: '0', chain: '', root: '', added: 0 })),
      sums: {},
      balances: Array.from({ length: partitions }, (_, partition) => ({ partition, digest: '' })),
    };
    seals.push(signSeal({ ...unfilled, ...recomputed(batchesOf(sealed), unfilled, before) }, notary));
  }
  return seals;
}

/** Signs a seal anew, as only its notary can. */
export const signedAnew = ({ content }: Seal): Seal => signSeal(content, notary);

/** Records as the reader of a journal gives them: whatever is there, up to where the heads say that it ends. */
export const readerOf = (id: string, records: readonly WorldRecord[], ends: Offsets): OpenReader => ({
  id,
  isRelayed: () => false,
  ends: async (topics) => Object.fromEntries(topics.flatMap((topic) => (ends[topic] ? [[topic, ends[topic]]] : []))),
  offsetsAt: () => Promise.reject(new Error('nobody asks for times here')),
  async *read(topics, from, to) {
    for (const { topic, partition, record } of records) {
      const begin = from[topic]?.[partition] ?? 0n;
      const isAsked =
        topics.includes(topic) && record.offset >= begin && record.offset < (to[topic]?.[partition] ?? 0n);
      if (isAsked)
        yield {
          topic,
          partition,
          records: [record],
          nextOffset: record.offset + 1n,
          heartbeat: async () => undefined,
        };
    }
  },
  close: async () => undefined,
});
