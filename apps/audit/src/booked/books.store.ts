import { LEDGER_GROUP } from '@carat/payout-service/ledger-group';
import { KEPT_PLACES, type KeptPlaces } from '@carat/payout-service/ledger-rows';
import pg from 'pg';
import { FILED_OTHERWISE, type FiledRow, journaledBags, UNREAD_ROWS } from '../carried/journaled-rows.js';
import {
  type BookedKeptBalances,
  KEPT_BALANCES,
  type KeptBalance,
  type KeptPlace,
  keptBalanceBags,
  NOT_AS_KEPT,
} from '../kept-balances/kept-balances.js';
import { type BookedLot, LOTS, lotIn, WALLETS } from '../passes/compare-lots.flow.js';
import type {
  BookedBag,
  BookedBalance,
  BookedCashRate,
  BookedEntry,
  BookedLine,
  BookedMoney,
  BookedRate,
  BookedRedemption,
  BookedSnapshot,
} from './booked.js';
import { type BookedTransfer, bagIn, bagOfRows, fingerprinted } from './fingerprint.js';
import { hashOfRow } from './row-hash.js';
import {
  balanceIn,
  cashRateIn,
  filedIn,
  keptIn,
  lineIn,
  moneyIn,
  type Row,
  rateIn,
  redemptionIn,
  snapshotIn,
  transferIn,
} from './rows-in.js';

const ROWS_AT_A_TIME = 100;

