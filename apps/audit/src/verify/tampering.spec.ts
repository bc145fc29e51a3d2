import { ManyEvents } from '@carat/events/decode-many';
import { describe, expect, test } from '@jest/globals';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { endsOf, readerOf, sealsOver, signedAnew, trusted } from '../../test/sealed-world.js';
import { type WorldRecord, world } from '../../test/world.js';
import { proveLanes } from '../lanes/read-lanes.flow.js';
import type { Seal } from '../seals/seal.js';
import type { AuditReport } from './audit-report.js';
import { verify } from './verify.flow.js';

const LOG = 'a-world';
const PARTITIONS = 2;
const records = [...world({ seed: 11, gifts: 60, creators: 4, viewers: 8, partitions: PARTITIONS })];
const ends = endsOf(records, PARTITIONS);
const seals = sealsOver(records, LOG, PARTITIONS, 3);

function verified(log: readonly WorldRecord[], sealed: readonly Seal[] = seals): Promise<AuditReport> {
  const reader = readerOf(LOG, log, ends);
  return verify({
    log: reader,
    kind: 'journal',
    books: undefined,
    openRows: () => Promise.reject(new Error('there is no journal')),
    relayed: async () => new Map(),
    seals: sealed,
    sealsAtLeast: seals.length,
    malformed: [],
    areSealsAsked: false,
    trusted,
    run: async (tasks, on) => {
      const events = new ManyEvents();
      for (const task of tasks)
        on.result(await proveLanes({ log: reader, journal: undefined, events }, task, on.records));
    },
    key: 'drawn for this test',
    threads: 1,
    onRecords: () => undefined,
  });
}

test('a sealed log that nobody has touched has no findings', async () => {
  const report = await verified(records);
  expect(report.findings).toEqual([]);
  expect(report.passes.find(({ pass }) => pass === 'seals')).toMatchObject({ state: 'proven' });
});

const random = xoroshiro128plus(20261127);
const int = (least: number, most: number): number => uniformInt(random, least, most);
const pick = <T>(from: readonly T[]): T => from[int(0, from.length - 1)] as T;

/** One bit of some bytes is another. */
function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const at = int(0, changed.length - 1);
  changed[at] = (changed[at] ?? 0) ^ (1 << int(0, 7));
  return changed;
}

/** What was done to which partition, and the log after it. */
interface Tampered {
  readonly done: string;
  readonly place: string;
  readonly log: readonly WorldRecord[];
}

const changedAt = (index: number, change: Partial<WorldRecord['record']>): readonly WorldRecord[] =>
  records.map((each, at) => (at === index ? { ...each, record: { ...each.record, ...change } } : each));

const withRecord: Readonly<Record<string, (index: number, victim: WorldRecord) => readonly WorldRecord[]>> = {
  deleted: (index) => records.filter((_, at) => at !== index),
  doubled: (index, victim) => [...records.slice(0, index), victim, ...records.slice(index)],
  // Whoever inserts a copy moves everything after it, so that no offset is twice.
  'doubled, and all after it moved': (index, { topic, partition }) =>
    [...records.slice(0, index + 1), ...records.slice(index)].map((each, at) =>
      at > index && each.topic === topic && each.partition === partition
        ? { ...each, record: { ...each.record, offset: each.record.offset + 1n } }
        : each,
    ),
  'edited in its value': (index, { record }) => changedAt(index, { value: flipped(record.value ?? Buffer.from(' ')) }),
  'edited in its key': (index, { record }) => changedAt(index, { key: flipped(record.key ?? Buffer.from(' ')) }),
  'edited in its headers': (index) => changedAt(index, { headers: [['content-type', Buffer.from('text/plain')]] }),
  'dated anew': (index, { record }) => changedAt(index, { recordedAtMs: record.recordedAtMs + int(1, 1_000) }),
  'exchanged with another': (index, victim) => {
    const others = records.flatMap(({ topic, partition, eventId }, at) =>
      topic === victim.topic && partition === victim.partition && eventId !== victim.eventId ? [at] : [],
    );
    const other = pick(others);
    const [a, b] = [victim.record, (records[other] as WorldRecord).record];
    return records.map((each, at) => {
      if (at === index) return { ...each, record: { ...b, offset: a.offset, recordedAtMs: a.recordedAtMs } };
      return at === other ? { ...each, record: { ...a, offset: b.offset, recordedAtMs: b.recordedAtMs } } : each;
    });
  },
};

