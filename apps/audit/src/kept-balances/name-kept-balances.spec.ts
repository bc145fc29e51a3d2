import type { Offsets, RawRecord } from '@carat/event-log';
import { type EventOf, encode, type Topic } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { keyOf, type SealedLog, sealedEvening } from '../../test/sealed-log.js';
import type { SealContent } from '../seals/seal.js';
import { Findings } from '../verify/findings.js';
import type { KeptBalance, KeptPlace } from './kept-balances.js';
import { nameKeptBalances } from './name-kept-balances.flow.js';

const PARTITIONS = [0, 1] as const;

const contentsOf = ({ seals }: SealedLog): SealContent[] => seals.map(({ content }) => content);

const placesOf = (log: SealedLog): KeptPlace[] =>
  PARTITIONS.flatMap((partition) => log.seals.map(({ content }) => ({ partition, seal: content.number })));

/** What a notary keeps at a place: every balance that is another there than at the seal before. */
function keptIn(log: SealedLog, { partition, seal }: KeptPlace): KeptBalance[] {
  const [before, at] = [log.seals[seal - 2], log.seals[seal - 1]];
  const known = new Map(
    (before === undefined ? [] : log.balances(partition, before.content)).map((each) => [each.creatorId, each.terms]),
  );
  const textOf = (terms: KeptBalance['terms'] | undefined): string => Object.values(terms ?? [0, 0, 0, 0, 0, 0]).join();
  return log
    .balances(partition, at?.content)
    .filter(({ creatorId, terms }) => textOf(terms) !== textOf(known.get(creatorId)));
}

function endsIn(log: SealedLog): Offsets {
  const ends: Partial<Record<Topic, bigint[]>> = {};
  for (const { topic, partition, nextOffset } of contentsOf(log).at(-1)?.partitions ?? []) {
    const ofTopic = ends[topic] ?? [];
    ofTopic[partition] = BigInt(nextOffset);
    ends[topic] = ofTopic;
  }
  return ends;
}

/** The first event that an operator has adjusted a balance by, and where it stands. */
function adjustmentIn(log: SealedLog) {
  const place = PARTITIONS.map((partition) => log.of('redemption.events.v1', partition)).find(
    ({ records }) => records.length > 0,
  );
  const event = JSON.parse(String(place?.records[0]?.value)) as EventOf<'carat.balance.adjusted.v1'>;
  expect(event.type).toBe('carat.balance.adjusted.v1');
  return { partition: place?.partition ?? 0, records: place?.records ?? [], event };
}

/** What is found at places, of which a notary keeps these rows. */
async function foundIn(
  log: SealedLog,
  places: readonly KeptPlace[],
  rowsAt = (place: KeptPlace): readonly KeptBalance[] => keptIn(log, place),
): Promise<Findings> {
  const findings = new Findings();
  await nameKeptBalances(places, {
    log: log.reader,
    books: { keptBalancesAt: async (place) => rowsAt(place), notAsKept: async () => [] },
    seals: contentsOf(log),
    to: endsIn(log),
    isRelayed: true,
    findings,
  });
  return findings;
}

const named = async (...asked: Parameters<typeof foundIn>): Promise<readonly string[]> =>
  (await foundIn(...asked)).of('seals').named.map(({ subject, detail }) => `${subject}: ${detail}`);

const allDiffer = (places: readonly KeptPlace[]): string[] =>
  places.map(
    ({ partition, seal }) => `seal ${seal}: balances of partition ${partition} are not those that the log gives`,
  );

describe('balances kept at places whose bags differ', () => {
  test('are said to differ together where each of them is the one that the log gives', async () => {
    const log = sealedEvening(keyOf(1));
    expect(placesOf(log).flatMap((place) => keptIn(log, place)).length).toBeGreaterThan(10);
    expect(await named(log, placesOf(log))).toEqual(allDiffer(placesOf(log)));
  });

  test('are not moved by what no relay has numbered', async () => {
    const log = sealedEvening(keyOf(1));
    const { partition, records, event } = adjustmentIn(log);
    const places = placesOf(log).filter((place) => place.partition === partition);
    const kept = new Map(places.map((place) => [place.seal, keptIn(log, place)]));
    const { sequence: _, journal: __, ...unnumbered } = event;
    records[0] = { ...(records[0] as RawRecord), value: encode(unnumbered) };
    const found = await named(log, places, ({ seal }) => kept.get(seal) ?? []);
    expect(found).toContainEqual(expect.stringMatching(new RegExp(`^seal \\d: the balance of ${event.subject} `)));
  });

  test('are not kept of whom a seal has changed by nothing', async () => {
    const log = sealedEvening(keyOf(1));
    const { partition, event } = adjustmentIn(log);
    for (const [index, millidiamonds] of [5, -5].entries())
      log.append('redemption.events.v1', {
        ...event,
        id: `0196f5a0-0000-4000-8000-00000000000${index}`,
        data: { ...event.data, millidiamonds },
      });
    log.seal();
    const place = { partition, seal: log.seals.length };
    expect(keptIn(log, place)).toEqual([]);
    expect(await named(log, [place])).toEqual(allDiffer([place]));
  });

  test('are named by creator: what is another, what is missing, what nobody has given', async () => {
    const log = sealedEvening(keyOf(1));
    const place = placesOf(log).find((each) => keptIn(log, each).length > 1) as KeptPlace;
    const [first, second, ...others] = keptIn(log, place) as [KeptBalance, KeptBalance, ...KeptBalance[]];
    const { earned } = first.terms;
    const rows = [
      { ...first, terms: { ...first.terms, earned: earned + 1n } },
      { ...second, creatorId: 'another' },
      ...others,
    ];
    expect(await named(log, [place], () => rows)).toEqual([
      `seal ${place.seal}: the balance of ${first.creatorId} has earned ${earned + 1n}, by the log ${earned}`,
      `seal ${place.seal}: the balance of another is kept, and the log changes none`,
      `seal ${place.seal}: the balance of ${second.creatorId} is missing`,
    ]);
  });

  test('are looked at creator by creator in a hundred places, and no more', async () => {
    const log = sealedEvening(keyOf(1));
    const places = Array(101).fill(placesOf(log).find((place) => keptIn(log, place).length > 0));
    const findings = await foundIn(log, places, () => []);
    const { findings: count, named: some } = findings.of('seals');
    expect(some[0]?.detail).toMatch(/are not those that the log gives$/);
    expect(count).toBe(1 + 100 * keptIn(log, places[0] as KeptPlace).length);
  });
});
