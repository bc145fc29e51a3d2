import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { gift } from './event-log.contract.js';
import type { Poison, Recorded } from './event-log.js';
import { HandledTooEarly, holdBack, keysParkedBy, parkKeyOf, parkKeysOf, poisonAmong } from './parking.js';

type Gift = Recorded<'gift.events.v1'>;

/** The n-th record, of the creator it is given to. */
const of = (offset: number, creatorId: string): Gift => ({
  ...gift(offset),
  subject: creatorId,
  position: { topic: 'gift.events.v1', partition: 2, offset: BigInt(offset) },
  recordedAtMs: 0,
});
const BY_CREATOR = { parkBy: ({ subject }: Gift): string | undefined => (subject === 'nobody' ? undefined : subject) };
const PARKS_NOTHING = {};
const events = [of(0, 'ann'), of(1, 'bob'), of(2, 'nobody'), of(3, 'ann')];
const offsets = (some: readonly { position: { offset: bigint } }[]): number[] =>
  some.map(({ position }) => Number(position.offset));
const poison = (...at: number[]): Poison[] =>
  at.map((offset) => ({ position: of(offset, '').position, code: 'bad_luck', detail: 'bad luck' }));
const ANN_IS_PARKED = new Map([['ann', { topic: 'gift.events.v1', partition: 2, offset: -7n }]]);

describe('parking', () => {
  test('given a parked key, then its records wait, in order, each saying for what; others are free', () => {
    const { free, waiting } = holdBack(BY_CREATOR, events, ANN_IS_PARKED);
    expect(offsets(free)).toEqual([1, 2]);
    expect(offsets(waiting)).toEqual([0, 3]);
    expect(waiting[0]).toMatchObject({
      code: 'waits_for_parked_key',
      detail: 'waits for the parked key ann: gift.events.v1/2/-7 is a dead letter',
    });
  });

  test('a flow that parks nothing asks for no key and holds nothing back', () => {
    expect(parkKeysOf(PARKS_NOTHING, events)).toEqual([]);
    expect(holdBack(PARKS_NOTHING, events, ANN_IS_PARKED)).toEqual({ free: events, waiting: [] });
    expect(offsets(poisonAmong(PARKS_NOTHING, events, poison(0)))).toEqual([0]);
    expect(keysParkedBy(PARKS_NOTHING, events).size).toBe(0);
  });

  test('keys are asked for once each, and a record without one asks for nothing', () => {
    expect(parkKeysOf(BY_CREATOR, events)).toEqual(['ann', 'bob']);
  });

  test('given poison that is the last of its key, then it parks the key where it stands', () => {
    const dead = poisonAmong(BY_CREATOR, events, poison(1, 2, 3));
    expect(offsets(dead)).toEqual([1, 2, 3]);
    expect([...keysParkedBy(BY_CREATOR, dead)]).toEqual([
      ['bob', of(1, 'bob').position],
      ['ann', of(3, 'ann').position],
    ]);
  });

  test.each([[poison(0)], [poison(0, 3)]])(
    'given poison with a successor of its key, poison or not, then nothing of the call may be kept',
    (named) => {
      expect(() => poisonAmong(BY_CREATOR, events, named)).toThrow(HandledTooEarly);
    },
  );

  test('a record whose key cannot be told parks nothing', () => {
    const throws = {
      parkBy: ({ subject = '' }: Gift): string => {
        if (subject === 'bob') throw new Error('bob again');
        return subject;
      },
    };
    expect([...keysParkedBy(throws, events).keys()]).toEqual(['ann', 'nobody']);
  });

  test('a key is kept as it is where it can be read, and as a hash where Postgres would refuse it', () => {
    const kept = (key: string) => parkKeyOf({ parkBy: () => key }, of(0, 'ann')) ?? '';
    expect(kept('gft_0199-é')).toBe('gft_0199-é');
    for (const key of ['a\0', 'a\ud800', 'a\udfff', 'x'.repeat(201)])
      expect(kept(key)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(kept('a\ud800')).not.toBe(kept('a\udfff'));
  });

  test.prop([fc.array(fc.constantFrom('ann', 'bob', 'cat', 'nobody'), { maxLength: 20 }), fc.nat({ max: 19 })])(
    'wherever a batch is cut, the same records are handled, and the same wait',
    (creators, cut) => {
      const batch = creators.map((creator, n) => of(n, creator));
      const isBad = (n: number): boolean => n % 3 === 0;
      const expected = batch.filter(
        ({ subject }, n) => subject === 'nobody' || !creators.slice(0, n + 1).some((c, m) => c === subject && isBad(m)),
      );
      const handled = [batch.slice(0, cut), batch.slice(cut)].reduce(
        ({ done, parked }, part) => handle(part, done, parked, isBad),
        { done: [] as number[], parked: new Map() as ReturnType<typeof keysParkedBy> },
      );
      expect(handled.done).toEqual(offsets(expected).filter((n) => !isBad(n)));
    },
  );
});

/** As `project` does it: what may not be kept is done again in halves. */
function handle(
  part: readonly Gift[],
  done: readonly number[],
  parked: ReturnType<typeof keysParkedBy>,
  isBad: (n: number) => boolean,
): { done: number[]; parked: ReturnType<typeof keysParkedBy> } {
  const { free } = holdBack(BY_CREATOR, part, parked);
  const named = poison(...offsets(free).filter(isBad));
  try {
    const dead = poisonAmong(BY_CREATOR, free, named);
    const good = offsets(free).filter((n) => !isBad(n));
    return { done: [...done, ...good], parked: new Map([...parked, ...keysParkedBy(BY_CREATOR, dead)]) };
  } catch {
    const middle = Math.ceil(part.length / 2);
    const first = handle(part.slice(0, middle), done, parked, isBad);
    return handle(part.slice(middle), first.done, first.parked, isBad);
  }
}
