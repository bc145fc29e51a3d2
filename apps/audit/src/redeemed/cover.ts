import type { Position } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { gainOf, movedBy } from '@carat/payout-service/terms';
import type { Transfer } from '@carat/payout-service/transfers-of';

/** A moment at which the log says what a balance then included: a redemption's request. */
export interface CoverPoint {
  readonly creatorId: string;
  readonly subject: string;
  readonly topic: Topic;
  /** Every event of the creator before this offset of the topic was in the balance. */
  readonly before: bigint;
}

/** What a creator had gained of a topic at a cover point. */
export interface Covered extends CoverPoint {
  readonly gained: bigint;
}

/** The points of one creator that are still to come, and what it has gained so far. */
interface Covering {
  readonly points: CoverPoint[];
  gained: bigint;
}

/**
 * What a creator had gained of a topic whenever a redemption was requested: sums of exactly the events that the request
 * says its balance included (the rules of money, 5).
 */
export class CoverPass {
  // By creator within topic, and not by one text of both: that would be put together anew for every event there is.
  private readonly points = new Map<Topic, Map<string, Covering>>();
  readonly covered: Covered[] = [];

  constructor(points: readonly CoverPoint[]) {
    for (const point of points) {
      const ofTopic = this.points.get(point.topic) ?? new Map<string, Covering>();
      this.points.set(point.topic, ofTopic);
      const of = ofTopic.get(point.creatorId) ?? { points: [], gained: 0n };
      ofTopic.set(point.creatorId, of);
      of.points.push(point);
    }
    for (const of of this.all()) of.points.sort((a, b) => (a.before < b.before ? -1 : 1));
  }

  add(creatorId: string, transfers: readonly Transfer[], { topic, offset }: Position): void {
    const of = this.points.get(topic)?.get(creatorId);
    if (of === undefined || of.points.length === 0) return;
    this.passUpTo(of, offset);
    for (const transfer of transfers) of.gained += gainOf(movedBy(transfer));
  }

  end(): readonly Covered[] {
    for (const of of this.all()) this.passUpTo(of, undefined);
    return this.covered;
  }

  private all(): Covering[] {
    return [...this.points.values()].flatMap((ofTopic) => [...ofTopic.values()]);
  }

  private passUpTo({ points, gained }: Covering, offset: bigint | undefined): void {
    for (let [point] = points; point !== undefined; [point] = points) {
      if (offset !== undefined && offset < point.before) return;
      this.covered.push({ ...point, gained });
      points.shift();
    }
  }
}
