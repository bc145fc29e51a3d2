import type { Tx } from '@carat/event-log';
import { Id, timeOfId } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Break, type BreaksFilter, breakIdOf, type ListedBreak, type ResolutionBody } from './break.js';

/** Who looks into a break that nobody has taken. */
const FIRST_OWNER = 'finance';

const OPEN = `
  INSERT INTO payout.break (break_id, outcome, redemption_id, evidence, owner, opened_at)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::json[], $5::text[], $6::timestamptz[])
  ON CONFLICT (break_id) DO NOTHING`;

const idOf = (found: Omit<Break, 'evidence'>): string =>
  breakIdOf(found.redemptionId === undefined ? 0 : timeOfId(found.redemptionId), found);

/** Opens breaks; one that was opened before stays as it is. */
export async function openBreaks(tx: Tx, found: readonly Break[], at: Date): Promise<void> {
  if (found.length === 0) return;
  await tx.query(OPEN, [
    found.map(idOf),
    found.map(({ outcome }) => outcome),
    found.map(({ redemptionId }) => redemptionId ?? null),
    found.map(({ evidence }) => JSON.stringify(evidence)),
    found.map(() => FIRST_OWNER),
    found.map(() => at),
  ]);
}

const END = `
  UPDATE payout.break SET resolution = $2, resolved_by = 'system:reconciliation', resolved_at = $3
  WHERE break_id = ANY($1) AND resolved_at IS NULL`;

/** Ends breaks that have ended of themselves; one that a person has ended stays as it is. */
export async function endBreaks(
  tx: Tx,
  ended: readonly Omit<Break, 'evidence'>[],
  resolution: string,
  at: Date,
): Promise<void> {
  if (ended.length > 0) await tx.query(END, [ended.map(idOf), resolution, at]);
}

const COLUMNS = `
  break_id AS "breakId", outcome, redemption_id AS "redemptionId", evidence, owner, opened_at AS "openedAt", resolution,
  resolved_by AS "resolvedBy", resolved_at AS "resolvedAt"`;
const LIST = `
  SELECT ${COLUMNS} FROM payout.break
  WHERE ($1::timestamptz IS NULL OR (opened_at, break_id) < ($1, $2::text))
    AND ($3::text IS NULL OR outcome = $3) AND ($4::boolean IS NULL OR (resolved_at IS NOT NULL) = $4)
    AND ($5::text IS NULL OR owner = $5) AND ($6::text IS NULL OR redemption_id = $6)
  ORDER BY opened_at DESC, break_id DESC LIMIT $7`;
const LOCK = `SELECT ${COLUMNS} FROM payout.break WHERE break_id = $1 FOR UPDATE`;
const ASSIGN = `UPDATE payout.break SET owner = $2 WHERE break_id = $1 RETURNING ${COLUMNS}`;
const RESOLVE = `
  UPDATE payout.break SET resolution = $2, resolved_by = $3, resolved_at = date_trunc('milliseconds', clock_timestamp())
  WHERE break_id = $1 RETURNING ${COLUMNS}`;

/** Where a list of breaks goes on: behind the break of this time and id. */
export type BreakPosition = Pick<ListedBreak, 'openedAt' | 'breakId'>;

type Optional = 'redemptionId' | 'resolution' | 'resolvedBy' | 'resolvedAt';
interface Row extends Omit<ListedBreak, 'state' | 'openedAt' | Optional> {
  readonly redemptionId: string | null;
  readonly openedAt: Date;
  readonly resolution: string | null;
  readonly resolvedBy: string | null;
  readonly resolvedAt: Date | null;
}

/** What does not add up, until a person says why. Resolving it moves no money: an adjustment or a settlement does. */
@Injectable()
export class Breaks {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
  ) {}

  /** Up to `limit` breaks that pass the filter, the newest first, from behind a break on. */
  async list(filter: BreaksFilter, limit: number, behind?: BreakPosition): Promise<ListedBreak[]> {
    const { outcome, state, owner, redemptionId } = filter;
    const isResolved = state === undefined ? null : state === 'resolved';
    const openedAt = behind === undefined ? null : new Date(behind.openedAt);
    const asked = [openedAt, behind?.breakId, outcome, isResolved, owner, redemptionId, limit];
    const rows = (await this.db.query(LIST, asked)) as Row[];
    return rows.map(listed);
  }

  /** @throws Problem `break_not_found`, `break_already_resolved` */
  assign(asked: Asked, breakId: string, owner: string): Promise<Answered<ListedBreak>> {
    return this.requests.once(asked, async (tx) => {
      const before = await lock(tx, breakId);
      if (before.resolvedAt !== null) throw new Problem('break_already_resolved');
      return { answer: await change(tx, ASSIGN, [breakId, owner]), replayed: before.owner === owner };
    });
  }

  /** @throws Problem `break_not_found`; `break_already_resolved`: by somebody else, or with other words */
  resolve(asked: Asked, breakId: string, { resolution }: ResolutionBody): Promise<Answered<ListedBreak>> {
    return this.requests.once(asked, async (tx) => {
      const before = await lock(tx, breakId);
      const by = Id.parse(asked.principal);
      if (before.resolvedAt === null)
        return { answer: await change(tx, RESOLVE, [breakId, resolution, by]), replayed: false };
      if (before.resolution !== resolution || before.resolvedBy !== by) throw new Problem('break_already_resolved');
      return { answer: listed(before), replayed: true };
    });
  }
}

async function lock(tx: Tx, breakId: string): Promise<Row> {
  const [row] = (await tx.query(LOCK, [breakId])) as Row[];
  if (row === undefined) throw new Problem('break_not_found');
  return row;
}

async function change(tx: Tx, statement: string, row: readonly unknown[]): Promise<ListedBreak> {
  const [[changed]] = (await tx.query(statement, [...row])) as [[Row], number];
  return listed(changed);
}

const listed = ({ redemptionId, openedAt, resolution, resolvedBy, resolvedAt, ...row }: Row): ListedBreak => ({
  ...row,
  state: resolvedAt === null ? 'open' : 'resolved',
  ...(redemptionId === null ? {} : { redemptionId }),
  openedAt: openedAt.toISOString(),
  ...(resolution === null ? {} : { resolution }),
  ...(resolvedBy === null ? {} : { resolvedBy }),
  ...(resolvedAt === null ? {} : { resolvedAt: resolvedAt.toISOString() }),
});
