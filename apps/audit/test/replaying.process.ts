// A replay in a process of its own, with all that it loads and nothing else. Node runs it as it stands: DATABASE_URL,
// KAFKA_BROKERS and PREFIX where Kafka is the log, and RATE in records a second to read no faster.
import { openShadowSession, replay } from '@carat/audit/replay';
import { openJournalReader, openKafkaReader } from '@carat/event-log/readers';

const { DATABASE_URL = '', KAFKA_BROKERS, PREFIX = '', RATE } = process.env;
const reader =
  KAFKA_BROKERS === undefined
    ? await openJournalReader(DATABASE_URL)
    : await openKafkaReader({ brokers: KAFKA_BROKERS.split(','), prefix: PREFIX });
const session = await openShadowSession(DATABASE_URL);
const log = KAFKA_BROKERS === undefined ? 'journal' : 'kafka';
const rate = RATE === undefined ? {} : { recordsPerSecond: Number(RATE) };
const { equal, live } = await replay(reader, session, { name: 'balances', from: 'zero', log, ...rate });
await session.close();
await reader.close();
process.stdout.write(JSON.stringify({ equal, rows: live.rows }));