/** What the database has booked at one moment: every answer is of one snapshot, and none of them changes a row. */
export interface Books {
  /** The journal's identity. */
  readonly journal: string;
  /** The next offset of every partition of the journal. */
  readonly heads: ReadonlyMap<string, bigint>;
  /** How far consumers of a log have come, by group and place (`group topic/partition`). */
  readonly consumed: ReadonlyMap<string, bigint>;
  /** How far the journal was carried onto Kafka for good, by place. */
  readonly relayed: ReadonlyMap<string, bigint>;
  /**
   * By place, the first offset of which the ledger keeps where events stand; undefined where it has read two logs, the
   * offsets of which say nothing beside each other.
   */
  readonly placesFrom: ReadonlyMap<string, bigint> | undefined;
  /** Whether a notary keeps seals in this database. */
  readonly hasNotary: boolean;
  /** Whether viewers' wallets are in this database, as they were when it was opened. */
  readonly hasWallets: boolean;
  lots(): AsyncGenerator<readonly BookedLot[]>;
  /** Places of the journal that hold rows which no reader comes to: nobody's append has put them there. */
  unreadRows(): Promise<readonly string[]>;
  /** Rows of the journal that may be filed under another id than that of their event. */
  filedOtherwise(): AsyncGenerator<readonly FiledRow[]>;
  /** The transfers of every creator. @param key of the run */
  transfers(key: string): AsyncGenerator<readonly BookedBag[]>;
  /** The bags of what the journal holds in partitions that a relay carries, by place. @param key of the run */
  journaled(key: string): Promise<ReadonlyMap<string, string>>;
  /** What moved between each two accounts, and how many transfers of it. */
  entries(): Promise<readonly BookedEntry[]>;
  /** Rows of a creator: for when its books differ. */
  transfersOf(creatorId: string): Promise<readonly BookedTransfer[]>;
  balances(): AsyncGenerator<readonly BookedBalance[]>;
  /** What balances as of a position start from. None where the ledger has read two logs: then they start from none. */
  snapshots(): AsyncGenerator<readonly BookedSnapshot[]>;
  redemptions(): AsyncGenerator<readonly BookedRedemption[]>;
  rates(): Promise<readonly BookedRate[]>;
  cashRates(): Promise<readonly BookedCashRate[]>;
  moneyTransfers(): AsyncGenerator<readonly BookedMoney[]>;
  settlementLines(): AsyncGenerator<readonly BookedLine[]>;
  /** The balances that a notary keeps beside its seals up to a number. @param key of the run */
  keptBalances(key: string, upToSeal: number): Promise<readonly BookedKeptBalances[]>;
  /** Those of one place: for when its bag differs. */
  keptBalancesAt(place: KeptPlace): Promise<readonly KeptBalance[]>;
  /** Creators, a hundred at most, of whom a notary works with another balance than the last that it has kept. */
  notAsKept(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const TRANSFER = `
  SELECT event_id::text, code, creator_id, debit, credit, millidiamonds::text, gift_id, redemption_id, coins::text,
         rate_id, log_offset::text
  FROM payout.transfer`;
// Rows are hashed and added up where they are. (OFFSET 0: else a row is hashed anew for each byte.)
const transferBags = (key: string, arePlacesKept: boolean): string => `
  SELECT creator_id, ${bagOfRows('hash')} FROM (
    SELECT creator_id, ${hashOfRow(key, 'of')} AS hash
    FROM (SELECT ${fingerprinted(arePlacesKept)} FROM payout.transfer) of OFFSET 0
  ) hashed GROUP BY creator_id`;
const ENTRIES = `
  SELECT debit, credit, sum(millidiamonds)::text, count(*)::text FROM payout.transfer
  GROUP BY debit, credit ORDER BY debit, credit`;
const BALANCE = `
  SELECT creator_id, earned::text, awarded::text, adjusted::text, reversed::text, held::text, redeemed::text,
         available::text, recoverable::text, ledger_seq::text
  FROM payout.balance`;
// Each is held against the transfers since the one before, and the last against those after it, too: none is looked at
// twice.
const SNAPSHOT = `
  WITH snapshot AS (
    SELECT *, lag(next_offset, 1, -1::bigint) OVER along AS begin, lag(transfer_id, 1, 0::bigint) OVER along AS after,
           lead(transfer_id) OVER along IS NULL AS is_last
    FROM payout.balance_snapshot WINDOW along AS (PARTITION BY creator_id ORDER BY next_offset)
  )
  SELECT creator_id, next_offset::text, s.earned::text, s.reversed::text,
         (sum(since.earned) OVER along)::text, (sum(since.reversed) OVER along)::text, since.misplaced::text
  FROM snapshot s CROSS JOIN LATERAL (
    SELECT coalesce(sum(millidiamonds) FILTER (WHERE code = 'credit' AND id <= transfer_id), 0) AS earned,
           coalesce(sum(millidiamonds) FILTER (WHERE code = 'reverse' AND id <= transfer_id), 0) AS reversed,
           count(*) FILTER (WHERE CASE WHEN id <= transfer_id THEN log_offset < begin OR log_offset >= next_offset
                                       ELSE log_offset < next_offset END) AS misplaced
    FROM payout.transfer t
    WHERE t.creator_id = s.creator_id AND id > after
      AND id <= CASE WHEN is_last THEN 9223372036854775807 ELSE transfer_id END AND code IN ('credit', 'reverse')
  ) since
  WHERE NOT EXISTS (SELECT 1 FROM journal.consumer_offset
                    WHERE grp = '${LEDGER_GROUP}' AND log_id <> $1 AND next_offset > 0)
  WINDOW along AS (PARTITION BY creator_id ORDER BY next_offset)`;
const utc = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
const REDEMPTION = `
  SELECT redemption_id, creator_id, status, currency, millidiamonds::text, ${utc('requested_at')}, quote_id,
         ${utc('decide_before')}, state::text
  FROM payout.redemption`;
const FRACTION = `numerator || '/' || denominator || ' ' || rounding`;
const RATE = `SELECT rate_id, ${FRACTION} FROM payout.rate_seen`;
const CASH_RATE = `
  SELECT rate_id, ${FRACTION}, market, currency, ${utc('effective_from')}, content_hash, ${utc('approved_at')}
  FROM payout.cash_rate`;
const MONEY = `
  SELECT source_id, code, currency, debit, credit, amount_minor::text, payout_id FROM payout.money_transfer`;
const LINE = `
  SELECT provider, line, payout_id, kind, currency, amount_minor::text, fee_minor::text FROM payout.settlement_line`;

const RELAYED = `SELECT topic || '/' || part, next_offset::text FROM journal.relay_checkpoint WHERE log_id = $1`;

/** The database has a journal and no ledger: it is that of another service. */
export class LedgerMissing extends Error {}

/**
 * The books of a database as they are now, for consumers of the log of that id.
 * @throws the error of the connection; LedgerMissing
 */
export async function openBooks(databaseUrl: string, logId: string): Promise<Books> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-audit' });
  // What breaks between two questions is told by the next one.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    if (!(await hasTable(client, 'payout.transfer'))) throw new LedgerMissing('the database holds no diamond ledger');
    const stands = await standing(client, logId);
    return { ...stands, ...tables(client, logId, stands.placesFrom !== undefined), close: () => client.end() };
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}

/** How far the journal of a database was carried onto the log of that id by now, by place. */
export async function relayedByNow(databaseUrl: string, logId: string): Promise<ReadonlyMap<string, bigint>> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-audit' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SET default_transaction_read_only = on');
    return placed(await rowsOf(client, RELAYED, [logId]));
  } finally {
    await client.end();
  }
}

const placed = (rows: readonly Row[]): ReadonlyMap<string, bigint> =>
  new Map(rows.map(([place, offset]) => [place ?? '', BigInt(offset ?? 0)]));

