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

const idOf = (found: Break): string =>
  breakIdOf(found.redemptionId === undefined ? 0 : timeOfId(found.redemptionId), found);

/** Opens breaks; one that was opened before stays as it is. Answers their ids. */
export async function openBreaks(tx: Tx, found: readonly Break[], at: Date): Promise<string[]> {
  const ids = found.map(idOf);
  if (found.length === 0) return ids;
  await tx.query(OPEN, [
    ids,
    found.map(({ outcome }) => outcome),
    found.map(({ redemptionId }) => redemptionId ?? null),
    found.map(({ evidence }) => JSON.stringify(evidence)),
    found.map(() => FIRST_OWNER),
    found.map(() => at),
  ]);
  return ids;
}

// What our books moved and no line had said: a line has said it since. Anything else a person ends.
const CLOSE_SETTLED = `
  UPDATE payout.break SET resolution = 'a line has come', resolved_by = 'system:reconciliation', resolved_at = $3
  WHERE outcome = 'missing_at_provider' AND resolved_at IS NULL AND redemption_id = ANY($1) AND break_id <> ALL($2)`;

/** Ends what was missing of these payouts and is not missing any more; `stillOpen` are the breaks that there are. */
export async function closeSettled(
  tx: Tx,
  payoutIds: readonly string[],
  stillOpen: readonly string[],
  at: Date,
): Promise<void> {
  await tx.query(CLOSE_SETTLED, [payoutIds, stillOpen, at]);
}

const COLUMNS = `
  break_id AS "breakId", outcome, redemption_id AS "redemptionId", evidence, owner, opened_at AS "openedAt", resolution,
  resolved_by AS "resolvedBy", resolved_at AS "resolvedAt"`;
const LIST = `
  SELECT ${COLUMNS} FROM payout.break
  WHERE break_id < $1 AND ($2::text IS NULL OR outcome = $2) AND ($3::boolean IS NULL OR (resolved_at IS NOT NULL) = $3)
    AND ($4::text IS NULL OR owner = $4) AND ($5::text IS NULL OR redemption_id = $5)
  ORDER BY break_id DESC LIMIT $6`;
const LOCK = `SELECT ${COLUMNS} FROM payout.break WHERE break_id = $1 FOR UPDATE`;
const ASSIGN = `UPDATE payout.break SET owner = $2 WHERE break_id = $1 RETURNING ${COLUMNS}`;
const RESOLVE = `
  UPDATE payout.break SET resolution = $2, resolved_by = $3, resolved_at = date_trunc('milliseconds', clock_timestamp())
  WHERE break_id = $1 RETURNING ${COLUMNS}`;
const BEFORE_THE_FIRST_PAGE = '~';

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

  /** Up to `limit` breaks that pass the filter, newest first, older than the one of id `before`. */
  async list(filter: BreaksFilter, limit: number, before = BEFORE_THE_FIRST_PAGE): Promise<ListedBreak[]> {
    const { outcome, state, owner, redemptionId } = filter;
    const isResolved = state === undefined ? null : state === 'resolved';
    const rows = (await this.db.query(LIST, [before, outcome, isResolved, owner, redemptionId, limit])) as Row[];
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
