import type { LogReader, Offsets } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { ManyEvents } from '@carat/events/decode-many';
import { moneyTransfersOf } from '@carat/payout-service/money-transfers';
import { dueMoney } from '../booked/booked-passes.js';
import { ownEvents } from '../log-source/own-events.flow.js';
import { RedemptionsPass } from '../passes/redemptions.js';
import type { Findings } from '../verify/findings.js';
import type { OwnBooks } from './lane.js';
import { type LaneTask, laneTopics } from './lane-task.js';

interface OwnOfTask extends OwnBooks {
  readonly task: LaneTask;
  readonly money: Map<string, string>;
}

/** Every redemption of some partitions: when each was requested has to be known before balances are summed up. */
export async function readOwnBooks(
  log: LogReader,
  tasks: readonly LaneTask[],
  to: Offsets,
  { findings, events }: { readonly findings: Findings; readonly events: ManyEvents },
): Promise<ReadonlyMap<number, OwnOfTask>> {
  const byPartition = new Map(
    tasks.map((task): [number, OwnOfTask] => [
      task.partition,
      { task, redemptions: new RedemptionsPass(task.rates, findings), money: new Map() },
    ]),
  );
  const isRelayed = tasks[0]?.log.kind === 'relayed';
  const ends = endsOf(byPartition, to);
  for await (const { event, position } of ownEvents(log, 'redemption.events.v1', ends, isRelayed, events)) {
    const of = byPartition.get(position.partition);
    const upTo = of?.task.ownUpTo;
    if (of === undefined || (upTo !== undefined && BigInt(event.sequence ?? position.offset) >= upTo)) continue;
    of.redemptions.add(event, position);
    for (const money of moneyTransfersOf(event)) of.money.set(...dueMoney(money));
  }
  return byPartition;
}

export const topicsIn = (to: Offsets): Topic[] => laneTopics.filter((topic) => (to[topic]?.length ?? 0) > 0);

/** Where the partitions of lanes end; those of others end where they begin. */
export const endsOf = (lanes: ReadonlyMap<number, unknown>, to: Offsets): Offsets =>
  Object.fromEntries(
    topicsIn(to).map((topic) => [topic, (to[topic] ?? []).map((end, partition) => (lanes.has(partition) ? end : 0n))]),
  );
