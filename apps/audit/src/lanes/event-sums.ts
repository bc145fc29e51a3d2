import { WholeSum } from '@carat/amounts';
import type { Event } from '@carat/events';
import type { SealSums } from './lane-task.js';

interface OfType {
  events: number;
  readonly coins: WholeSum;
  readonly millidiamonds: WholeSum;
}

/** Sums of events by their type, as seals name them. */
export class EventSums {
  private readonly byType = new Map<string, OfType>();

  add({ type, data }: Event): void {
    let of = this.byType.get(type);
    if (of === undefined) {
      of = { events: 0, coins: new WholeSum(), millidiamonds: new WholeSum() };
      this.byType.set(type, of);
    }
    of.events += 1;
    if ('coins' in data) of.coins.add(data.coins);
    if ('millidiamonds' in data) of.millidiamonds.add(data.millidiamonds);
  }

  told(): SealSums {
    return new Map(
      [...this.byType].map(([type, { events, coins, millidiamonds }]) => [
        type,
        { events: BigInt(events), coins: coins.value, millidiamonds: millidiamonds.value },
      ]),
    );
  }
}