async function rowsOf(client: pg.Client, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return (await client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' })).rows;
}

async function hasTable(client: pg.Client, name: string): Promise<boolean> {
  const [found] = await rowsOf(client, 'SELECT to_regclass($1)::text', [name]);
  return found?.[0] !== null;
}

async function standing(
  client: pg.Client,
  logId: string,
): Promise<Pick<Books, 'journal' | 'heads' | 'consumed' | 'relayed' | 'placesFrom' | 'hasNotary' | 'hasWallets'>> {
  const [epoch] = await rowsOf(client, 'SELECT id::text FROM journal.epoch');
  const { rows: kept } = await client.query<KeptPlaces>(KEPT_PLACES, [LEDGER_GROUP, logId]);
  return {
    journal: epoch?.[0] ?? '',
    heads: placed(await rowsOf(client, `SELECT topic || '/' || part, next::text FROM journal.log_head`)),
    consumed: placed(
      await rowsOf(
        client,
        `SELECT grp || ' ' || topic || '/' || part, next_offset::text FROM journal.consumer_offset WHERE log_id = $1`,
        [logId],
      ),
    ),
    relayed: placed(await rowsOf(client, RELAYED, [logId])),
    hasNotary: await hasTable(client, 'audit.balance_at_seal'),
    hasWallets: await hasTable(client, WALLETS),
    placesFrom: kept[0]?.isOfOneLog === true ? placed(Object.entries(kept[0].keptFrom)) : undefined,
  };
}

type Tables = Pick<
  Books,
  | 'lots'
  | 'unreadRows'
  | 'filedOtherwise'
  | 'transfers'
  | 'journaled'
  | 'entries'
  | 'transfersOf'
  | 'balances'
  | 'snapshots'
  | 'redemptions'
  | 'rates'
  | 'cashRates'
  | 'keptBalances'
  | 'keptBalancesAt'
  | 'notAsKept'
  | 'moneyTransfers'
  | 'settlementLines'
>;

const tables = (client: pg.Client, logId: string, arePlacesKept: boolean): Tables => ({
  lots: () => streamed(client, LOTS, lotIn),
  unreadRows: async () => (await rowsOf(client, UNREAD_ROWS)).map(([place]) => place ?? ''),
  filedOtherwise: () => streamed(client, FILED_OTHERWISE, filedIn),
  transfers: (key) =>
    streamed(client, transferBags(key, arePlacesKept), ([creatorId, text]) => ({
      creatorId: creatorId ?? '',
      ...bagIn(text ?? ''),
    })),
  journaled: async (key) =>
    new Map((await rowsOf(client, journaledBags(key))).map(([place, text]) => [place ?? '', bagIn(text ?? '').bag])),
  entries: async () =>
    (await rowsOf(client, ENTRIES)).map(([debit, credit, sum, count]) => ({
      debit: debit ?? '',
      credit: credit ?? '',
      millidiamonds: BigInt(sum ?? 0),
      count: Number(count),
    })),
  transfersOf: async (creatorId) =>
    (await rowsOf(client, `${TRANSFER} WHERE creator_id = $1`, [creatorId])).map((row) =>
      transferIn(row, arePlacesKept),
    ),
  balances: () => streamed(client, BALANCE, balanceIn),
  snapshots: () => streamed(client, SNAPSHOT, snapshotIn, [logId]),
  redemptions: () => streamed(client, REDEMPTION, redemptionIn),
  rates: async () => (await rowsOf(client, RATE)).map(rateIn),
  keptBalances: async (key, upToSeal) =>
    (await rowsOf(client, keptBalanceBags(key), [upToSeal])).map(([partition, seal, text]) => ({
      partition: Number(partition),
      seal: Number(seal),
      ...bagIn(text ?? ''),
    })),
  keptBalancesAt: async ({ partition, seal }) => (await rowsOf(client, KEPT_BALANCES, [partition, seal])).map(keptIn),
  notAsKept: async () => (await rowsOf(client, NOT_AS_KEPT)).map(([creatorId]) => creatorId ?? ''),
  cashRates: async () => (await rowsOf(client, CASH_RATE)).map(cashRateIn),
  moneyTransfers: () => streamed(client, MONEY, moneyIn),
  settlementLines: () => streamed(client, LINE, lineIn),
});

let cursors = 0;

/** The rows of a question, some thousand at a time. */
async function* streamed<T>(
  client: pg.Client,
  text: string,
  read: (row: Row) => T,
  values: readonly unknown[] = [],
): AsyncGenerator<readonly T[]> {
  const cursor = `carat_audit_${++cursors}`;
  await client.query(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${text}`, [...values]);
  for (;;) {
    const rows = await rowsOf(client, `FETCH ${ROWS_AT_A_TIME} FROM ${cursor}`);
    if (rows.length === 0) break;
    yield rows.map(read);
  }
  await client.query(`CLOSE ${cursor}`);
}
