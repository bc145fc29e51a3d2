import { createPublicKey } from 'node:crypto';
import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import { emptyRateBook, evolve } from '@carat/conversion-service/rate-book';
import type { Event, EventOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { HALF, inForce, sent } from '../../test/gift-log.js';
import { bundleOf, keyOf, SealedLog, sealedEvening } from '../../test/sealed-log.js';
import { randomOf, tampered } from '../../test/tampering.js';
import { signSeal } from '../seals/seal.js';
import { BundleCheck } from './bundle-check.js';
import type { BundleReport } from './bundle-report.js';
import { checkLines } from './check-lines.js';

const NOTARY = keyOf(1);
const NOTARY_PUBLIC = createPublicKey(NOTARY);

async function reportOf(lines: readonly string[], keys = [NOTARY_PUBLIC]): Promise<BundleReport> {
  const check = await checkLines(lines, keys);
  if (check instanceof BundleCheck) return check.report();
  throw new Error(`${check.code}: ${check.detail}`);
}

const found = ({ findings, gaps }: BundleReport): string[] => [...findings, ...gaps].map(({ code }) => code);
const evening = sealedEvening(NOTARY);

describe('a bundle', () => {
  test('from the begin proves every record, credit and balance', async () => {
    const report = await reportOf(await bundleOf(evening));
    expect(report).toMatchObject({
      verdict: 'proven',
      opening: { seal: 0 },
      closing: { seal: 6, sealedAt: '2026-11-20T19:06:00.000Z' },
      checked: { seals: 6, records: 47, repeats: 4, repeatsOfEarlier: 0, creditsRecomputed: 16, rateEvents: 4 },
      findings: [],
      gaps: [],
    });
    // Four hundred and five coins less seven at one half, five times seven coins at a third, each rounded down.
    expect(report.totals).toEqual({
      creators: 5,
      earned: 2n * 30_000n + 5n * 2_333n,
      reversed: 3_500n,
      awarded: 8_000n,
      adjusted: -200n,
      held: 0n,
      redeemed: 0n,
      available: 60_000n + 11_665n - 3_500n + 8_000n - 200n,
      recoverable: 0n,
    });
  });

  test.each([
    [1, 6],
    [2, 3],
    [2, 6],
    [3, 5],
    [5, 6],
  ])('from seal %i to seal %i is proven from the balances at its opening', async (from, to) => {
    const report = await reportOf(await bundleOf(evening, from, to));
    expect(found(report)).toEqual([]);
    expect(report.verdict).toBe('proven');
    const sealed = [0, 1].flatMap((partition) => evening.balances(partition));
    if (to === 6) expect(report.totals.earned).toBe(sealed.reduce((sum, { terms }) => sum + terms.earned, 0n));
  });

  test('knows gifts and repeats of before the period', async () => {
    const lines = await bundleOf(evening, 2, 3);
    expect(lines.filter((line) => line.startsWith('{"kind":"gift"'))).toHaveLength(2);
    expect((await reportOf(lines)).checked).toMatchObject({
      creditsRecomputed: 3,
      creditsNotRecomputed: 0,
      repeatsOfEarlier: 1,
    });
  });

  test('of an empty period, and of a seal over nothing, proves the balances there', async () => {
    expect(await reportOf(await bundleOf(evening, 3, 3))).toMatchObject({ verdict: 'proven', checked: { seals: 0 } });
    const report = await reportOf(await bundleOf(evening, 3, 4));
    expect(report).toMatchObject({ verdict: 'proven', checked: { seals: 1, records: 0 }, totals: { creators: 5 } });
  });

  test('of the same period is the same, byte for byte', async () => {
    expect(await bundleOf(sealedEvening(NOTARY), 2)).toEqual(await bundleOf(evening, 2));
  });
});

describe('what cannot be looked at is never called proven', () => {
  const incomplete = async (lines: readonly string[], keys?: (typeof NOTARY_PUBLIC)[]) => {
    const report = await reportOf(lines, keys);
    expect(report.verdict).toBe('incomplete');
    return found(report);
  };

  test('a credit whose gift lies before the period, and is not there', async () => {
    const lines = await bundleOf(evening, 2, 3);
    const without = lines.filter((line) => !line.startsWith('{"kind":"gift"'));
    expect(await incomplete(without)).toEqual(['credits_not_recomputed']);
    expect((await reportOf(without)).checked).toMatchObject({ creditsRecomputed: 1, creditsNotRecomputed: 2 });
  });

  test('seals by a key that is not trusted', async () => {
    expect(await incomplete(await bundleOf(evening), [createPublicKey(keyOf(2))])).toEqual(['untrusted_seal']);
  });

  test('records of which a seal is missing', async () => {
    const lines = await bundleOf(evening, 2);
    const isSealOver = (number: number) => (line: string) =>
      line.startsWith('{"kind":"seal"') && line.includes(`"number":${number},`);
    const [fifth, sixth] = [lines.findIndex(isSealOver(5)), lines.findIndex(isSealOver(6))];
    expect(await incomplete(lines.toSpliced(fifth, sixth - fifth))).toEqual(['seal_missing']);
    expect(await incomplete(lines.slice(0, fifth))).toContain('seal_missing');
  });

  test('a line that is none of a bundle', async () => {
    const lines = await bundleOf(evening, 2);
    for (const line of ['{', '[]', '{"kind":"__proto__"}', '{"kind":"record","__proto__":{"record":1}}'])
      expect(await incomplete(lines.toSpliced(-1, 0, line))).toEqual(['bundle_malformed']);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(await checkLines(lines.slice(1), [NOTARY_PUBLIC])).toMatchObject({ verdict: 'incomplete' });
    expect(await checkLines([], [NOTARY_PUBLIC])).toMatchObject({ verdict: 'incomplete', detail: 'it holds nothing' });
  });

  test('records read by another schema than the bundle names', async () => {
    const lines = (await bundleOf(evening)).map((line) =>
      line.startsWith('{"kind":"schema","type":"carat.gift.sent.v1"') ? line.replace('"coins"', '"gold"') : line,
    );
    expect(await incomplete(lines)).toEqual(['schema_differs']);
  });
});

describe('what the notary sealed and the rules do not allow is named', () => {
  const gift = sent({ creatorId: 'creator-1', coins: 10 });
  const logWith = (write: (log: SealedLog) => void): SealedLog => {
    const log = new SealedLog(NOTARY);
    for (const event of inForce(HALF)) log.append('rate.events.v1', event);
    log.append('gift.events.v1', gift);
    write(log);
    log.seal();
    return log;
  };
  const rates = inForce(HALF).reduce(evolve, { ...emptyRateBook, completeUntilMs: Infinity });
  const credit = creditDiamonds(gift, rates)[0] as EventOf<'carat.diamonds.credited.v1'>;
  const credited = (data: Partial<typeof credit.data>) => ({ ...credit, data: { ...credit.data, ...data } });

  test.each([
    ['more than its gift comes to', credited({ millidiamonds: 5_001 })],
    ['another rate', credited({ rate: { ...credit.data.rate, id: 'other' } })],
    ['another residue', credited({ residue: { numerator: 1, denominator: 3 } })],
  ])('a credit of %s', async (_, event) => {
    const report = await reportOf(await bundleOf(logWith((log) => log.append('diamond.events.v1', event))));
    expect(report.findings).toMatchObject([{ pass: 'credits', code: 'credit_differs', subject: credit.id }]);
    expect(report.findings[0]?.detail).toContain('which comes to 5000 millidiamonds');
  });

  test('a credit that no gift caused is not proven', async () => {
    const forged = { ...credit, causationid: 'nobody' };
    const report = await reportOf(await bundleOf(logWith((log) => log.append('diamond.events.v1', forged))));
    expect(found(report)).toEqual(['credits_not_recomputed']);
    expect(report.checked).toMatchObject({ creditsRecomputed: 0, giftsNotYetCredited: 0 });
  });

  test('a record of ours that holds no event, and one that its relay did not number', async () => {
    const log = logWith(() => undefined);
    log.write(log.of('award.events.v1', 0), 'key', Buffer.from('{'));
    const { sequence: _, ...unnumbered } = JSON.parse(
      (log.of('gift.events.v1', 0).records[0] ?? log.of('gift.events.v1', 1).records[0])?.value?.toString() ?? '',
    ) as Event<'gift.events.v1'>;
    const place = [0, 1].map((n) => log.of('gift.events.v1', n)).find(({ records }) => records.length > 0);
    log.write(place as ReturnType<typeof log.of>, 'creator-1', Buffer.from(JSON.stringify(unnumbered)));
    log.seal();
    const report = await reportOf(await bundleOf(log));
    expect(report.findings).toMatchObject([
      { pass: 'journal', code: 'foreign_writer', subject: gift.id },
      { pass: 'schema', code: 'malformed_json', subject: 'award.events.v1/0', position: { offset: '0' } },
    ]);
  });

  test('a number that a relay left out', async () => {
    const log = logWith((it) => {
      it.of('redemption.events.v1', 0).sequence = 7;
      it.of('redemption.events.v1', 1).sequence = 7;
    });
    const adjusted = sealedEvening(NOTARY).of('redemption.events.v1', 1).records.length > 0 ? 'creator-2' : 'creator-1';
    log.append('redemption.events.v1', adjustmentOf(adjusted));
    log.seal();
    const report = await reportOf(await bundleOf(log));
    expect(report.findings).toMatchObject([{ pass: 'offsets', code: 'relay_broken' }]);
    expect(report.findings[0]?.detail).toContain('0 to 6 missing before 7');
  });

  test('a seal whose sums or balances are others, though its key signed it', async () => {
    const log = logWith((it) => it.append('diamond.events.v1', credit));
    const { content } = log.seals[0] as (typeof log.seals)[number];
    const reseal = async (changes: Partial<typeof content>) => {
      log.seals[0] = signSeal({ ...content, ...changes }, NOTARY);
      return found(await reportOf(await bundleOf(log)));
    };
    expect(
      await reseal({ balances: [{ partition: 0, digest: '0'.repeat(64) }, ...content.balances.slice(1)] }),
    ).toEqual(['balances_differ', 'expected_differs']);
    expect(await reseal({ sums: {} })).toContain('sum_differs');
    expect(await reseal({})).toEqual([]);
  });
});

const adjustmentOf = (creatorId: string): Event<'redemption.events.v1'> => {
  const [record] = [0, 1].flatMap((partition) => evening.of('redemption.events.v1', partition).records);
  const { sequence: _, journal: __, ...event } = JSON.parse(record?.value?.toString() ?? '');
  return { ...event, id: 'adjusted-again', subject: creatorId, data: { ...event.data, creatorId } };
};

test('of a thousand bundles that somebody tampered with, a thousand are found', async () => {
  const random = randomOf(20_261_127);
  const bundles = [await bundleOf(evening), await bundleOf(evening, 2), await bundleOf(evening, 2, 3)];
  const missed: string[] = [];
  for (let n = 0; n < 1_000; n++) {
    const { what, lines } = tampered(bundles[n % bundles.length] as string[], random);
    const check = await checkLines(lines, [NOTARY_PUBLIC]);
    if (check instanceof BundleCheck && check.report().verdict === 'proven') missed.push(what);
  }
  expect(missed).toEqual([]);
}, 120_000);
