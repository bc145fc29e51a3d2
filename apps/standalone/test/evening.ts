import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { NewRecord } from '@carat/event-log';
import { deadLetterTopicOf } from '@carat/events';
import type { DataSource } from 'typeorm';

const DATA = resolve(import.meta.dirname, '../../../data');
const gunzip = (name: string): string => gunzipSync(readFileSync(resolve(DATA, name))).toString('utf8');

/** What the recorded evening must give at the first rate. */
export interface Totals {
  readonly gifts: number;
  readonly coins: number;
  readonly millidiamonds: string;
  /** Dead letters of one publication. */
  readonly poison: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly balances: Readonly<Record<string, string>>;
}

export function expectedTotals(): Totals {
  const told = JSON.parse(gunzip('live-evening.expected.json.gz')) as Totals;
  const { gifts, coins, millidiamonds, poison, refused, balances } = told;
  return { gifts, coins, millidiamonds, poison, refused, balances };
}

/** The recorded evening as records for gift.requests.v1: each line as it stands, keyed as its publishers did. */
export function eveningRecords(): NewRecord[] {
  const lines = gunzip('live-evening.jsonl.gz').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => ({ key: Buffer.from(keyOf(line)), value: Buffer.from(line, 'utf8') }));
}

function keyOf(line: string): string {
  try {
    const { data } = JSON.parse(line) as { data?: { creatorId?: string } };
    return data?.creatorId ?? 'unparsed';
  } catch {
    return 'unparsed';
  }
}

const GIFT_EVENTS = `(SELECT convert_from(value, 'UTF8')::jsonb AS value
  FROM journal.log_record WHERE topic = 'gift.events.v1') AS e`;

/** What a database says came of it. In Kafka mode all services of a scenario share one database. */
export async function totalsIn(db: DataSource): Promise<Totals> {
  const balances = (await db.query('SELECT creator_id, available::text FROM payout.balance')) as {
    creator_id: string;
    available: string;
  }[];
  const [sent] = (await db.query(
    `SELECT count(*)::int AS gifts, coalesce(sum((value#>>'{data,coins}')::bigint), 0)::float8 AS coins
     FROM ${GIFT_EVENTS} WHERE value->>'type' = 'carat.gift.sent.v1'`,
  )) as [{ gifts: number; coins: number }];
  const refusals = (await db.query(
    `SELECT value#>>'{data,reason}' AS reason, count(*)::int AS n
     FROM ${GIFT_EVENTS} WHERE value->>'type' = 'carat.gift.refused.v1' GROUP BY 1`,
  )) as { reason: string; n: number }[];
  const [{ poison }] = (await db.query('SELECT count(*)::int AS poison FROM journal.log_record WHERE topic = $1', [
    deadLetterTopicOf('carat.gift.intake'),
  ])) as [{ poison: number }];
  return {
    ...sent,
    refused: Object.fromEntries(refusals.map(({ reason, n }) => [reason, n])),
    millidiamonds: String(balances.reduce((sum, { available }) => sum + BigInt(available), 0n)),
    poison,
    balances: Object.fromEntries(balances.map(({ creator_id, available }) => [creator_id, available])),
  };
}
