import kafkajs, { type Admin, type Kafka, type Producer } from 'kafkajs';
import { kafkaBrokers } from './kafka.js';

/** A bare client of the run's broker, silent, for what a test does behind the product's back. */
export const testKafka = (): Kafka =>
  new kafkajs.Kafka({ clientId: 'test', brokers: kafkaBrokers(), logLevel: kafkajs.logLevel.NOTHING });

/** A connected producer with the Java client's partitioner; with an id it is transactional. */
export async function testProducer(transactionalId?: string): Promise<Producer> {
  const producer = testKafka().producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
    ...(transactionalId === undefined ? {} : { transactionalId, idempotent: true, maxInFlightRequests: 1 }),
    // A broker that just started answers "loading" for a while.
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 40 },
  });
  await producer.connect();
  return producer;
}

/** A short conversation with the run's broker, as an administrator. */
export async function asKafkaAdmin<T>(talk: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = testKafka().admin();
  await admin.connect();
  try {
    return await talk(admin);
  } finally {
    await admin.disconnect();
  }
}
