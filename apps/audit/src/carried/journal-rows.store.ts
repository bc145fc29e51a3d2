import { Copied, isWithin, type Stretch } from '@carat/event-log/readers';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { DIGEST_BYTES, type Digest } from '../seals/digest.js';
import { digestOfJournaled } from './carried.js';

const OFFSET_BYTES = 8;

/** What the journal holds of the records that its relay has carried. */
export interface JournalRows {
  /** The `journaledDigest` of each row of the stretches, in order; undefined where one is missing. */
  digests(stretches: readonly Stretch[]): Promise<readonly (readonly (Digest | undefined)[])[]>;
  close(): Promise<void>;
}

// Hashed where they are, and one row for all of a partition: what travels is a fiftieth.
const digestsOf = (stretches: readonly Stretch[]): string => `
  COPY (
    SELECT topic, part, string_agg(int8send("offset"), ''::bytea), string_agg(${digestOfJournaled}, ''::bytea)
    FROM journal.log_record WHERE ${isWithin(stretches)} GROUP BY topic, part
  ) TO STDOUT (FORMAT binary)`;

/** @throws the error of the connection */
export async function openJournalRows(databaseUrl: string): Promise<JournalRows> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-audit' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SET default_transaction_read_only = on');
  // Pages come in the order in which they lie: nobody needs to fetch them ahead.
  await client.query('SET effective_io_concurrency = 0');
  const copied = async (stretches: readonly Stretch[]): Promise<Copied> => {
    const pieces: Buffer[] = [];
    for await (const piece of client.query(copyTo(digestsOf(stretches)))) pieces.push(piece as Buffer);
    return new Copied(Buffer.concat(pieces));
  };
  // A connection answers one question after another.
  let before: Promise<unknown> = Promise.resolve();
  return {
    async digests(stretches) {
      const copying = before.then(() => copied(stretches));
      before = copying.catch(() => undefined);
      return placed(stretches, await copying);
    },
    close: () => client.end(),
  };
}

/** Rows come in no order; and what a relay has carried twice is in two stretches. */
function placed(stretches: readonly Stretch[], copy: Copied): (Digest | undefined)[][] {
  const digests = stretches.map(({ from, to }) => Array<Digest | undefined>(Number(to - from)).fill(undefined));
  while (copy.nextRow()) {
    const [topic, partition] = [copy.text(), copy.int()];
    const [offsets, hashes] = [copy.bytes() ?? Buffer.alloc(0), copy.bytes() ?? Buffer.alloc(0)];
    const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.length);
    for (const [index, stretch] of stretches.entries()) {
      if (stretch.topic !== topic || stretch.partition !== partition) continue;
      const [from, of] = [Number(stretch.from), digests[index] ?? []];
      for (let row = 0; row < offsets.length / OFFSET_BYTES; row++) {
        const at = Number(view.getBigInt64(row * OFFSET_BYTES)) - from;
        if (at >= 0 && at < of.length) of[at] = hashes.toString('latin1', row * DIGEST_BYTES, (row + 1) * DIGEST_BYTES);
      }
    }
  }
  return digests;
}
