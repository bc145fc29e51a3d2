import type { recordOf } from '@carat/event-log/journal';
import type { Topic } from '@carat/events';
import type { DataSource } from 'typeorm';

/** One process of a way: a script of this repository, and the name under which its figures are told. */
export interface Stage {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** What a run of a way has to itself: a database and, under a prefix of its own, a log. */
export interface Ground {
  readonly db: DataSource;
  write(topic: Topic, events: readonly Parameters<typeof recordOf>[0][]): Promise<void>;
  /** Lets a stage make its tables: runs it until it is ready, then ends it. */
  prepare(stage: Stage): Promise<void>;
}

/** Processes that turn what stands in Kafka into balances in Postgres. */
export interface Way {
  readonly name: string;
  /** The one that begins comes last, so that nobody is still starting when the first gift moves. */
  readonly stages: readonly Stage[];
  readonly topics: readonly string[];
  /** Puts everything in place before the stages start; answers what the balances must add up to, in millidiamonds. */
  fill(ground: Ground): Promise<number>;
  /** SQL: whether the first gift has moved, as `begun`. Asked often, so it has to be cheap. */
  readonly begun: string;
  /** SQL: what the balances add up to, as `millidiamonds`. Cheap, too. */
  readonly earned: string;
  /** SQL over the books when all is earned, and what it must read. */
  readonly books: { readonly sql: string; readonly mustRead: Readonly<Record<string, number>> };
}

export const service = (name: string): Stage => ({ name, script: `apps/${name}/dist/main.js`, args: [] });
export const plainStage = (role: string): Stage => ({
  name: role,
  script: 'bench/baselines/plain-pipeline.ts',
  args: [role],
});

export const EARNED = 'SELECT coalesce(sum(earned), 0)::float8 AS millidiamonds FROM payout.balance';
export const PLAIN_EARNED = 'SELECT coalesce(sum(earned), 0)::float8 AS millidiamonds FROM public.plain_balance';
