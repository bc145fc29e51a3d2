import { type Terms, terms } from '@carat/payout-service/terms';
import { SealContent } from '../seals/seal.js';
import { type OpenSeals, openSeals } from '../seals/seals.store.js';
import { type BalanceSnapshots, isBefore, positionsIn, type SealedBalances } from './sealed-balances.js';

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
  const seals = await openSeals(databaseUrl);
  return seals && { newestBefore: (to, creatorId) => newestBefore(seals, to, creatorId), close: () => seals.close() };
}

type Asked = Parameters<BalanceSnapshots['newestBefore']>;

/** Seals only ever reach further, so each step halves what is left of their numbers. */
async function newestBefore(seals: OpenSeals, to: Asked[0], creatorId: Asked[1]): Promise<SealedBalances | undefined> {
  const [last] = await seals.query<{ number: string }[]>(LAST);
  let found: Pick<SealedBalances, 'seal' | 'positions'> | undefined;
  for (let low = 1, high = Number(last?.number ?? 0); low <= high; ) {
    const seal = Math.floor((low + high) / 2);
    const positions = positionsIn(await contentOf(seals, seal));
    if (isBefore(positions, to, creatorId)) {
      found = { seal, positions };
      low = seal + 1;
    } else high = seal - 1;
  }
  return found && { ...found, balances: await balancesAt(seals, found.seal, creatorId) };
}

async function contentOf(seals: OpenSeals, seal: number): Promise<SealContent> {
  const [row] = await seals.query<{ content: string }[]>(CONTENT, [seal]);
  return SealContent.parse(JSON.parse(row?.content ?? 'null'));
}

async function balancesAt(seals: OpenSeals, seal: number, creatorId: Asked[1]): Promise<Map<string, Terms>> {
  const rows = await seals.query<({ creator_id: string } & Record<string, string>)[]>(BALANCES, [
    seal,
    creatorId ?? null,
  ]);
  const termsIn = (row: Record<string, string>): Terms =>
    Object.fromEntries(terms.map((term) => [term, BigInt(row[term] ?? 0)])) as unknown as Terms;
  return new Map(rows.map((row) => [row.creator_id, termsIn(row)]));
}
