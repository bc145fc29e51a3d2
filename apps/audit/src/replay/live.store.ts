import { createHash } from 'node:crypto';
import type { Offsets } from '@carat/event-log';
import { partitionOf, type Topic } from '@carat/events';
import { LEDGER_GROUP } from '@carat/payout-service/ledger-group';
import { KEPT_PLACES, type KeptPlaces } from '@carat/payout-service/ledger-rows';
import {
  type Difference,
  digestedOf,
  type ProjectionName,
  shadowOf,
  summaryOfDifference,
  tableOf,
} from '@carat/payout-service/projection';
import { type Terms, terms } from '@carat/payout-service/terms';
import { digestOfBalances, type SealedBalance } from '../merkle-trees/balance-tree.js';
import { hexOf } from '../seals/digest.js';
import type { ShadowSession } from './shadow-session.worker.js';

export const REDEMPTIONS = 'redemption.events.v1';
export const FOLLOWED = ['diamond.events.v1', 'award.events.v1'] as const;

/** The identities of the logs that the ledger has read, and that of the database's own journal. */
export async function ledgerLogs(session: ShadowSession): Promise<{ journal: string; read: readonly string[] }> {
  const [epoch] = await session.query<{ id: string }>('SELECT id FROM journal.epoch');
  const rows = await session.query<{ id: string }>(
    'SELECT DISTINCT log_id AS id FROM journal.consumer_offset WHERE grp = $1 ORDER BY 1',
    [LEDGER_GROUP],
  );
  return { journal: epoch?.id ?? '', read: rows.map(({ id }) => id) };
}

/** Of which transfers the ledger keeps where their events stand. */
export async function keptPlaces(session: ShadowSession, logId: string): Promise<KeptPlaces> {
  const [kept] = (await session.query(KEPT_PLACES, [LEDGER_GROUP, logId])) as [KeptPlaces];
  return kept;
}

/**
 * Up to where the ledger has booked: of diamonds and awards the next offsets of its group, which move in the
 * transaction that books; of redemptions the heads of the journal, where their door appends in the transaction that
 * books. In one snapshot with the rows, the rows are exactly what comes before.
 */
export async function ledgerStandsAt(session: ShadowSession, logId: string): Promise<Offsets> {
  const rows = await session.query<{ topic: Topic; partition: number; next: string }>(
    `SELECT topic, part AS partition, next_offset AS next FROM journal.consumer_offset WHERE grp = $1 AND log_id = $2
     UNION ALL SELECT topic, part, next FROM journal.log_head WHERE topic = $3 ORDER BY 1, 2`,
    [LEDGER_GROUP, logId, REDEMPTIONS],
  );
  const offsets: Partial<Record<Topic, bigint[]>> = {};
  for (const { topic, partition, next } of rows) {
    const ofTopic = offsets[topic] ?? [];
    while (ofTopic.length < partition) ofTopic.push(0n);
    ofTopic[partition] = BigInt(next);
    offsets[topic] = ofTopic;
  }
  return offsets;
}

/** What is said of all rows of one side. */
export interface Side {
  readonly rows: number;
  /**
   * SHA-256 over every row, in the order of its key: its columns as a JSON array, each followed by a line feed. Where
   * the event of a row stands is not among them.
   */
  readonly digest: string;
  /** Of balances also the digest of each partition, as seals have it. */
  readonly partitions: readonly { readonly partition: number; readonly digest: string }[];
}

/** Both sides of a comparison, read in the caller's snapshot. */
export interface Comparison {
  readonly live: Side;
  readonly shadow: Side;
  readonly difference: Difference;
}

/** Compares a shadow with what is in use, in the caller's snapshot; `partitions` of the topics that creators key. */
export async function compare(session: ShadowSession, name: ProjectionName, partitions: number): Promise<Comparison> {
  const live = await sideOf(session, name, 'payout', partitions);
  const shadow = await sideOf(session, name, shadowOf(name), partitions);
  const [difference] = (await session.query(summaryOfDifference(name), ['[]'])) as [Difference];
  return { live, shadow, difference };
}

const ROWS_AT_ONCE = 5000;

async function sideOf(session: ShadowSession, name: ProjectionName, schema: string, partitions: number): Promise<Side> {
  const { name: table, key, keyType } = tableOf[name];
  const order = keyType === 'text' ? `${key} COLLATE "C"` : key;
  const texts = [key, ...digestedOf(tableOf[name])].map((column) => `${column}::text`);
  await session.query(
    `DECLARE side NO SCROLL CURSOR FOR
     SELECT json_build_array(${texts.join(', ')}) AS row FROM ${schema}.${table} ORDER BY ${order}`,
  );
  const digest = createHash('sha256');
  const balances: SealedBalance[] = [];
  let rows = 0;
  for (;;) {
    const fetched = await session.query<{ row: readonly (string | null)[] }>(`FETCH ${ROWS_AT_ONCE} FROM side`);
    if (fetched.length === 0) break;
    for (const { row } of fetched) {
      // A balance of zeros is the same as none.
      if (name === 'balances' && row.slice(1).every((value) => value === '0')) continue;
      rows += 1;
      digest.update(`${JSON.stringify(row)}\n`);
      if (name === 'balances') balances.push(balanceIn(row));
    }
  }
  await session.query('CLOSE side');
  return { rows, digest: digest.digest('hex'), partitions: digestsOf(balances, name === 'balances' ? partitions : 0) };
}

const balanceIn = ([creatorId, ...values]: readonly (string | null)[]): SealedBalance => ({
  creatorId: creatorId ?? '',
  terms: Object.fromEntries(terms.map((term, index) => [term, BigInt(values[index] ?? 0)])) as Terms,
});

function digestsOf(balances: readonly SealedBalance[], partitions: number): Side['partitions'] {
  const of: SealedBalance[][] = Array.from({ length: partitions }, () => []);
  for (const balance of balances) of[partitionOf(balance.creatorId, partitions)]?.push(balance);
  return of.map((each, partition) => ({ partition, digest: hexOf(digestOfBalances(each)) }));
}
