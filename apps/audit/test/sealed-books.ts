import { createPublicKey } from 'node:crypto';
import { eventually, type TestDatabase } from '@carat/test-bed';
import { type OpenSeals, openSeals, readNotaryKeys, readSeals, type Seal } from '../src/seals/seals.store.js';
import { NotaryProcess } from './notary-process.js';
import type { Sealed } from './verified.js';
import type { WorldSize } from './world.js';
import { onDatabase, worldBooks } from './world-books.js';

export const smallWorld: WorldSize = { seed: 7, gifts: 600, creators: 12, viewers: 40, partitions: 4 };

/** The books of a small world, all of it sealed by a notary that has gone; its key is in `home`. */
export async function sealedBooks(home: string): Promise<{ database: TestDatabase; sealed: Sealed }> {
  const database = await worldBooks(smallWorld);
  const notary = await NotaryProcess.start({
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    KAFKA_PARTITIONS: String(smallWorld.partitions),
    SEAL_RECORDS: '300',
    SEAL_INTERVAL: '100ms',
  });
  const records = await onDatabase(database, async (client) => {
    const { rows } = await client.query<{ count: number }>('SELECT sum(next)::int AS count FROM journal.log_head');
    return rows[0]?.count;
  });
  const session = (await eventually(() =>
    openSeals(database.url).then((open) => open ?? Promise.reject()),
  )) as OpenSeals;
  const seals = await eventually(async () => {
    const all: Seal[] = [];
    for await (const seal of readSeals(session)) all.push(seal);
    if (all.at(-1)?.content.partitions.reduce((sum, of) => sum + Number(of.records), 0) !== records)
      throw new Error('not all of it is sealed yet');
    return all;
  });
  const keys = await readNotaryKeys(session);
  await session.close();
  await notary.stop();
  return {
    database,
    sealed: { seals, trusted: new Map(keys.map((key) => [key.keyId, createPublicKey(key.publicKey)])) },
  };
}
