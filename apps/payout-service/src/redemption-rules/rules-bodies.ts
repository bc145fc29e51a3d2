import { Id, Reason, Time, UtcTime } from '@carat/events';
import { z } from 'zod';
import type { Proposal } from '../proposals/proposal.js';
import { ProposalFields, proposalFields } from '../proposals/proposal-bodies.js';
import type { RulesContent, RulesInForce } from './redemption-rules.js';

/** No rule is about more than a leap year, so that what it leads to is always a time that can be written down. */
const LONGEST_SECONDS = 366 * 86_400;

const Millidiamonds = z.int().min(1);
const Seconds = z.int().min(1).max(LONGEST_SECONDS);

const values = {
  minimumMillidiamonds: Millidiamonds.meta({ description: 'the fewest that are redeemed at once' }),
  dailyMaximumMillidiamonds: Millidiamonds.meta({ description: 'the most that a creator redeems on one UTC day' }),
  weeklyMaximumMillidiamonds: Millidiamonds.meta({ description: 'the most that a creator redeems in one ISO week' }),
  methodCoolingSeconds: Seconds.meta({ description: 'how long a new payout method waits until it is used' }),
  decisionDeadlineSeconds: Seconds.meta({ description: 'a redemption that nobody decides on for so long expires' }),
  quoteTtlSeconds: Seconds.optional().meta({ description: 'how long a quote can be taken up; absent: QUOTE_TTL' }),
  oneApproverFromMillidiamonds: Millidiamonds.meta({ description: 'from here on it takes one approver' }),
  twoApproversFromMillidiamonds: Millidiamonds.meta({ description: 'from here on it takes two' }),
};

/** The body of a proposal: all the rules. */
export const RulesBody = z
  .object({
    ...values,
    effectiveFrom: UtcTime.meta({
      description: 'when they begin: after their approval, and after all approved before',
    }),
    reason: Reason,
  })
  .refine(({ minimumMillidiamonds, dailyMaximumMillidiamonds }) => minimumMillidiamonds <= dailyMaximumMillidiamonds, {
    path: ['dailyMaximumMillidiamonds'],
  })
  .refine(
    ({ dailyMaximumMillidiamonds, weeklyMaximumMillidiamonds }) =>
      dailyMaximumMillidiamonds <= weeklyMaximumMillidiamonds,
    { path: ['weeklyMaximumMillidiamonds'] },
  )
  .refine(
    ({ oneApproverFromMillidiamonds, twoApproversFromMillidiamonds }) =>
      oneApproverFromMillidiamonds <= twoApproversFromMillidiamonds,
    { path: ['twoApproversFromMillidiamonds'] },
  );
export type RulesBody = z.infer<typeof RulesBody>;

/** The content of a body. Its time is written in one way, so that equal proposals have one hash. */
export const contentOf = ({ effectiveFrom, ...body }: RulesBody): RulesContent => ({
  ...body,
  effectiveFrom: new Date(effectiveFrom).toISOString(),
});

/** Which rules are asked for. */
export const RulesFilter = z.object({
  at: Time.optional().meta({ description: 'in force at this time; none when it was those of the environment' }),
});

/** Rules as they are listed: the proposal, what became of it, and when they are in force. */
export const ListedRules = z.object({
  rulesId: Id,
  ...values,
  effectiveFrom: Time,
  reason: z.string(),
  ...ProposalFields.shape,
  from: Time.nullable().meta({ description: 'in force from here on; null for rules that are not approved' }),
  to: Time.nullable().meta({ description: 'no longer in force from here on; null while no later ones are approved' }),
});
export type ListedRules = Readonly<z.infer<typeof ListedRules>>;

export const RulesPage = z.object({ items: z.array(ListedRules), nextCursor: z.string().nullable() });
export type RulesPage = Readonly<z.infer<typeof RulesPage>>;

/** The answer to a proposal, and to a decision on it. */
export const DecidedRules = ListedRules.pick({ rulesId: true, contentHash: true, state: true });
export type DecidedRules = Readonly<z.infer<typeof DecidedRules>>;

/** Proposed rules as their answer. */
export const listedRules = (proposal: Proposal<RulesContent>, from: Date | null, to: Date | null): ListedRules => ({
  rulesId: proposal.proposalId,
  ...proposal.content,
  ...proposalFields(proposal),
  from: from?.toISOString() ?? null,
  to: to?.toISOString() ?? null,
});

/** The rules in force as they are answered. Those of the environment may be of a fraction of a second, or of none. */
export const AnsweredRules = z.object({
  rulesId: Id.meta({ description: 'whose they are; environment: no version has begun' }),
  minimumMillidiamonds: z.int(),
  dailyMaximumMillidiamonds: z.int(),
  weeklyMaximumMillidiamonds: z.int(),
  methodCoolingSeconds: z.number(),
  decisionDeadlineSeconds: z.number(),
  quoteTtlSeconds: z.number(),
  oneApproverFromMillidiamonds: z.int().optional().meta({ description: 'not told to creators' }),
  twoApproversFromMillidiamonds: z.int().optional().meta({ description: 'not told to creators' }),
});
export type AnsweredRules = Readonly<z.infer<typeof AnsweredRules>>;

/** The rules as they are answered to a creator: how much takes how many approvers is for those who approve. */
export const rulesForCreator = (rules: RulesInForce): AnsweredRules => ({
  rulesId: rules.rulesId,
  minimumMillidiamonds: Number(rules.minimum),
  dailyMaximumMillidiamonds: Number(rules.dailyMaximum),
  weeklyMaximumMillidiamonds: Number(rules.weeklyMaximum),
  methodCoolingSeconds: rules.methodCoolingMs / 1000,
  decisionDeadlineSeconds: rules.decisionDeadlineMs / 1000,
  quoteTtlSeconds: rules.quoteTtlMs / 1000,
});

/** The rules as they are answered to everyone else. */
export const answeredRules = (rules: RulesInForce): AnsweredRules => ({
  ...rulesForCreator(rules),
  oneApproverFromMillidiamonds: Number(rules.oneApproverFrom),
  twoApproversFromMillidiamonds: Number(rules.twoApproversFrom),
});
