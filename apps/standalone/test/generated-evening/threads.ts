import type { Dice } from './dice.js';
import type { PlannedPrice, Request } from './plan.js';

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** A viewer gives to one creator only: so the order per creator is the order per viewer. */
export interface Pair {
  readonly viewerId: string;
  readonly creatorId: string;
}

/** What the requests of an evening are made from. */
export interface Stage {
  readonly dice: Dice;
  readonly prefix: string;
  readonly market: string;
  readonly startMs: number;
  readonly endMs: number;
  /** When rates and prices change: most is to be seen there. */
  readonly changesMs: readonly number[];
  readonly prices: readonly PlannedPrice[];
  readonly cheap: readonly string[];
  readonly dear: readonly string[];
  /** Of these a streak can be sent, of those not. */
  readonly streakable: readonly string[];
  readonly notStreakable: string;
  /** Is on sale at some times only. */
  readonly seasonal: string;
  readonly offSaleFromMs: number;
  readonly sources: {
    readonly open: string;
    readonly capped: string;
    readonly quiet: string;
    readonly stranger: string;
  };
  /** The only creator whose gifts the capped source attests: a cap is an order between all it counts. */
  readonly cappedCreatorId: string;
}

type Data = Request['data'];

/** A streak without its last frame, and how far it went. */
interface LostStreak {
  readonly frame: Request;
  readonly count: number;
}

/** Makes requests: each method one thread of them, in the order in which a publisher would send it. */
export class Threads {
  private made = 0;
  /** Streaks that nobody ended, for those who come too late. */
  readonly lost: LostStreak[] = [];

  constructor(private readonly stage: Stage) {}

  /** Any thread. */
  any(pair: Pair): Request[] {
    const kind = this.stage.dice.int(1, 100);
    if (kind <= 34) return [this.walletGift(pair)];
    if (kind <= 50) return [this.externalGift(pair)];
    if (kind <= 75) return this.streak(pair);
    return kind <= 95 ? this.refused(pair) : this.dead(pair);
  }

  walletGift(pair: Pair): Request {
    const { dice, cheap } = this.stage;
    return this.request(pair, { giftTypeId: dice.pick(cheap), quantity: dice.pick([1, 1, 1, 2, 3, 7]) });
  }

  externalGift(pair: Pair): Request {
    const { dice, cheap, dear } = this.stage;
    const giftTypeId = dice.pick(dice.percent(70) ? cheap : dear);
    return this.request(
      pair,
      { giftTypeId, quantity: dice.int(1, 5), funding: this.reference() },
      this.attesting(pair),
    );
  }

  /** Frames of one streak: raised, doubled, out of order, lower, after a final one; or without one. */
  streak(pair: Pair): Request[] {
    const { dice, streakable, prefix } = this.stage;
    const own = this.next();
    const isExternal = dice.percent(35);
    const source = isExternal ? this.attesting(pair) : this.stage.sources.open;
    const shared = {
      giftTypeId: dice.pick(streakable),
      market: this.market(),
      context: { kind: dice.pick(['live', 'video'] as const), id: dice.percent(50) ? `${prefix}live` : `live-${own}` },
      funding: isExternal ? this.reference() : ({ kind: 'wallet' } as const),
    };
    // Where the place is shared the streak has a name of its own, and the other way round.
    const id = shared.context.id === `live-${own}` ? 'combo' : `combo-${own}`;
    const frame = (count: number, final: boolean, other: Partial<Data> = {}): Request =>
      this.request(pair, { ...shared, quantity: count, streak: { id, final }, ...other }, source);
    const frames = this.counts().map((count) => frame(count, false));
    const highest = Math.max(...frames.map(({ data }) => data.quantity));
    if (dice.percent(12)) frames.splice(dice.int(1, frames.length), 0, frame(highest, false, this.change(isExternal)));
    if (dice.percent(35)) {
      this.lost.push({ frame: frame(highest, false), count: highest });
      return frames;
    }
    const last = dice.pick([highest, highest, highest + dice.int(1, 4), dice.int(1, highest)]);
    frames.push(frame(last, true));
    if (dice.percent(45)) frames.push(frame(Math.max(highest, last) + dice.int(1, 6), dice.percent(30)));
    if (dice.percent(25)) frames.push(frame(dice.int(1, highest + 9), dice.percent(30)));
    return frames;
  }

