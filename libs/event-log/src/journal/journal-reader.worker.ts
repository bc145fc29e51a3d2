import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LogMissing, type OpenReader } from '../event-log.js';
import {
  copyOf,
  journalEpoch,
  type Queries,
  type ReadRecords,
  readEnds,
  readOffsetsAt,
  readRange,
  recordsCopied,
} from './read.store.js';

/**
 * The journal of a database, over one session in which Postgres itself refuses every write.
 * @throws LogMissing when the database holds no journal; the error of the connection when there is none
 */
export async function openJournalReader(databaseUrl: string): Promise<OpenReader> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'carat-reader',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  // What breaks between two questions is told by the next one.
  client.on('error', () => undefined);
  const sql: Queries = {
    query: async <T>(text: string, values?: unknown[]) => (await client.query(text, values)).rows as T,
  };
  const read: ReadRecords = async (topic, partition, from, limit) => {
    const chunks: Buffer[] = [];
    for await (const chunk of client.query(copyTo(copyOf(topic, partition, from, limit)))) chunks.push(chunk as Buffer);
    return recordsCopied(topic, partition, from, Buffer.concat(chunks));
  };
  let id: string;
  try {
    await client.connect();
    await client.query('SET default_transaction_read_only = on');
    const [found] = (await sql.query(`SELECT to_regclass('journal.log_head') AS heads`)) as [{ heads: string | null }];
    if (found.heads === null) throw new LogMissing('this database holds no journal');
    id = await journalEpoch(sql);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    id,
    isRelayed: () => false,
    async ends(topics) {
      const ends = await readEnds(sql, topics);
      const missing = topics.filter((topic) => ends[topic]?.length === 0);
      if (missing.length > 0) throw new LogMissing(`the journal has no ${missing.join(', ')}`);
      return ends;
    },
    offsetsAt: (topics, timeMs) => readOffsetsAt(sql, topics, timeMs),
    read: (topics, from, to) => readRange(read, topics, from, to),
    close: () => client.end(),
  };
}
