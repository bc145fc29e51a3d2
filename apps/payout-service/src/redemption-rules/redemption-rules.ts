import type { ApprovalTiers, RedemptionRules } from '../redeem-diamonds/redemption-rules.js';

/** Rules as somebody proposes them: whole numbers, from 1 on. */
export interface RulesContent {
  readonly minimumMillidiamonds: number;
  readonly dailyMaximumMillidiamonds: number;
  readonly weeklyMaximumMillidiamonds: number;
  readonly methodCoolingSeconds: number;
  readonly decisionDeadlineSeconds: number;
  /** Absent: the one of the environment. */
  readonly quoteTtlSeconds?: number | undefined;
  readonly oneApproverFromMillidiamonds: number;
  readonly twoApproversFromMillidiamonds: number;
  /** RFC 3339 in UTC. */
  readonly effectiveFrom: string;
  readonly reason: string;
}

/** The rules of redemptions at a time, in millidiamonds and milliseconds. */
export interface RulesInForce extends RedemptionRules, ApprovalTiers {
  /** Whose they are: a version's, or `environment` until the first version begins. */
  readonly rulesId: string;
  /** How long a new payout method waits until it can be used. */
  readonly methodCoolingMs: number;
  readonly quoteTtlMs: number;
}

/** Rules that were approved: they are in force from their begin until the next ones begin. */
export interface RulesVersion {
  readonly rulesId: string;
  readonly content: RulesContent;
}

/** How many people approve until a version says otherwise (the rules of money, 10). */
export const FIRST_TIERS: ApprovalTiers = { oneApproverFrom: 20_000_000n, twoApproversFrom: 200_000_000n };

const MS_PER_SECOND = 1000;

/**
 * The rules in force at a time: those of the version that began last, at this very millisecond or before it.
 * @param versions approved ones, in any order; no two begin at one time
 * @param defaults in force until the first version begins
 */
export function rulesInForce(versions: readonly RulesVersion[], defaults: RulesInForce, atMs: number): RulesInForce {
  const begun = versions.filter(({ content }) => beginMs(content) <= atMs);
  if (begun.length === 0) return defaults;
  const { rulesId, content } = begun.reduce((a, b) => (beginMs(b.content) > beginMs(a.content) ? b : a));
  return {
    rulesId,
    minimum: BigInt(content.minimumMillidiamonds),
    dailyMaximum: BigInt(content.dailyMaximumMillidiamonds),
    weeklyMaximum: BigInt(content.weeklyMaximumMillidiamonds),
    methodCoolingMs: content.methodCoolingSeconds * MS_PER_SECOND,
    decisionDeadlineMs: content.decisionDeadlineSeconds * MS_PER_SECOND,
    quoteTtlMs: content.quoteTtlSeconds === undefined ? defaults.quoteTtlMs : content.quoteTtlSeconds * MS_PER_SECOND,
    oneApproverFrom: BigInt(content.oneApproverFromMillidiamonds),
    twoApproversFrom: BigInt(content.twoApproversFromMillidiamonds),
  };
}

const beginMs = ({ effectiveFrom }: RulesContent): number => Date.parse(effectiveFrom);

/** What stands when rules are decided on. */
export interface RulesStanding {
  /** The database's clock, its fractions of a millisecond cut off. */
  readonly clockMs: number;
  /** When the approved version that begins last does so. */
  readonly latestBeginMs?: number | undefined;
}

export type BeginRefusal = 'rules_start_too_soon' | 'rules_overlap';

/**
 * Why rules cannot begin when they say. What was decided stays right only when nothing begins in the past, and in the
 * millisecond that the clock is in something may have been decided already. Versions are added at their end alone.
 */
export function beginRefusal(
  content: RulesContent,
  { clockMs, latestBeginMs }: RulesStanding,
): BeginRefusal | undefined {
  if (beginMs(content) <= clockMs) return 'rules_start_too_soon';
  return latestBeginMs !== undefined && beginMs(content) <= latestBeginMs ? 'rules_overlap' : undefined;
}
