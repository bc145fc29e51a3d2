import type { Tx } from '@carat/event-log';
import { Problem } from '@carat/http-edge';
import { databaseClock } from '../database-clock.store.js';
import type { Approval } from '../proposals/approval.js';
import { beginRefusal, type RulesContent, type RulesStanding } from './redemption-rules.js';
import { lockRules } from './rules-in-force.store.js';

const LATEST = 'SELECT max(effective_from) AS "latest" FROM payout.redemption_rules';

const BEGIN = 'INSERT INTO payout.redemption_rules (rules_id, effective_from) VALUES ($1, $2)';

async function standing(tx: Tx): Promise<RulesStanding> {
  const clock = await databaseClock(tx);
  const [{ latest }] = (await tx.query(LATEST)) as [{ latest: Date | null }];
  return { clockMs: clock.getTime(), latestBeginMs: latest?.getTime() };
}

/** Approved rules begin when they say; until then, and for everything from before, others are in force. */
export const changingRules: Approval<RulesContent> = {
  // Clocks go forward, and an approved version does not go away.
  foresee: async (tx, content) => {
    const refused = beginRefusal(content, await standing(tx));
    if (refused !== undefined) throw new Problem(refused, { errors: [{ pointer: '/effectiveFrom', code: refused }] });
  },

  prepare: async (tx, content) => {
    await lockRules(tx);
    const stands = await standing(tx);
    return {
      clockMs: stands.clockMs,
      carryOut: async ({ proposalId }) => {
        const refused = beginRefusal(content, stands);
        if (refused !== undefined) throw new Problem(refused);
        await tx.query(BEGIN, [proposalId, content.effectiveFrom]);
      },
    };
  },
};
