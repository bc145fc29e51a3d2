import type { Coins } from '@carat/amounts';
import type { GiftId, GiftRefusal } from '@carat/events';
import { type AskedGift, identityKey } from '../asked-gift.js';
import type { Outcome } from './send-gift.js';

/** What the inbox remembers of an identity, for good: its first content, and what became of it. */
export interface Remembered {
  readonly contentHash: string;
  readonly verdict:
    | { readonly giftId: GiftId; readonly coins: Coins }
    | { readonly refusal: GiftRefusal }
    | { readonly isHeld: true };
}

/** What a publisher is told. A frame is held until its streak ends. A repeat with other content is no gift at all. */
export type Answer =
  | { readonly kind: 'sent'; readonly giftId: GiftId; readonly coins: Coins; readonly replayed: boolean }
  | { readonly kind: 'refused'; readonly refusal: GiftRefusal; readonly replayed: boolean }
  | { readonly kind: 'held'; readonly replayed: boolean }
  | { readonly kind: 'conflict' };

/** The first request of every identity, in order. The others of a batch are repeats of these. */
export function firstOfEach(asked: readonly AskedGift[]): AskedGift[] {
  const firsts = new Map<string, AskedGift>();
  for (const gift of asked) {
    const key = identityKey(gift.identity);
    if (!firsts.has(key)) firsts.set(key, gift);
  }
  return [...firsts.values()];
}

/**
 * The answer to every request of a batch, in order: what was decided just now for the first of an identity, what was
 * remembered for the same content again, a conflict for other content. `remembered` holds, by `identityKey`, every
 * identity of the batch that was known before; `decided` holds all others once.
 */
export function answersOf(
  asked: readonly AskedGift[],
  remembered: ReadonlyMap<string, Remembered>,
  decided: readonly Outcome[],
): Answer[] {
  const known = new Map(remembered);
  const unanswered = new Set<string>();
  for (const outcome of decided) {
    const key = identityKey(outcome.asked.identity);
    known.set(key, { contentHash: outcome.asked.contentHash, verdict: outcome });
    unanswered.add(key);
  }
  return asked.map((gift): Answer => {
    const key = identityKey(gift.identity);
    const first = known.get(key);
    if (first === undefined) throw new Error(`nothing was decided on ${key}`);
    if (first.contentHash !== gift.contentHash) return { kind: 'conflict' };
    const replayed = !unanswered.delete(key);
    const { verdict } = first;
    if ('refusal' in verdict) return { kind: 'refused', refusal: verdict.refusal, replayed };
    if ('isHeld' in verdict) return { kind: 'held', replayed };
    return { kind: 'sent', giftId: verdict.giftId, coins: verdict.coins, replayed };
  });
}