  /** What comes of a streak after its time is over. */
  late({ frame, count }: LostStreak): Request[] {
    const { dice } = this.stage;
    const again = (quantity: number, final: boolean): Request => {
      const { senderId: viewerId, creatorId, ...data } = frame.data;
      const streak = { id: data.streak?.id ?? '', final };
      return this.request({ viewerId, creatorId }, { ...data, quantity, streak }, frame.source);
    };
    const counts = [count + dice.int(1, 5), count, dice.int(1, count), count + dice.int(4, 12)];
    return dice
      .shuffled(counts)
      .slice(0, dice.int(1, 3))
      .map((quantity) => again(quantity, dice.percent(50)));
  }

  /** One thing is wrong with the last request of these. */
  refused(pair: Pair): Request[] {
    const { dice, prefix, startMs, endMs, sources, notStreakable, seasonal, offSaleFromMs, dear } = this.stage;
    const funding = this.reference();
    const wrong: (() => Request[])[] = [
      () => [this.request(pair, { giftTypeId: `${prefix}nothing` })],
      () => [this.request(pair, { giftTypeId: seasonal }, sources.open, offSaleFromMs + dice.int(0, 1))],
      () => [this.request(pair, { senderId: pair.creatorId })],
      () => [this.request(pair, {}, sources.open, startMs - 8 * DAY_MS)],
      () => [this.request(pair, {}, sources.open, endMs + HOUR_MS)],
      () => [this.request(pair, { giftTypeId: 'lion', quantity: Number.MAX_SAFE_INTEGER, funding })],
      () => [this.request(pair, { giftTypeId: dice.pick(dear), quantity: dice.int(6, 9) })],
      () => [this.request(pair, { funding }, sources.quiet)],
      () => [1, 2].map(() => this.request(pair, { quantity: dice.int(1, 3), funding })),
      () => [this.request(pair, { giftTypeId: notStreakable, streak: { id: 'combo', final: false }, funding })],
    ];
    return dice.pick(wrong)();
  }

  /** Requests that nobody may make, or that contradict an earlier one. */
  dead(pair: Pair): Request[] {
    const { dice, sources } = this.stage;
    if (dice.percent(40)) return [this.request(pair, {}, sources.stranger)];
    const first = this.walletGift(pair);
    const data = { ...first.data, quantity: first.data.quantity + 1 };
    return [first, { ...first, data }];
  }

  /** Cumulative counts as they arrive: rising, but some doubled, some swapped, some out of date. */
  private counts(): number[] {
    const { dice } = this.stage;
    let count = 0;
    const counts = Array.from({ length: dice.int(1, 6) }, () => {
      count += dice.pick([1, 1, 1, 2, 2, 3, 5, 12]);
      return count;
    });
    const somewhere = (): number => dice.int(0, counts.length - 1);
    if (dice.percent(40)) counts.splice(somewhere() + 1, 0, dice.pick(counts));
    if (dice.percent(30)) counts.push(...counts.splice(somewhere(), 1));
    if (dice.percent(20)) counts.splice(somewhere() + 1, 0, dice.int(1, count));
    return counts;
  }

  private change(isExternal: boolean): Partial<Data> {
    if (this.stage.dice.percent(40)) return { market: `${this.stage.prefix}elsewhere` };
    return { funding: isExternal ? { kind: 'wallet' } : this.reference() };
  }

  private request(pair: Pair, data: Partial<Data>, source = this.stage.sources.open, timeMs = this.moment()): Request {
    const { cheap, prefix, dice } = this.stage;
    return {
      source,
      id: `${prefix}${this.next()}`,
      timeMs,
      data: {
        giftTypeId: dice.pick(cheap),
        quantity: 1,
        senderId: pair.viewerId,
        creatorId: pair.creatorId,
        context: { kind: 'live', id: `${prefix}live` },
        market: this.market(),
        funding: { kind: 'wallet' },
        ...data,
      },
    };
  }

  private attesting({ creatorId }: Pair): string {
    const { dice, sources, cappedCreatorId } = this.stage;
    return creatorId === cappedCreatorId && dice.percent(60) ? sources.capped : sources.open;
  }

  private reference(): { readonly kind: 'external'; readonly reference: string } {
    return { kind: 'external', reference: `payment-${this.next()}` };
  }

  private market(): string {
    const { dice, market } = this.stage;
    return dice.percent(85) ? market : '*';
  }

  /** A time of the evening, often one at which something changes, or the millisecond before or after. */
  private moment(): number {
    const { dice, startMs, endMs, changesMs } = this.stage;
    if (dice.percent(50)) return dice.pick(changesMs) + dice.int(-1, 1);
    return dice.int(startMs - 300, endMs);
  }

  private next(): number {
    this.made += 1;
    return this.made;
  }
}
