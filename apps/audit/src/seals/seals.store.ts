import type { Tx } from '@carat/event-log';
import pg from 'pg';
import type { Seal } from './seal.js';
import { SealMalformed, sealOfRow } from './seal-line.js';

export { readSealFile, sealFileOf } from './seal-file.worker.js';
export { lineOfSeal, SealMalformed, sealOnLine } from './seal-line.js';
export type { Seal };

type Queries = Pick<Tx, 'query'>;
type Row = Parameters<typeof sealOfRow>[0];

const SEALS_IN_A_PAGE = 50;

/** What a notary keeps in a database, over a session in which Postgres refuses every write. */
export interface OpenSeals extends Queries {
  close(): Promise<void>;
}

/**
 * Opens the seals of a database to be read; undefined where no notary has ever started.
 * @throws the error of the connection
 */
export async function openSeals(databaseUrl: string): Promise<OpenSeals | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-reader' });
  // What breaks between two questions is told by the next one.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SET default_transaction_read_only = on');
  const { rows } = await client.query<{ has: boolean }>(`SELECT to_regclass('audit.seal') IS NOT NULL AS has`);
  if (rows[0]?.has === true)
    return {
      query: async <T>(text: string, values?: unknown[]) => (await client.query(text, values)).rows as T,
      close: () => client.end(),
    };
  await client.end();
  return undefined;
}

/**
 * The seals of a database from a number on, in their order.
 * @throws SealMalformed when a row holds none
 */
export async function* readSeals(tx: Queries, from = 1): AsyncGenerator<Seal> {
  for await (const read of readSealRows(tx, from)) {
    if (read instanceof SealMalformed) throw read;
    yield read;
  }
}

/** As `readSeals`, but a row that holds none comes as what is wrong with it, and the rows after it come too. */
export async function* readSealRows(tx: Queries, from = 1): AsyncGenerator<Seal | SealMalformed> {
  for (let next: number = from; ; ) {
    const rows = (await tx.query(
      'SELECT number, content, key_id, signature FROM audit.seal WHERE number >= $1 ORDER BY number LIMIT $2',
      [next, SEALS_IN_A_PAGE],
    )) as Row[];
    yield* rows.map(sealOrMalformed);
    if (rows.length < SEALS_IN_A_PAGE) return;
    next = Number(rows.at(-1)?.number) + 1;
  }
}

function sealOrMalformed(row: Row): Seal | SealMalformed {
  try {
    return sealOfRow(row);
  } catch (error) {
    if (error instanceof SealMalformed) return error;
    throw error;
  }
}

/** The seal of a number; the newest without one. Undefined when it is not there. */
export async function readSeal(tx: Queries, number?: number): Promise<Seal | undefined> {
  const [row] = (await tx.query(
    `SELECT number, content, key_id, signature FROM audit.seal
     WHERE number = coalesce($1, (SELECT max(number) FROM audit.seal))`,
    [number ?? null],
  )) as Row[];
  return row === undefined ? undefined : sealOfRow(row);
}

/** The public half of a key that has signed seals here. */
export interface KnownKey {
  readonly keyId: string;
  /** SPKI as PEM. */
  readonly publicKey: string;
}

/** Every key that a notary of this database ever had, the oldest first. */
export async function readNotaryKeys(tx: Queries): Promise<KnownKey[]> {
  return (await tx.query(
    'SELECT key_id AS "keyId", public_key AS "publicKey" FROM audit.notary_key ORDER BY first_used_at, key_id',
  )) as KnownKey[];
}

/**
 * The last seal that something was kept at: that seal has been there. 0 when nothing was. What a notary works with is
 * written with a seal, too, and does not say with which: it tells of a first one.
 */
export async function sealedUpTo(tx: Queries): Promise<number> {
  const [row] = (await tx.query(`
    SELECT greatest(
      (SELECT coalesce(max(seal_number), 0) FROM audit.balance_at_seal),
      (EXISTS (SELECT FROM audit.balance) OR EXISTS (SELECT FROM audit.booked_event)
       OR EXISTS (SELECT FROM audit.relayed))::int)::text AS last`)) as [{ last: string }];
  return Number(row.last);
}
