import { creditDiamonds, type GiftEvent } from '@carat/conversion-service/credit-diamonds';
import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, faultOf } from '@carat/event-log';
import { creditIdOf, type Event, type EventOf, isGiftId, uuidOf } from '@carat/events';
import canonicalize from 'canonicalize';
import { type Digest, sha256 } from '../seals/digest.js';

export type DiamondsMoved = EventOf<'carat.diamonds.credited.v1' | 'carat.diamonds.reversed.v1'>;

/** The id of what a gift becomes, if it becomes anything: it follows from the gift alone. */
function creditedIdOf(gift: Event): string | undefined {
  if (gift.type === 'carat.gift.reversed.v1') return uuidOf(gift.data.reversalId);
  if (gift.type !== 'carat.gift.sent.v1' || !isGiftId(gift.data.giftId)) return undefined;
  return uuidOf(creditIdOf(gift.data.giftId));
}

/** A credit or reversal and its gift name each other by their partition, the credit's id and the gift's identity. */
const keyOf = (partition: number, creditedId: string, source: string | undefined, id: string | undefined): string =>
  [partition, creditedId, source, id].join('\n');

/** The partition and the id of the credit that a key is of. */
export function creditIn(key: string): { readonly partition: number; readonly eventId: string } {
  const [partition, eventId = ''] = key.split('\n');
  return { partition: Number(partition), eventId };
}

/** The key by which an event waits for its credit; undefined when it becomes none. */
export function giftKeyOf(partition: number, gift: Event): string | undefined {
  const id = creditedIdOf(gift);
  return id && keyOf(partition, id, gift.source, gift.id);
}

/** The key of the gift that an event credits or reverses; undefined when it does neither. */
export function creditKeyOf(partition: number, event: Event): string | undefined {
  const { type, id, causationsource, causationid } = event;
  if (type !== 'carat.diamonds.credited.v1' && type !== 'carat.diamonds.reversed.v1') return undefined;
  return keyOf(partition, id, causationsource, causationid);
}

/** All that conversion decided; the numbers of a relay and a trace are not its own. */
const contentOf = ({ sequence: _, journal: __, traceparent: ___, ...content }: DiamondsMoved): string =>
  canonicalize(content) ?? '';

/** A credit that is not what its gift comes to. */
export interface WrongCredit {
  readonly found: DiamondsMoved;
  /** What the gift comes to: an amount in millidiamonds, or why it has no price. */
  readonly expected: string;
}

interface Expected {
  readonly digest: Digest | undefined;
  readonly worth: string;
}

/**
 * Recomputes every credit and every reversal from its gift, with conversion's own function. Gifts and credits of one
 * partition may come in either order: a seal does not cut all topics at one moment.
 */
export class Credits {
  private readonly expected = new Map<string, Expected>();
  private readonly unexplained = new Map<string, DiamondsMoved>();
  private recomputedCount = 0;

  /** `isBooked`: a partition's books have this credit. */
  constructor(
    private readonly rates: RateBook,
    private readonly isBooked: (partition: number, eventId: string) => boolean,
    private readonly wrong: (credit: WrongCredit) => void,
  ) {}

  /** How many credits and reversals are what their gifts come to. */
  get recomputed(): number {
    return this.recomputedCount;
  }

  /** Credits and reversals whose gift was not there. */
  get withoutGift(): ReadonlyMap<string, DiamondsMoved> {
    return this.unexplained;
  }

  /** How many gifts and reversals have a worth and no credit yet. */
  get uncredited(): number {
    return [...this.expected].filter(([key, { digest }]) => {
      const { partition, eventId } = creditIn(key);
      return digest !== undefined && !this.isBooked(partition, eventId);
    }).length;
  }

  gift(partition: number, gift: GiftEvent): void {
    const key = giftKeyOf(partition, gift);
    if (key === undefined) return;
    const credit = this.unexplained.get(key);
    if (credit !== undefined) {
      this.unexplained.delete(key);
      this.compare(credit, this.price(gift));
    } else if (!this.isBooked(partition, creditIn(key).eventId)) this.expected.set(key, this.price(gift));
  }

  /** A credit or a reversal that is new. */
  credit(partition: number, credit: DiamondsMoved): void {
    const key = creditKeyOf(partition, credit) ?? '';
    const expected = this.expected.get(key);
    if (expected === undefined) this.unexplained.set(key, credit);
    else {
      this.expected.delete(key);
      this.compare(credit, expected);
    }
  }

  private price(gift: GiftEvent): Expected {
    try {
      const [moved] = creditDiamonds(gift, this.rates);
      if (moved === undefined) return { digest: undefined, worth: 'nothing' };
      return { digest: sha256(contentOf(moved as DiamondsMoved)), worth: `${moved.data.millidiamonds} millidiamonds` };
    } catch (error) {
      if (error instanceof FlowHalted) throw error;
      // Whatever it is, conversion would have set this gift aside for it.
      const { code, detail } = faultOf(error);
      return { digest: undefined, worth: `no price: ${code}: ${detail}` };
    }
  }

  private compare(found: DiamondsMoved, { digest, worth }: Expected): void {
    if (digest === sha256(contentOf(found))) this.recomputedCount += 1;
    else this.wrong({ found, expected: worth });
  }
}
