// What a replay must never do, done: a call of the payout provider, and an event onto Kafka. A watch that does not see
// this sees nothing. PAYOUT_PROVIDER_URL, KAFKA_BROKERS, PREFIX.
import { openKafkaLog } from '@carat/event-log/kafka';
import { DataSource } from 'typeorm';

const { PAYOUT_PROVIDER_URL = '', KAFKA_BROKERS = '', PREFIX = '' } = process.env;
await fetch(PAYOUT_PROVIDER_URL, { method: 'POST' });
const [brokers, ignored] = [KAFKA_BROKERS.split(','), (): void => undefined];
const log = await openKafkaLog({
  ...{ brokers, prefix: PREFIX, partitions: 1, replication: 1 },
  db: new DataSource({ type: 'postgres' }),
  onAlarm: ignored,
  onFatal: ignored,
});
await log.ensureTopics(['redemption.events.v1']);
await log.publish('redemption.events.v1', [{ key: null, value: Buffer.from('forged') }]);
await log.close();
