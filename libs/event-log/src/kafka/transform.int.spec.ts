import { caused, deadLetterTopicOf } from '@carat/events';
import { asKafkaAdmin, eventually } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CREDITS, type KafkaBed, openKafkaBed } from '../../test/kafka-bed.js';
import { claim } from '../consumer-offset.store.js';
import { gift } from '../event-log.contract.js';
import { type Recorded, type Running, Unhandleable } from '../event-log.js';
import { recordOf } from '../journal/append.store.js';

const FLOW = { group: CREDITS, from: 'gift.events.v1', to: 'diamond.events.v1' } as const;

const creditOf = (sent: Recorded<'gift.events.v1'>, pad = '') => {
  if (sent.type !== 'carat.gift.sent.v1') throw new Error('only gifts here');
  const { giftId, creatorId, coins, context } = sent.data;
  return caused(sent, {
    type: 'carat.diamonds.credited.v1',
    source: '/carat/conversion-service',
    subject: creatorId,
    data: {
      creditId: `crd_${giftId}`,
      creatorId,
      giftId,
      coins,
      millidiamonds: coins * 500,
      rate: { id: `rate_1${pad}`, numerator: 1, denominator: 2, rounding: 'floor' as const },
      residue: { numerator: 0, denominator: 1 },
      context,
    },
  });
};

describe('a transform on Kafka', () => {
  let bed: KafkaBed;
  let flow: Running | undefined;
  beforeEach(async () => {
    bed = await openKafkaBed();
    await bed.log.publish(
      FLOW.from,
      Array.from({ length: 100 }, (_, n) => recordOf(gift(n))),
    );
  }, 60_000);
  afterEach(async () => {
    await flow?.stop();
    await bed.close();
  });

  const outputs = async (): Promise<string[]> => (await bed.records(FLOW.to)).map(({ value }) => String(value));

  test('a hold that is lost between writing and advancing repeats the very same bytes, and loses nothing', async () => {
    let stolen = false;
    flow = await bed.log.transform(FLOW, async (gifts) => {
      const [first] = gifts;
      if (!stolen && first !== undefined) {
        stolen = true;
        await claim(bed.db.manager, FLOW.group, bed.log.id, FLOW.from, first.position.partition);
      }
      return gifts.map((sent) => creditOf(sent));
    });
    const stored = async (): Promise<number> =>
      Number((await bed.db.query('SELECT sum(next_offset) AS n FROM journal.consumer_offset'))[0].n);
    await eventually(async () => expect(await stored()).toBe(100));
    const written = await outputs();
    expect(written.length).toBeGreaterThan(100);
    expect(new Set(written).size).toBe(100);
  }, 20_000);

  test('a key is parked with the advance or not at all: a hold that was lost parks nothing', async () => {
    let stolen = false;
    const parkBy = ({ subject }: Recorded<'gift.events.v1'>): string | undefined => subject;
    flow = await bed.log.transform({ ...FLOW, parkBy }, async (gifts) => {
      const bad = gifts.find((sent) => sent.type === 'carat.gift.sent.v1' && sent.data.coins === 13);
      if (!stolen && bad !== undefined) {
        if (gifts.length === 1) {
          stolen = true;
          await claim(bed.db.manager, FLOW.group, bed.log.id, FLOW.from, bad.position.partition);
        }
        throw new Unhandleable('bad_luck', 'thirteen is bad luck, once');
      }
      return gifts.map((sent) => creditOf(sent));
    });
    await eventually(async () => expect(new Set(await outputs()).size).toBe(100));
    expect(await bed.records(deadLetterTopicOf(FLOW.group))).toHaveLength(1);
    expect(await bed.db.query('SELECT key FROM journal.parked_key')).toEqual([]);
  }, 20_000);

  test('outputs carry the content type and stay in their partition', async () => {
    flow = await bed.log.transform(FLOW, async (gifts) => gifts.map((sent) => creditOf(sent)));
    await eventually(async () => expect(await outputs()).toHaveLength(100));
    const partitionOfCreator = new Map(
      (await bed.records(FLOW.from)).map(({ key, partition }) => [String(key), partition]),
    );
    for (const { key, partition, headers } of await bed.records(FLOW.to)) {
      expect(partition).toBe(partitionOfCreator.get(String(key)));
      expect(headers.map(([name, value]) => [name, String(value)])).toEqual([
        ['content-type', 'application/cloudevents+json'],
      ]);
    }
  }, 20_000);

  test('an output that no lot is small enough for dead-letters its input alone', async () => {
    flow = await bed.log.transform(FLOW, async (gifts) =>
      gifts.map((sent) =>
        creditOf(sent, sent.type === 'carat.gift.sent.v1' && sent.data.coins === 41 ? 'x'.repeat(9_000_000) : ''),
      ),
    );
    await eventually(async () => expect(new Set(await outputs()).size).toBe(99), { withinMs: 40_000 });
    const letters = await bed.records(deadLetterTopicOf(FLOW.group));
    expect(letters.map(({ value }) => value)).toEqual([recordOf(gift(41)).value]);
    expect(Object.fromEntries((letters[0]?.headers ?? []).map(([name, value]) => [name, String(value)]))).toMatchObject(
      {
        'carat-error-class': 'record_too_large',
        '__dlq.errors.group': FLOW.group,
      },
    );
  }, 60_000);

  test('another number of partitions is refused', async () => {
    await asKafkaAdmin((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: bed.prefix + FLOW.to, count: 6 }] }),
    );
    const log = await bed.open();
    await expect(log.transform(FLOW, async () => [])).rejects.toThrow('(6) as in gift.events.v1 (4)');
  }, 20_000);
});
