import { type Terms, terms } from '@carat/payout-service/terms';
import pg from 'pg';
import { SealContent } from '../seals/seal.js';
import { type BalanceSnapshots, isBefore, positionsIn, type SealedBalances } from './sealed-balances.js';

const HAS_SEALS = `
  SELECT to_regclass('audit.seal') IS NOT NULL AND to_regclass('audit.balance_at_seal') IS NOT NULL AS has`;
const LAST = 'SELECT coalesce(max(number), 0)::text AS number FROM audit.seal';
const CONTENT = 'SELECT content::text AS content FROM audit.seal WHERE number = $1';

// A balance has a row at the seals before which it changed.
const BALANCES = `
  SELECT DISTINCT ON (creator_id, partition) creator_id, ${terms.join(', ')} FROM audit.balance_at_seal
  WHERE seal_number <= $1 AND ($2::text IS NULL OR creator_id = $2) ORDER BY creator_id, partition, seal_number DESC`;

/** Balances of seals, over a session in which Postgres refuses every write. */
export interface OpenSnapshots extends BalanceSnapshots {
  close(): Promise<void>;
}

/** The balances that a notary has sealed in a database; undefined where none has. */
export async function openSealedBalances(databaseUrl: string): Promise<OpenSnapshots | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-reader' });
  // What breaks between two questions is told by the next one.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SET default_transaction_read_only = on');
  const { rows } = await client.query<{ has: boolean }>(HAS_SEALS);
  if (rows[0]?.has === true)
    return { newestBefore: (to, creatorId) => newestBefore(client, to, creatorId), close: () => client.end() };
  await client.end();
  return undefined;
}

type Asked = Parameters<BalanceSnapshots['newestBefore']>;

/** Seals only ever reach further, so each step halves what is left of their numbers. */
async function newestBefore(client: pg.Client, to: Asked[0], creatorId: Asked[1]): Promise<SealedBalances | undefined> {
  const { rows } = await client.query<{ number: string }>(LAST);
  let found: Pick<SealedBalances, 'seal' | 'positions'> | undefined;
  for (let low = 1, high = Number(rows[0]?.number ?? 0); low <= high; ) {
    const seal = Math.floor((low + high) / 2);
    const positions = positionsIn(await contentOf(client, seal));
    if (isBefore(positions, to, creatorId)) {
      found = { seal, positions };
      low = seal + 1;
    } else high = seal - 1;
  }
  return found && { ...found, balances: await balancesAt(client, found.seal, creatorId) };
}

async function contentOf(client: pg.Client, seal: number): Promise<SealContent> {
  const { rows } = await client.query<{ content: string }>(CONTENT, [seal]);
  return SealContent.parse(JSON.parse(rows[0]?.content ?? 'null'));
}

async function balancesAt(client: pg.Client, seal: number, creatorId: Asked[1]): Promise<Map<string, Terms>> {
  const { rows } = await client.query<{ creator_id: string } & Record<string, string>>(BALANCES, [
    seal,
    creatorId ?? null,
  ]);
  const termsIn = (row: Record<string, string>): Terms =>
    Object.fromEntries(terms.map((term) => [term, BigInt(row[term] ?? 0)])) as unknown as Terms;
  return new Map(rows.map((row) => [row.creator_id, termsIn(row)]));
}
