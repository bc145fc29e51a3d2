import type { Tx } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { type Terms, terms } from '@carat/payout-service/terms';
import type { SealedBalance } from '../merkle-trees/balance-tree.js';
import { type Seal, textOfSeal } from '../seals/seal.js';
import { type BalanceChange, bookedIdOf } from './balance-changes.js';
import type { Move, Relayed } from './sealer.js';

const COLUMNS = terms.join(', ');

// What was already there is what was given and not inserted.
const REMEMBER = `
  WITH given AS MATERIALIZED (SELECT * FROM unnest($1::int[], $2::uuid[]) AS g(partition, event_id)),
  fresh AS (
    INSERT INTO audit.booked_event SELECT * FROM given ORDER BY partition, event_id
    ON CONFLICT DO NOTHING RETURNING partition, event_id
  )
  SELECT partition, event_id AS "eventId" FROM given EXCEPT SELECT partition, event_id FROM fresh`;

/** Remembers events for ever, and answers the moves of those that no seal before has had. */
export async function rememberEvents(tx: Tx, moves: readonly Move[]): Promise<readonly Move[]> {
  if (moves.length === 0) return moves;
  const ids = moves.map(({ eventId }) => bookedIdOf(eventId));
  const repeated = (await tx.query(REMEMBER, [moves.map(({ partition }) => partition), ids])) as {
    partition: number;
    eventId: string;
  }[];
  if (repeated.length === 0) return moves;
  const known = new Set(repeated.map(({ partition, eventId }) => `${partition} ${eventId.replaceAll('-', '')}`));
  return moves.filter(({ partition }, at) => !known.has(`${partition} ${ids[at]?.replaceAll('-', '')}`));
}

// What a balance comes to is kept twice: as the newest, and for good as that of this seal.
const CHANGE = `
  WITH changed AS (
    INSERT INTO audit.balance AS b (partition, bucket, creator_id, ${COLUMNS})
    SELECT * FROM unnest($2::int[], $3::int[], $4::text[], ${terms.map((_, n) => `$${n + 5}::bigint[]`).join(', ')})
    ORDER BY 1, 2, 3
    ON CONFLICT (partition, bucket, creator_id) DO UPDATE
    SET ${terms.map((term) => `${term} = b.${term} + excluded.${term}`).join(', ')}
    RETURNING creator_id, partition, ${COLUMNS}
  )
  INSERT INTO audit.balance_at_seal (creator_id, seal_number, partition, ${COLUMNS})
  SELECT creator_id, $1, partition, ${COLUMNS} FROM changed`;

/** Moves the balances that a seal changes. */
export async function changeBalances(tx: Tx, number: number, changes: readonly BalanceChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(CHANGE, [
    number,
    changes.map(({ partition }) => partition),
    changes.map(({ bucket }) => bucket),
    changes.map(({ creatorId }) => creatorId),
    ...terms.map((term) => changes.map((change) => change.changes[term])),
  ]);
}

/** The balances in some buckets of a partition, by bucket. A bucket without any is not there. */
export async function balancesIn(
  tx: Tx,
  partition: number,
  buckets: readonly number[],
): Promise<Map<number, SealedBalance[]>> {
  const rows = (await tx.query(
    `SELECT bucket, creator_id, ${COLUMNS} FROM audit.balance WHERE partition = $1 AND bucket = ANY($2)`,
    [partition, buckets],
  )) as ({ bucket: number; creator_id: string } & Record<keyof Terms, string>)[];
  const inBuckets = new Map<number, SealedBalance[]>();
  for (const { bucket, creator_id: creatorId, ...row } of rows) {
    const balance = { creatorId, terms: termsOf(row) };
    const others = inBuckets.get(bucket);
    if (others === undefined) inBuckets.set(bucket, [balance]);
    else others.push(balance);
  }
  return inBuckets;
}

const termsOf = (row: Record<keyof Terms, string>): Terms =>
  Object.fromEntries(terms.map((term) => [term, BigInt(row[term])])) as Terms;

/** Keeps a seal. */
export async function insertSeal(tx: Tx, { content, keyId, signature }: Seal): Promise<void> {
  await tx.query('INSERT INTO audit.seal (number, content, key_id, signature) VALUES ($1, $2, $3, $4)', [
    content.number,
    textOfSeal(content),
    keyId,
    signature,
  ]);
}

/** How far the relays were seen at the last seal. */
export async function readRelayed(tx: Tx): Promise<Relayed[]> {
  const rows = (await tx.query('SELECT topic, partition, journal, last_sequence FROM audit.relayed')) as {
    topic: Topic;
    partition: number;
    journal: string;
    last_sequence: string;
  }[];
  return rows.map(({ topic, partition, journal, last_sequence }) => ({
    topic,
    partition,
    journal,
    lastSequence: BigInt(last_sequence),
  }));
}

/** Keeps how far the relays were seen. */
export async function writeRelayed(tx: Tx, relayed: readonly Relayed[]): Promise<void> {
  await tx.query(
    `INSERT INTO audit.relayed (topic, partition, journal, last_sequence)
     SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[])
     ON CONFLICT (topic, partition) DO UPDATE SET journal = excluded.journal, last_sequence = excluded.last_sequence
     WHERE audit.relayed.last_sequence <> excluded.last_sequence`,
    [
      relayed.map(({ topic }) => topic),
      relayed.map(({ partition }) => partition),
      relayed.map(({ journal }) => journal),
      relayed.map(({ lastSequence }) => lastSequence),
    ],
  );
}

/** Makes a key known as one that seals here. */
export async function rememberKey(tx: Tx, keyId: string, publicKey: string): Promise<void> {
  await tx.query('INSERT INTO audit.notary_key (key_id, public_key) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    keyId,
    publicKey,
  ]);
}
