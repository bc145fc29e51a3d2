import { contentHash } from '@carat/events';
import { terms } from '../diamond-ledger/terms.js';

/** Tables of the ledger that are nothing but a fold of the log, so that they can be built again from it. */
export const projections = ['balances', 'transfers'] as const;
export type ProjectionName = (typeof projections)[number];

/** Where a projection is built again, beside the one that is in use. */
export const shadowOf = (name: ProjectionName): string => `shadow_${name}`;

interface Table {
  readonly name: 'balance' | 'transfer';
  readonly key: string;
  readonly keyType: string;
  /** All that the log gives. What the database gives, an id or a time of booking, is not compared. */
  readonly columns: Readonly<Record<string, 'text' | 'bigint'>>;
}

const balance: Table = {
  name: 'balance',
  key: 'creator_id',
  keyType: 'text',
  columns: Object.fromEntries([...terms, 'ledger_seq'].map((name) => [name, 'bigint' as const])),
};

/** Where the event of a transfer stands: of all columns the one that no event says, and that a door cannot know. */
const PLACE = 'log_offset';

/** What doors book before the log has it. */
export const BOOKED_BY_DOORS = `('adjust', 'hold', 'release', 'pay', 'late_pay', 'unpay')`;

const transfer: Table = {
  name: 'transfer',
  key: 'event_id',
  keyType: 'uuid',
  columns: {
    code: 'text',
    creator_id: 'text',
    debit: 'text',
    credit: 'text',
    millidiamonds: 'bigint',
    gift_id: 'text',
    redemption_id: 'text',
    coins: 'bigint',
    rate_id: 'text',
    log_offset: 'bigint',
  },
};

/** The table of a projection: the same in `payout` and in the shadow. */
export const tableOf: Readonly<Record<ProjectionName, Table>> = { balances: balance, transfers: transfer };

/** The names of a table's columns, the key first, each made by `of` where it is not itself. */
const listed = ({ key, columns }: Table, of = (column: string): string => column): string =>
  [key, ...Object.keys(columns)].map(of).join(', ');

/** The columns of a table, the key first. */
export const columnsOf = (table: Table): string => listed(table);

/** The names of what events say: a digest is of these, so it does not wait for what only tells where they stand. */
export const digestedOf = ({ columns }: Table): string[] => Object.keys(columns).filter((column) => column !== PLACE);

/** Rows that a statement is given as JSON, in its parameter of that number. */
export const rowsGiven = (table: Table, parameter: number): string =>
  `json_to_recordset($${parameter}::json) AS given(${listed(table, (column) => `${column} ${typeOf(table, column)}`)})`;

const typeOf = ({ key, keyType, columns }: Table, column: string): string =>
  column === key ? keyType : (columns[column] ?? 'text');

/** What `payout` should hold: the shadow, and with it what came after. */
function expectedOf(name: ProjectionName): string {
  const table = tableOf[name];
  const both = `SELECT ${listed(table)} FROM ${shadowOf(name)}.${table.name}
    UNION ALL SELECT ${listed(table)} FROM ${rowsGiven(table, 1)}`;
  if (name === 'transfers') return both;
  const added = (column: string): string => {
    if (column === table.key) return column;
    return column === 'ledger_seq' ? `max(${column}) AS ${column}` : `sum(${column})::bigint AS ${column}`;
  };
  return `SELECT ${listed(table, added)} FROM (${both}) AS parts GROUP BY ${table.key}`;
}

/**
 * A value of a row to be compared. A place is compared where both sides know it: what a door has booked may wait for
 * it, and what is expected lacks it where the ledger keeps none. What is missing is taken from the other side.
 */
const compared = (alias: 'f' | 'e', column: string): string => {
  if (column !== PLACE) return `${alias}.${column}`;
  if (alias === 'e') return `coalesce(e.${PLACE}, f.${PLACE})`;
  return `CASE WHEN e.code IN ${BOOKED_BY_DOORS} THEN coalesce(f.${PLACE}, e.${PLACE}) ELSE f.${PLACE} END`;
};

