import type { Recorded } from '@carat/event-log';
import { creditIdOf, derivedUuid, type Event, type EventOf, uuidOf } from '@carat/events';
import { EVENING_MS, type GiftSent, timeOf } from './gift-log.js';

type Credited = EventOf<'carat.diamonds.credited.v1'>;
type Reversed = EventOf<'carat.diamonds.reversed.v1'>;

const envelope = (subject: string, id: string) => ({
  specversion: '1.0' as const,
  id,
  source: '/carat/conversion-service',
  subject,
  time: timeOf(EVENING_MS),
});

/** Half a diamond per coin, as it stands on an event. */
export const HALF_RATE = { id: 'half', numerator: 1, denominator: 2, rounding: 'floor' as const };

/** The credit of a gift at half a diamond per coin, or with whatever else it is to say. */
export function credited(
  { data }: GiftSent,
  wrong: Partial<Credited['data']> & { readonly id?: string } = {},
): Credited {
  const { giftId, creatorId, coins, context } = data;
  const { id = uuidOf(creditIdOf(giftId)), ...more } = wrong;
  const right = { creditId: creditIdOf(giftId), creatorId, giftId, coins, millidiamonds: coins * 500, rate: HALF_RATE };
  return {
    ...envelope(wrong.creatorId ?? creatorId, id),
    type: 'carat.diamonds.credited.v1',
    data: { ...right, residue: { numerator: 0, denominator: 1 }, context, ...more },
  };
}

/** Diamonds taken back of a gift, whatever caused it. */
export function takenBack(
  { data }: GiftSent,
  reversalId: string,
  coins: number,
  millidiamonds = coins * 500,
): Reversed {
  const { giftId, creatorId } = data;
  const residue = { numerator: 0, denominator: 1 };
  const moved = { reversalId, creatorId, giftId, coins, millidiamonds, rate: HALF_RATE, residue, reason: 'moderation' };
  return { ...envelope(creatorId, uuidOf(reversalId)), type: 'carat.diamonds.reversed.v1', data: moved };
}

/** An id that nothing is derived from. */
export const foreignId = (name: string): string => derivedUuid(EVENING_MS, 'foreign', name);

/** Diamond events as they stand in one partition of the log. */
export const recordedDiamonds = (events: readonly Event<'diamond.events.v1'>[]): Recorded<'diamond.events.v1'>[] =>
  events.map((event, index) => ({
    ...event,
    position: { topic: 'diamond.events.v1', partition: 0, offset: BigInt(index) },
    recordedAtMs: EVENING_MS + index,
  }));
