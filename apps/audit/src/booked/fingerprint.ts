import type { Transfer } from '@carat/payout-service/transfers-of';
import { sha256 } from '../seals/record-chain.js';

/** A transfer as it is booked: what an event says, or what a row does. Where the event stands no event says. */
export interface BookedTransfer {
  readonly eventId: string;
  readonly code: string;
  readonly creatorId: string;
  readonly debit: string;
  readonly credit: string;
  readonly millidiamonds: bigint;
  readonly giftId?: string | undefined;
  readonly redemptionId?: string | undefined;
  readonly coins?: bigint | undefined;
  readonly rateId?: string | undefined;
}

export const bookedOf = (transfer: Transfer): BookedTransfer => ({
  ...transfer,
  coins: transfer.priced?.coins,
  rateId: transfer.priced?.rate.id,
});

/** Everything that a transfer says, as one text. Fields hold no line feed. */
export const textOf = (of: BookedTransfer): string =>
  `${of.eventId}\n${of.code}\n${of.creatorId}\n${of.debit}\n${of.credit}\n${of.millidiamonds}\n${of.giftId ?? ''}\n` +
  `${of.redemptionId ?? ''}\n${of.coins ?? ''}\n${of.rateId ?? ''}`;

/**
 * A bag of transfers, in sixteen bytes, whatever their order: the sum of keyed hashes, word by word. The key is drawn
 * anew for every run and known to nobody else, so two different bags have the same sums once in 2^96. Twice the same
 * transfer is another bag than once.
 */
export class Fingerprint {
  count = 0;
  private a = 0;
  private b = 0;
  private c = 0;

  /** @param text of a transfer, as `textOf` writes it @param key of the run, at least 16 random bytes as text */
  add(text: string, key: string): void {
    const digest = sha256(`${key}${text}`);
    this.count += 1;
    this.a = (this.a + wordOf(digest, 0)) >>> 0;
    this.b = (this.b + wordOf(digest, 4)) >>> 0;
    this.c = (this.c + wordOf(digest, 8)) >>> 0;
  }

  get value(): string {
    return `${this.count}:${this.a.toString(16)}:${this.b.toString(16)}:${this.c.toString(16)}`;
  }
}

const wordOf = (digest: string, at: number): number =>
  ((digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)) >>>
  0;
