import { type RawRecord, type Seen, SequenceGap } from '@carat/event-log';
import { type Event, encode } from '@carat/events';
import { event } from '@carat/payout-service/test/ledger-events';
import { describe, expect, test } from '@jest/globals';
import { relayedPart } from './relayed-part.js';

const TOPIC = 'redemption.events.v1';
const NOTHING: Seen = { lastSequence: null, journal: null };

/** A record at an offset that stood at another in its journal; without one nobody's relay has carried it. */
function record(offset: number, sequence?: number): RawRecord {
  const said = event('carat.redemption.requested.v1', { n: sequence ?? 1000 });
  const numbered = sequence === undefined ? said : { ...said, sequence: String(sequence), journal: 'j' };
  return {
    ...{ offset: BigInt(offset), recordedAtMs: 0, key: null, headers: [] },
    value: encode(numbered as Event<typeof TOPIC>),
  };
}

const partOf = (records: readonly RawRecord[], next: number, seen = NOTHING) => {
  const nextOffset = (records.at(-1)?.offset ?? 0n) + 1n;
  const read = relayedPart<typeof TOPIC>({ topic: TOPIC, partition: 0, records, nextOffset }, seen, BigInt(next));
  return {
    sequences: read.events.map(({ sequence }) => Number(sequence)),
    foreign: read.dead.map(({ record: { offset } }) => Number(offset)),
    nextOffset: Number(read.nextOffset),
    isWhole: read.isWhole,
    lastSequence: read.seen.lastSequence,
  };
};

describe('a batch of a relayed topic, up to an offset of its journal', () => {
  test('is whole when nothing in it comes later, and goes on after its last record', () => {
    const read = { sequences: [0, 1], foreign: [], nextOffset: 7, isWhole: true, lastSequence: 1n };
    expect(partOf([record(5, 0), record(6, 1)], 2)).toEqual(read);
    expect(partOf([record(5, 0), record(6, 1)], 9)).toEqual(read);
  });

  test('ends before the first that comes later, which is where the next reading begins', () => {
    expect(partOf([record(5, 0), record(6, 1), record(7, 2)], 1)).toEqual({
      ...{ sequences: [0], foreign: [], nextOffset: 6, isWhole: false, lastSequence: 0n },
    });
    expect(partOf([record(5, 0)], 0)).toMatchObject({ sequences: [], nextOffset: 5, isWhole: false });
  });

  test('has what came twice once, also where it ends', () => {
    const records = [record(5, 0), record(6, 1), record(7, 0), record(8, 1), record(9, 2)];
    expect(partOf(records, 2)).toMatchObject({ sequences: [0, 1], nextOffset: 9, isWhole: false });
    expect(partOf([record(9, 2)], 3, { lastSequence: 1n, journal: 'j' })).toMatchObject({ sequences: [2] });
  });

  test('says nothing of what no relay has carried, and names where it stands', () => {
    expect(partOf([record(5, 0), record(6), record(7, 1)], 2)).toMatchObject({ sequences: [0, 1], foreign: [6] });
  });

  test('is not read past a gap', () => {
    expect(() => partOf([record(5, 0), record(6, 2)], 9)).toThrow(SequenceGap);
  });
});