/** A row as JSON, null where there is none; whole numbers in decimal. */
const rowAsJson = (table: Table, alias: 'f' | 'e'): string => {
  const pairs = Object.keys(table.columns).map((column) => `'${column}', (${compared(alias, column)})::text`);
  return `CASE WHEN ${alias}.${table.key} IS NULL THEN NULL ELSE json_build_object(${pairs.join(', ')}) END`;
};

/**
 * The rows of `payout` that are not what the log gives, as `subject`, `found`, `expected` and `said`. The parameter is
 * what came after the shadow's position: new transfers, or what they add to balances, as JSON.
 *
 * Of a balance `said` is how far it is off, term by term. A balance that is off stays off by as much whatever is booked
 * on it, and a transfer never changes; so as long as what comes after is booked right, the difference at one position
 * is the difference at every later one. A balance of zeros is the same as none.
 */
export function differingRows(name: ProjectionName): string {
  const table = tableOf[name];
  const columns = Object.keys(table.columns);
  const off = (column: string): string => `coalesce(e.${column}, 0) - coalesce(f.${column}, 0)`;
  const value = (alias: 'f' | 'e', column: string): string =>
    name === 'balances' ? `coalesce(${alias}.${column}, 0)` : compared(alias, column);
  const row = (alias: 'f' | 'e'): string => `(${columns.map((column) => value(alias, column)).join(', ')})`;
  const said = name === 'balances' ? columns.map(off).join(', ') : `${rowAsJson(table, 'f')}, ${rowAsJson(table, 'e')}`;
  return `
    SELECT (coalesce(f.${table.key}, e.${table.key}))::text AS subject, ${rowAsJson(table, 'f')} AS found,
           ${rowAsJson(table, 'e')} AS expected,
           json_build_array(coalesce(f.${table.key}, e.${table.key}), ${said})::text AS said
    FROM payout.${table.name} f FULL JOIN (${expectedOf(name)}) e ON e.${table.key} = f.${table.key}
    WHERE ${row('f')} IS DISTINCT FROM ${row('e')}`;
}

/** How many differing rows an answer names; all of them are in the hash, and in the record of a swap. */
const MOST_NAMED = 100;

/** One row: how many rows differ, the digest of all that is said of them, and the first by name. */
export const summaryOfDifference = (name: ProjectionName): string => `
  WITH differing AS MATERIALIZED (${differingRows(name)})
  SELECT count(*)::int AS count,
         encode(sha256(coalesce(string_agg(sha256(convert_to(said, 'UTF8')), ''::bytea ORDER BY subject COLLATE "C"),
                                ''::bytea)), 'hex') AS digest,
         (SELECT coalesce(json_agg(json_build_object('subject', subject, 'found', found, 'expected', expected)
                                   ORDER BY subject COLLATE "C"), '[]')
          FROM (SELECT * FROM differing ORDER BY subject COLLATE "C" LIMIT ${MOST_NAMED}) AS first) AS first
  FROM differing`;

/** A row that is not what the log gives. Null: there is none. Values by their columns, whole numbers in decimal. */
export interface DifferingRow {
  /** The creator of a balance, the event of a transfer. */
  readonly subject: string;
  readonly found: Readonly<Record<string, string | null>> | null;
  readonly expected: Readonly<Record<string, string | null>> | null;
}

/** What `summaryOfDifference` answers. */
export interface Difference {
  readonly count: number;
  readonly digest: string;
  readonly first: readonly DifferingRow[];
}

/** What a swap would do to a projection, in 64 hexadecimal digits: who names it means just this difference. */
export const planHashOf = (name: ProjectionName, { count, digest }: Difference): string =>
  contentHash('projection rebuild', { projection: name, rows: count, digest });
