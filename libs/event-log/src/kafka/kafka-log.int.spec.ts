import { deadLetterTopicOf } from '@carat/events';
import { openKafkaBed, PARTITIONS } from '../../test/kafka-bed.js';
import { eventLogContract } from '../event-log.contract.js';

eventLogContract('Kafka', async () => {
  const bed = await openKafkaBed();
  return {
    ...bed,
    partitions: PARTITIONS,
    another: () => bed.open(),
    transformsDeadLetters: (group) => bed.records(deadLetterTopicOf(group)),
  };
});
