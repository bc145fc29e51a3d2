import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { LogMissing, type OpenReader, type RawBatch } from '../event-log.js';
import { journalEpoch, type Queries, readEnds, readOffsetsAt } from './read.store.js';
import { copyOf, recordsCopied, type Stretch, stepsOf } from './stretches.js';

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
  // Kept from one reading to the next.
  const spare: Staging[] = [];
  const copy = async (stretches: readonly Stretch[], into: Staging): Promise<Buffer> => {
    into.clear();
    for await (const piece of client.query(copyTo(copyOf(stretches)))) into.add(piece as Buffer);
    return into.bytes;
  };
  let id: string;
  try {
    await client.connect();
    await client.query('SET default_transaction_read_only = on');
    // Pages come in the order in which they lie. To have others fetch them ahead costs more than it saves.
    await client.query('SET effective_io_concurrency = 0');
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
    read: (topics, from, to) => readSteps(copy, spare, stepsOf(topics, from, to)),
    close: () => client.end(),
  };
}

const SMALLEST_STAGING = 64 * 1024;

/** Bytes as they come in, in memory that is used again: it is megabytes, and would be garbage at once. */
class Staging {
  private room = Buffer.alloc(SMALLEST_STAGING);
  private length = 0;

  clear(): void {
    this.length = 0;
  }

  add(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.room.length) this.room = Buffer.concat([this.bytes], 2 * length);
    piece.copy(this.room, this.length);
    this.length = length;
  }

  get bytes(): Buffer {
    return this.room.subarray(0, this.length);
  }
}

/** The next step is asked for while the one before is looked at. */
async function* readSteps(
  copy: (stretches: readonly Stretch[], into: Staging) => Promise<Buffer>,
  spare: Staging[],
  steps: Iterable<readonly Stretch[]>,
): AsyncGenerator<RawBatch> {
  let [free, used] = [spare.pop() ?? new Staging(), spare.pop() ?? new Staging()];
  let before: readonly Stretch[] = [];
  let copying: Promise<Buffer> | undefined;
  try {
    for (const stretches of steps) {
      const copied = copying;
      const into = free;
      copying = Promise.resolve(copied).then(() => copy(stretches, into));
      [free, used] = [used, free];
      // Whoever looks at no more records never hears of it.
      copying.catch(() => undefined);
      if (copied !== undefined) yield* recordsCopied(before, await copied);
      before = stretches;
    }
    if (copying !== undefined) yield* recordsCopied(before, await copying);
  } finally {
    await copying?.catch(() => undefined);
    spare.push(free, used);
  }
}