const isLast = ({ topic, partition, record }: WorldRecord): boolean => record.offset + 1n === ends[topic]?.[partition];

function tamperedRecord(): Tampered {
  const done = pick(Object.keys(withRecord));
  // What is moved past the end of a journal no reader of it sees: that is found among its rows (verify.int.spec.ts).
  const isMoved = done.endsWith('moved');
  const candidates = records.flatMap((each, at) => (isMoved && isLast(each) ? [] : [at]));
  const index = pick(candidates);
  const victim = records[index] as WorldRecord;
  const log = withRecord[done]?.(index, victim) ?? records;
  return { done, place: `${victim.topic}/${victim.partition}`, log };
}

/** A number or a digest in a seal is another; in every fourth case its notary signs that. */
function edited(seal: Seal): Seal {
  const content = structuredClone(seal.content) as { -readonly [K in keyof Seal['content']]: Seal['content'][K] };
  const partition = pick(content.partitions) as unknown as Record<'chain' | 'root' | 'records' | 'nextOffset', string>;
  const type = pick(Object.keys(content.sums));
  pick([
    () => (content.number += 1),
    () => (content.log = 'another'),
    () => (content.previous = `${'1'.repeat(63)}${content.previous.endsWith('1') ? '2' : '1'}`),
    () => (partition.chain = `${partition.chain.slice(1)}${partition.chain.startsWith('0') ? '1' : '0'}`),
    () => (partition.root = `${partition.root.slice(1)}${partition.root.startsWith('0') ? '1' : '0'}`),
    () => (partition.records = String(BigInt(partition.records) + 1n)),
    () => (partition.nextOffset = String(BigInt(partition.nextOffset) + 1n)),
    () => ((content.sums[type] as { coins: string }).coins += '1'),
    () => ((pick(content.balances) as { digest: string }).digest = '0'.repeat(64)),
  ])();
  const changed = { ...seal, content };
  return int(1, 4) === 1 ? signedAnew(changed) : changed;
}

const withSeal: Readonly<Record<string, (index: number) => readonly Seal[]>> = {
  deleted: (index) => seals.filter((_, at) => at !== index),
  doubled: (index) => [...seals.slice(0, index), ...seals.slice(index, index + 1), ...seals.slice(index)],
  edited: (index) => seals.map((seal, at) => (at === index ? edited(seal) : seal)),
  'signed by nobody': (index) =>
    seals.map((seal, at) =>
      at === index ? { ...seal, signature: flipped(Buffer.from(seal.signature, 'base64')).toString('base64') } : seal,
    ),
  'moved to another place': (index) => {
    const others = seals.filter((_, at) => at !== index);
    const to = (index + int(1, seals.length - 1)) % seals.length;
    return [...others.slice(0, to), seals[index] as Seal, ...others.slice(to)];
  },
};

describe('whatever one thing is done', () => {
  test('to a record, it is found, and its partition is named: 700 of 700', async () => {
    const missed: string[] = [];
    for (let n = 0; n < 700; n++) {
      const { done, place, log } = tamperedRecord();
      const { verdict, findings } = await verified(log);
      const isNamed = findings.some(
        ({ subject, position }) =>
          subject.startsWith(place) || (position !== undefined && `${position.topic}/${position.partition}` === place),
      );
      if (verdict !== 'differs' || !isNamed) missed.push(`${place}: a record was ${done}`);
    }
    expect(missed).toEqual([]);
  }, 120_000);

  test('to a seal, it is found, and a seal is named: 200 of 200', async () => {
    const missed: string[] = [];
    for (let n = 0; n < 200; n++) {
      const done = pick(Object.keys(withSeal));
      const { verdict, findings } = await verified(records, withSeal[done]?.(int(0, seals.length - 1)));
      if (verdict !== 'differs' || !findings.some(({ pass }) => pass === 'seals')) missed.push(`a seal was ${done}`);
    }
    expect(missed).toEqual([]);
  }, 120_000);
});
