// A relay in a process of its own, to be killed. Node runs it as it stands: DATABASE_URL, KAFKA_BROKERS, PREFIX.
import { openKafkaLog, startRelay } from '@carat/event-log/kafka';
import { DataSource } from 'typeorm';

const { DATABASE_URL = '', KAFKA_BROKERS = '', PREFIX = '', PARTITIONS = '' } = process.env;

const fail = (error: Error): never => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
};
const db = await new DataSource({ type: 'postgres', url: DATABASE_URL }).initialize();
const log = await openKafkaLog({
  brokers: KAFKA_BROKERS.split(','),
  prefix: PREFIX,
  partitions: Number(PARTITIONS),
  replication: 1,
  db,
  onAlarm: (_part, error) => fail(error),
  onFatal: fail,
});
process.stdout.write('relaying\n');
await startRelay({ db, log, topics: ['gift.events.v1'], onAlarm: (_part, error) => fail(error) });
