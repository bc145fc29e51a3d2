import type { Stretch } from '@carat/event-log/readers';
import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import type { Digest } from '../seals/digest.js';
import { Findings } from '../verify/findings.js';
import { type Carried, journaledDigest } from './carried.js';
import { JournalCheck } from './journal-check.flow.js';
import type { JournalRows } from './journal-rows.store.js';

const GIFTS = 'gift.events.v1';

const carriedAt = (offset: number): Carried => ({
  id: '0196f5a0-0000-8000-8000-00000000000a',
  sequence: BigInt(offset),
  journal: 'a-journal',
  key: Buffer.from('creator-1'),
  headers: [['content-type', Buffer.from('application/cloudevents+json')]],
  value: Buffer.from(`{"sequence":"${offset}","journal":"a-journal","n":${offset}}`),
});

type Row = 'kept' | 'edited' | 'deleted';

/** Rows of a journal, to be asked for, by partition and offset; and every question. */
class Rows implements JournalRows {
  readonly asked: (readonly Stretch[])[] = [];

  constructor(private readonly rows: readonly (readonly Row[])[]) {}

  async digests(stretches: readonly Stretch[]): Promise<(Digest | undefined)[][]> {
    this.asked.push(stretches);
    return stretches.map(({ partition, from, to }) =>
      Array.from({ length: Number(to - from) }, (_, index) => {
        const offset = Number(from) + index;
        const row = this.rows[partition]?.[offset];
        if (row === undefined || row === 'deleted') return undefined;
        return row === 'kept' ? journaledDigest(carriedAt(offset)) : 'another digest';
      }),
    );
  }

  async close(): Promise<void> {}
}

/** What is found when those offsets were carried, in that order. */
async function found(rows: Rows, carried: readonly (readonly [partition: number, offset: number])[]) {
  const findings = new Findings();
  const check = new JournalCheck(rows, findings);
  for (const [partition, offset] of carried) {
    check.add(GIFTS, partition, carriedAt(offset));
    await check.compare();
  }
  await check.compare(true);
  const { named, checked } = findings.of('journal');
  return { named: named.map(({ code, subject, detail }) => `${code} ${subject}: ${detail}`).sort(), checked };
}

const OFFSETS = 12;
const row = fc.constantFrom<Row>('kept', 'edited', 'deleted');
const partition = fc.array(row, { minLength: OFFSETS, maxLength: OFFSETS });
const carried = fc.array(fc.tuple(fc.nat(1), fc.nat(OFFSETS - 1)), { maxLength: 40 });

/** Of each run of offsets of a partition, in the order in which they were carried, the first that is at fault. */
function expected(rows: readonly (readonly Row[])[], all: readonly (readonly [number, number])[]): string[] {
  const runs: number[][] = [];
  const places: number[] = [];
  const last = new Map<number, number[]>();
  for (const [at, offset] of all) {
    const run = last.get(at);
    if (run !== undefined && run.at(-1) === offset - 1) run.push(offset);
    else {
      const fresh = [offset];
      runs.push(fresh);
      places.push(at);
      last.set(at, fresh);
    }
  }
  return runs
    .flatMap((run, index) => {
      const at = places[index] ?? 0;
      const of = (wanted: Row): number[] => run.filter((offset) => rows[at]?.[offset] === wanted);
      const [missing, edited] = [of('deleted'), of('edited')];
      const subject = (offset: number | undefined): string => `${GIFTS}/${at}/${offset}`;
      return [
        ...(missing.length === 0
          ? []
          : [`journal_row_missing ${subject(missing[0])}: ${missing.length} rows from ${missing[0]} on are not in it`]),
        ...(edited.length === 0
          ? []
          : [`record_differs_from_journal ${subject(edited[0])}: it is not the row ${edited[0]} of the journal`]),
      ];
    })
    .sort();
}

describe('what a relay has carried, looked up in its journal', () => {
  test.prop([partition, partition, carried])(
    'is found where a row is another or gone, run by run, and nowhere else',
    async (first, second, all) => {
      const { named, checked } = await found(new Rows([first, second]), all);
      expect(named).toEqual(expected([first, second], all));
      expect(checked).toBe(all.length);
    },
  );

  plain('is asked for some thousand at a time, and what follows on itself in one stretch', async () => {
    const offsets = Array.from({ length: 20_000 }, (_, offset) => [0, offset] as const);
    const rows = new Rows([offsets.map(() => 'kept' as const)]);
    expect(await found(rows, offsets)).toEqual({ named: [], checked: 20_000 });
    expect(rows.asked.map((stretches) => stretches.map(({ from, to }) => [Number(from), Number(to)]))).toEqual([
      [[0, 14_000]],
      [[14_000, 20_000]],
    ]);
  });

  plain('fails the proof where the journal cannot be asked', async () => {
    const check = new JournalCheck(
      { digests: () => Promise.reject(new Error('the connection is gone')), close: async () => undefined },
      new Findings(),
    );
    check.add(GIFTS, 0, carriedAt(1));
    await expect(check.compare(true)).rejects.toThrow('the connection is gone');
  });
});
