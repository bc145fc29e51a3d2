import { asKafkaAdmin, eventually, testProducer } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type KafkaBed, openKafkaBed } from '../../test/kafka-bed.js';
import { FlowHalted, type Follower, OffsetMovedByAnother, type RawBatch, type Running } from '../event-log.js';

// One partition, so offsets can be told in advance.
const TOPIC = 'rate.events.v1';

const valuesOf = (batches: readonly RawBatch[]): string[] =>
  batches.flatMap(({ records }) => records.map(({ value }) => String(value)));

describe('following a topic on Kafka', () => {
  let bed: KafkaBed;
  let running: Running[] = [];

  beforeEach(async () => {
    bed = await openKafkaBed();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(running.map((flow) => flow.stop()));
    running = [];
    await bed.close();
  }, 60_000);

  const publish = (...values: string[]): Promise<void> =>
    bed.log.publish(
      TOPIC,
      values.map((value) => ({ key: Buffer.from('rate-book'), value: Buffer.from(value) })),
    );

  /** A follower that keeps its offset in memory, as a database would. */
  async function follow({
    group = 'test.follow',
    stored = 0n,
    onBatch = async (_batch: RawBatch): Promise<void> => undefined,
  } = {}) {
    const state = { stored, claims: 0, batches: [] as RawBatch[] };
    const follower: Follower = {
      async claimed() {
        state.claims += 1;
        return state.stored;
      },
      async batch(batch) {
        await onBatch(batch);
        state.batches.push(batch);
        state.stored = batch.nextOffset;
      },
    };
    const flow = await bed.log.follow(group, [TOPIC], follower);
    running.push(flow);
    return { state, flow };
  }

  /** As retention would do it. */
  const deleteUpTo = (offset: string): Promise<void> =>
    asKafkaAdmin(async (admin) => {
      const topic = bed.prefix + TOPIC;
      // Only this makes the client learn who leads the topic.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
    });

  test('the follower’s offset counts, not Kafka’s', async () => {
    await publish('a', 'b', 'c');
    const first = await follow();
    await eventually(() => expect(valuesOf(first.state.batches)).toEqual(['a', 'b', 'c']));
    await first.flow.stop();
    const hints = await asKafkaAdmin((admin) => admin.fetchOffsets({ groupId: `${bed.prefix}test.follow` }));
    expect(hints[0]?.partitions).toMatchObject([{ partition: 0, offset: '3' }]);
    const second = await follow({ stored: 1n });
    await eventually(() => expect(valuesOf(second.state.batches)).toEqual(['b', 'c']));
  }, 20_000);

  test('of overlapping aborted transactions nothing is seen, though the fetch begins inside of them', async () => {
    const [one, two] = [await testProducer(`${bed.prefix}1`), await testProducer(`${bed.prefix}2`)];
    const [first, second] = [await one.transaction(), await two.transaction()];
    const topic = bed.prefix + TOPIC;
    const send = (to: typeof first, value: string, key = 'k') =>
      to.send({ topic, messages: [{ key, value, partition: 0 }] });
    await send(first, 'aborted 0');
    await send(second, 'aborted 1');
    await send(second, 'aborted 2');
    // Four zero bytes: kafkajs alone would take this for the end of the transaction.
    await send(first, 'aborted 3', '\0\0\0\0');
    await send(first, 'aborted 4');
    await first.abort();
    await second.abort();
    const third = await one.transaction();
    await send(third, 'committed');
    await third.commit();
    await Promise.all([one.disconnect(), two.disconnect()]);
    await publish('plain');
    const { state } = await follow({ stored: 2n });
    await eventually(() => expect(valuesOf(state.batches)).toEqual(['committed', 'plain']));
    const all = (await bed.records(TOPIC)).map(({ value }) => String(value));
    expect(all).toEqual(['committed', 'plain']);
  });

  test('a fetch that brings no record still moves the offset', async () => {
    const producer = await testProducer(`${bed.prefix}1`);
    const transaction = await producer.transaction();
    await transaction.send({ topic: bed.prefix + TOPIC, messages: [{ value: 'never', partition: 0 }] });
    await transaction.abort();
    await producer.disconnect();
    const { state } = await follow();
    await eventually(async () => expect(state.stored).toEqual((await bed.log.ends([TOPIC]))[TOPIC]?.[0]));
    expect(state.stored).toBe(2n);
    expect(valuesOf(state.batches)).toEqual([]);
  }, 20_000);

  test('a programming error is tried again: the client neither stops nor skips', async () => {
    let failures = 0;
    const onBatch = async (): Promise<void> => {
      if (failures++ < 3) throw new TypeError('undefined is not a function');
    };
    await publish('a', 'b');
    const { state } = await follow({ onBatch });
    await eventually(() => expect(valuesOf(state.batches)).toEqual(['a', 'b']));
    expect(failures).toBe(4);
    // Claimed on joining, and again after each failure.
    expect(state.claims).toBe(4);
    expect(bed.fatal).toEqual([]);
  }, 20_000);

  test('when another moved the offset, the partition is claimed anew and goes on from there', async () => {
    let moved = false;
    const flow: { state?: { stored: bigint } } = {};
    const onBatch = async (): Promise<void> => {
      if (moved) return;
      moved = true;
      if (flow.state !== undefined) flow.state.stored = 2n;
      throw new OffsetMovedByAnother('test.follow', TOPIC, 0);
    };
    const { state } = await follow({ onBatch });
    flow.state = state;
    await publish('a', 'b', 'c');
    await eventually(() => expect(valuesOf(state.batches)).toEqual(['c']));
    expect(bed.alarms).toEqual([]);
  }, 20_000);

  test('a halted flow stops with one alarm; its neighbour goes on', async () => {
    const onBatch = (): Promise<void> => Promise.reject(new FlowHalted('a write was lost'));
    const halted = await follow({ onBatch });
    const other = await follow({ group: 'test.other' });
    await publish('a');
    await eventually(() => expect(halted.flow.alarm()?.message).toBe('a write was lost'));
    await publish('b');
    await eventually(() => expect(valuesOf(other.state.batches)).toEqual(['a', 'b']));
    expect(halted.state.batches).toEqual([]);
    expect(bed.alarms).toEqual([halted.flow.alarm()]);
    expect(other.flow.alarm()).toBeUndefined();
    expect(bed.fatal).toEqual([]);
  }, 20_000);

  test('records deleted before they were read stop the flow', async () => {
    await publish('a', 'b', 'c');
    await deleteUpTo('2');
    const { flow, state } = await follow({ stored: 1n });
    await eventually(() => expect(flow.alarm()?.message).toMatch(/begins at 2, past 1 .*: records are lost/));
    expect(state.batches).toEqual([]);
  }, 20_000);

  test('records deleted while the flow runs stop it, too', async () => {
    await publish('a', 'b', 'c');
    let failures = 0;
    const onBatch = async (): Promise<void> => {
      if (failures++ > 0) return;
      await deleteUpTo('2');
      throw new Error('the first try fails');
    };
    const { flow, state } = await follow({ onBatch });
    await eventually(() => expect(flow.alarm()?.message).toMatch(/begins at 2, past 0/));
    expect(state.batches).toEqual([]);
  }, 20_000);

  test('a log that ends before the stored offset has lost its tail', async () => {
    await publish('a');
    const { flow } = await follow({ stored: 5n });
    await eventually(() => expect(flow.alarm()?.message).toMatch(/ends at 1, before 5 .*: its tail is lost/));
  }, 20_000);

  test('a record that is not in its key’s partition is counted', async () => {
    await bed.log.publish('award.events.v1', [
      { key: Buffer.from('creator-1'), value: Buffer.from('x') },
      ...[0, 1, 2, 3].map((partition) => ({ key: Buffer.from('creator-1'), value: Buffer.from('y'), partition })),
    ]);
    let seen = 0;
    running.push(
      await bed.log.follow('test.misplaced', ['award.events.v1'], {
        claimed: async () => 0n,
        batch: async ({ records }) => {
          seen += records.length;
        },
      }),
    );
    await eventually(() => expect(seen).toBe(5));
    expect(bed.log.misplacedRecords).toBe(3);
    expect(bed.said.filter((line) => line.includes('partition that is not its key'))).toHaveLength(1);
  }, 20_000);
});
