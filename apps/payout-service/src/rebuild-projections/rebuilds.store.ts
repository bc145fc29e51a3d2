import type { EventLog, Tx } from '@carat/event-log';
import { Id } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseClock } from '../database-clock.store.js';
import { balanceRowsOf, type KeptPlaces, type PlacedEvent, type TransferRow, transferRowsOf } from './ledger-rows.js';
import { holdLedger, ledgerTail, type ShadowPosition, type StandsAt, shadowPositions } from './ledger-tail.store.js';
import {
  type Difference,
  differingRows,
  type ProjectionName,
  planHashOf,
  shadowOf,
  summaryOfDifference,
} from './projection.js';
import {
  type Rebuild,
  type RebuildBody,
  type RebuiltRow,
  type RebuiltRowsQuery,
  type RebuiltUpTo,
  rebuildIdOf,
} from './rebuild-bodies.js';
import { repair } from './repair.store.js';

const RECORD = `
  INSERT INTO payout.projection_rebuild
    (rebuild_id, projection, plan_hash, row_count, reason, rebuilt_by, rebuilt_at, positions)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;
const SELECT = `
  SELECT rebuild_id AS "rebuildId", projection, plan_hash AS "planHash", row_count AS "rowCount", reason,
         rebuilt_by AS "rebuiltBy", rebuilt_at AS "rebuiltAt", positions
  FROM payout.projection_rebuild WHERE projection = $1`;
const NEWEST = `${SELECT} ORDER BY rebuilt_at DESC, rebuild_id DESC LIMIT 200`;
const ROWS = `
  SELECT subject, found, expected FROM payout.rebuilt_row
  WHERE rebuild_id = $1 AND subject > $2 ORDER BY subject LIMIT $3`;

type Row = Omit<Rebuild, 'rebuiltAt'> & { readonly rebuiltAt: Date };

/** Projections of the ledger, repaired from the log by their owner. */
@Injectable()
export class ProjectionRebuilds {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /**
   * Repairs the rows that a dry run announced, all of them in one transaction in which nothing is booked, and keeps
   * what they were.
   * @throws Problem `shadow_not_found`, `shadow_too_old`, `difference_changed`
   */
  rebuild(asked: Asked, name: ProjectionName, body: RebuildBody): Promise<Answered<Rebuild>> {
    return this.requests.once(asked, async (tx) => ({
      answer: await this.rebuildIn(tx, name, body, Id.parse(asked.principal)),
      replayed: false,
    }));
  }

  private async rebuildIn(tx: Tx, name: ProjectionName, body: RebuildBody, by: string): Promise<Rebuild> {
    if (body.shadow !== shadowOf(name)) throw new Problem('shadow_not_found');
    const ledger = await holdLedger(tx, this.log.id);
    const shadow = await shadowPositions(tx, name, this.log.id);
    const tail = await ledgerTail(tx, this.log, shadow, ledger.booked);
    const after = await rowsAfter(tx, name, tail, ledger.kept);
    const [difference] = (await tx.query(summaryOfDifference(name), [after])) as [Difference];
    const planHash = planHashOf(name, difference);
    if (planHash !== body.planHash)
      throw new Problem('difference_changed', { detail: `${difference.count} rows differ now, under ${planHash}` });
    const now = await databaseClock(tx);
    const rebuildId = rebuildIdOf(now.getTime(), planHash, by);
    const positions = upTo(shadow, ledger.booked);
    const { count: rowCount } = difference;
    const { reason } = body;
    await tx.query(RECORD, [rebuildId, name, planHash, rowCount, reason, by, now, JSON.stringify(positions)]);
    await tx.query(
      `INSERT INTO payout.rebuilt_row (rebuild_id, subject, found, expected)
       SELECT $2, subject, found, expected FROM (${differingRows(name)}) AS differing`,
      [after, rebuildId],
    );
    await repair(tx, name, rebuildId, ledger.placedUpTo);
    return listed({
      rebuildId,
      projection: name,
      planHash,
      rowCount,
      reason,
      rebuiltBy: by,
      rebuiltAt: now,
      positions,
    });
  }

  /** What was repaired of a projection, newest first. */
  async list(name: ProjectionName): Promise<Rebuild[]> {
    return ((await this.db.query(NEWEST, [name])) as Row[]).map(listed);
  }

  /**
   * The rows of one repair, in the order of their subjects.
   * @throws Problem `rebuild_not_found`
   */
  async rows(name: ProjectionName, rebuildId: string, { limit, after }: RebuiltRowsQuery): Promise<RebuiltRow[]> {
    const found = (await this.db.query(`${SELECT} AND rebuild_id = $2`, [name, rebuildId])) as Row[];
    if (found.length === 0) throw new Problem('rebuild_not_found');
    return (await this.db.query(ROWS, [rebuildId, after ?? '', limit])) as RebuiltRow[];
  }
}

/** The rows that events after a shadow add to it, as JSON. What the shadow has already, or what repeats, adds none. */
async function rowsAfter(
  tx: Tx,
  name: ProjectionName,
  events: readonly PlacedEvent[],
  kept: KeptPlaces,
): Promise<string> {
  const rows = new Map<string, TransferRow>();
  for (const row of transferRowsOf(events, kept)) if (!rows.has(row.event_id)) rows.set(row.event_id, row);
  const known = (await tx.query(
    `SELECT event_id AS id FROM ${shadowOf(name)}.transfer WHERE event_id = ANY($1::uuid[])`,
    [[...rows.keys()]],
  )) as { id: string }[];
  for (const { id } of known) rows.delete(id);
  return JSON.stringify(name === 'transfers' ? [...rows.values()] : balanceRowsOf(events, rows.keys()));
}

function upTo(shadow: readonly ShadowPosition[], ledger: readonly StandsAt[]): RebuiltUpTo[] {
  return ledger.map(({ topic, partition, next }) => {
    const at = shadow.find((of) => of.topic === topic && of.partition === partition);
    const shadowNextOffset = String(at?.nextOffset ?? 0n);
    return { topic, partition, shadowNextOffset, ledgerNextOffset: String(next) };
  });
}

const listed = ({ rebuiltAt, ...row }: Row): Rebuild => ({ ...row, rebuiltAt: rebuiltAt.toISOString() });
