import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@carat/event-log';
import { Problem } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseClock } from '../database-clock.store.js';
import { LEDGER_GROUP, POSITIONS_GROUP } from '../diamond-ledger/ledger-group.js';
import { addTerms, balanceOf, changesBy, type Moved, type Terms } from '../diamond-ledger/terms.js';
import { type Balance, type OffsetRow, positionOf } from './balance.js';
import { type BalancePosition, balanceTopics, ownPosition, positionOnBalance, standingOf } from './balance-position.js';

// The offsets of the groups say up to where every transfer has its place.
const READ_UP_TO = `
  SELECT coalesce(json_agg(json_build_array(topic, part, next_offset::text) ORDER BY topic, part), '[]') AS offsets
  FROM journal.consumer_offset WHERE grp = ANY($1) AND log_id = $2`;

// Two logs count their offsets apart, and a transfer has only one. Of a transfer without one nobody can tell whether it
// stands before a position; only what doors book may wait for it.
const IS_KEPT = `
  SELECT NOT EXISTS (SELECT 1 FROM journal.consumer_offset WHERE grp = $1 AND log_id <> $2 AND next_offset > 0)
     AND NOT EXISTS (SELECT 1 FROM payout.positions_kept_from k
                     JOIN unnest($3::text[], $4::int[], $5::bigint[]) AS asked (topic, part, next_offset)
                       USING (topic, part)
                     WHERE k.log_id = $2 AND k.next_offset > asked.next_offset)
     AND NOT EXISTS (SELECT 1 FROM payout.transfer WHERE creator_id = $6 AND log_offset IS NULL
                     AND code IN ('credit', 'reverse', 'correct', 'award', 'award_revoked')) AS kept`;

// Gifts are nearly all there is of transfers: they are read from the last snapshot before the position to the first
// after it. Of the others, which are few, each is looked at.
const SUM_UP = `
  WITH snapshot AS (
    SELECT transfer_id, earned, reversed FROM payout.balance_snapshot
    WHERE creator_id = $1 AND next_offset <= $2 ORDER BY next_offset DESC LIMIT 1
  ), bounds AS (
    SELECT coalesce((SELECT transfer_id FROM snapshot), 0) AS after,
           coalesce((SELECT transfer_id FROM payout.balance_snapshot
                     WHERE creator_id = $1 AND next_offset >= $2 ORDER BY next_offset LIMIT 1),
                    9223372036854775807) AS until
  ), moved AS (
    SELECT code, debit, credit, millidiamonds FROM payout.transfer
    WHERE creator_id = $1 AND id > (SELECT after FROM bounds) AND id <= (SELECT until FROM bounds)
      AND code IN ('credit', 'reverse') AND log_offset < $2
    UNION ALL
    SELECT code, debit, credit, millidiamonds FROM payout.transfer
    WHERE creator_id = $1 AND code NOT IN ('credit', 'reverse')
      AND log_offset < CASE code WHEN 'correct' THEN $2 WHEN 'award' THEN $3 WHEN 'award_revoked' THEN $3 ELSE $4 END
  ), sums AS (
    SELECT code, CASE 'creator' WHEN credit THEN 'gained' WHEN debit THEN 'lost' ELSE 'none' END AS side,
           sum(millidiamonds)::text AS millidiamonds
    FROM moved GROUP BY 1, 2
  )
  SELECT coalesce((SELECT earned FROM snapshot), 0) AS earned, coalesce((SELECT reversed FROM snapshot), 0) AS reversed,
         (SELECT coalesce(json_agg(sums), '[]') FROM sums) AS moved`;

interface Summed {
  readonly earned: string;
  readonly reversed: string;
  readonly moved: readonly { code: Moved['code']; side: Moved['side']; millidiamonds: string }[];
}

const POLL_MS = 20;

/** Balances as they were: the sum of exactly the transfers whose events stand before a position of the log. */
@Injectable()
export class BalancesAsOf {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /**
   * The creator's position at a time of the log: everything recorded strictly before it.
   * @throws Problem position_not_reached when the time is still to come
   */
  async positionAt(creatorId: string, timeMs: number): Promise<BalancePosition> {
    const now = await databaseClock(this.db.manager);
    if (timeMs > now.getTime())
      throw new Problem('position_not_reached', { detail: `It is ${now.toISOString()}, and not yet that time.` });
    const position = ownPosition(creatorId, await this.log.offsetsAt(balanceTopics, timeMs));
    if (position === undefined) throw new Problem('position_not_reached');
    return position;
  }

  /**
   * The balance at a position, once it was read that far, for which this waits a while.
   * @throws Problem position_not_reached, position_not_kept, and invalid_request for partitions of somebody else
   */
  async read(creatorId: string, position: BalancePosition, withinMs: number): Promise<Balance> {
    await this.untilReached(creatorId, position, withinMs);
    const asked = balanceTopics.map((topic) => position[topic]);
    const [{ kept }] = (await this.db.query(IS_KEPT, [
      LEDGER_GROUP,
      this.log.id,
      balanceTopics,
      asked.map(({ partition }) => partition),
      asked.map(({ nextOffset }) => nextOffset),
      creatorId,
    ])) as [{ kept: boolean }];
    if (!kept) throw new Problem('position_not_kept');
    const nextOffsets = asked.map(({ nextOffset }) => nextOffset);
    const [summed] = (await this.db.query(SUM_UP, [creatorId, ...nextOffsets])) as [Summed];
    const figures = Object.entries(balanceOf(termsOf(summed))).map(([term, amount]) => [term, String(amount)]);
    return {
      creatorId,
      unit: 'millidiamond',
      ...(Object.fromEntries(figures) as Record<keyof ReturnType<typeof balanceOf>, string>),
      position: positionOnBalance(position),
    };
  }

  private async untilReached(creatorId: string, position: BalancePosition, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const [{ offsets }] = (await this.db.query(READ_UP_TO, [[LEDGER_GROUP, POSITIONS_GROUP], this.log.id])) as [
        { offsets: OffsetRow[] },
      ];
      const standing = standingOf(position, positionOf(creatorId, offsets));
      if (standing === 'of_another_partition')
        throw new Problem('invalid_request', {
          detail: 'The position is of other partitions than those that the creator’s events stand in.',
          errors: [{ pointer: '/atPosition', code: standing }],
        });
      if (standing === 'reached') return;
      if (performance.now() + POLL_MS > deadlineMs) throw new Problem('position_not_reached');
      await sleep(POLL_MS);
    }
  }
}

function termsOf({ earned, reversed, moved }: Summed): Terms {
  const since = changesBy(moved.map((sum) => ({ ...sum, millidiamonds: BigInt(sum.millidiamonds) })));
  const before = {
    earned: BigInt(earned),
    reversed: BigInt(reversed),
    awarded: 0n,
    adjusted: 0n,
    held: 0n,
    redeemed: 0n,
  };
  return addTerms(before, since);
}
