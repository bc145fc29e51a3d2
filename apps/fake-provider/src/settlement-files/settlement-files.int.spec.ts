import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { ProviderDoors } from '../../test/provider-doors.js';

const DAY_MS = 86_400_000;
const WAITING = `SELECT count(*)::int AS waiting FROM pg_stat_activity
  WHERE datname = current_database() AND wait_event_type = 'Lock'`;

let provider: ProviderDoors;
beforeAll(async () => {
  provider = await ProviderDoors.open();
  await provider.advance(0);
}, 60_000);
afterEach(() => provider.behave({}));
afterAll(() => provider?.close());

type Line = Record<
  'line' | 'provider_reference' | 'payout_id' | 'kind' | 'currency' | 'amount_minor' | 'fee_minor' | 'value_date',
  string
>;

const nowMs = async (): Promise<number> => Date.parse((await provider.send('GET', 'clock')).body.now);
const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

async function textOf(day: string): Promise<string> {
  const { status, body, headers } = await provider.send('GET', `settlement-files/${day}`);
  expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
  return body;
}
const linesOf = async (day: string): Promise<Line[]> => parse(await textOf(day), { columns: true });

/** Goes on to noon of the next day, so that what is asked for now settles on that day. */
async function nextDay(): Promise<string> {
  const now = await nowMs();
  await provider.advance(DAY_MS - (now % DAY_MS) + DAY_MS / 2);
  return dayOf(await nowMs());
}

/** A day on which payouts were paid under a behaviour, which is over. */
async function dayWith(settlementFiles: object, payouts: number): Promise<string> {
  const day = await nextDay();
  await provider.behave({ seed: 11, settlementFiles });
  await Promise.all(Array.from({ length: payouts }, (_, nth) => provider.ask({ amountMinor: 1_000 * (nth + 1) })));
  await provider.advance(DAY_MS);
  return day;
}

/** What the provider itself says of a day, as lines. */
async function truthOf(day: string): Promise<Line[]> {
  const { body } = await provider.send('GET', 'movements');
  const ofDay = body.items.filter(({ at }: { at: string }) => at.startsWith(day));
  return Promise.all(
    ofDay.map(async (it: Record<string, string | number>) => ({
      line: it['line'],
      provider_reference: (await provider.find(String(it['payoutId']))).body.providerReference,
      payout_id: it['payoutId'],
      kind: it['kind'],
      currency: it['currency'],
      amount_minor: String(it['amountMinor']),
      fee_minor: String(it['feeMinor']),
      value_date: day,
    })),
  );
}

describe('a settlement file', () => {
  test('of a calm provider is what moved on that day, by its own clock', async () => {
    const day = await nextDay();
    for (const [method, amountMinor, currency] of [
      ['pm_ok', 123_456, 'USD'],
      ['pm_return', 2 ** 53 - 1, 'EUR'],
      ['pm_fail_late', 500, 'EUR'],
      ['pm_silent', 600, 'EUR'],
    ] as const)
      await provider.ask({ method, amountMinor, currency });
    const after = await nextDay();
    const lines = await linesOf(day);
    expect(lines).toEqual(await truthOf(day));
    expect(
      lines.map(({ kind, currency, amount_minor, fee_minor }) => [kind, currency, amount_minor, fee_minor]),
    ).toEqual([
      ['payout', 'USD', '123456', '148'],
      ['payout', 'EUR', '9007199254740991', '9007199254765'],
    ]);
    // What came back did so a day later.
    await provider.advance(DAY_MS);
    expect(await linesOf(after)).toEqual(await truthOf(after));
    expect((await linesOf(after)).map(({ kind, fee_minor }) => [kind, fee_minor])).toEqual([['return', '0']]);
  });

  test('numbers its lines over all files', async () => {
    const { body } = await provider.send('GET', 'movements');
    const lines = body.items.map(({ line }: { line: string }) => line);
    expect(new Set(lines).size).toBe(lines.length);
    for (const line of lines) expect(line).toMatch(/^L-[1-9]\d*$/);
  });

  test('of a day without a movement has its header alone', async () => {
    for (const day of ['1999-12-31', dayOf((await nowMs()) + 7 * DAY_MS)])
      expect(await textOf(day)).toBe(
        'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date\r\n',
      );
  });

  test('holds what has fallen due, looked at or not', async () => {
    const day = await nextDay();
    await provider.ask({ payoutId: 'rdm_due' });
    // The clock is moved on behind the provider's back, as the wall's is when a process was down.
    await provider.db.query('UPDATE fake_provider.provider SET reads_ms = reads_ms + 5000');
    expect((await linesOf(day)).map(({ payout_id }) => payout_id)).toEqual(['rdm_due']);
  });

  test('says no to what is no day', async () => {
    for (const day of ['2026-02-30', 'today', '2026-1-1', '..%2fclock'])
      expect(await provider.send('GET', `settlement-files/${day}`)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/day' }] },
      });
  });

  test('has no cell that a spreadsheet would work out', async () => {
    const day = await nextDay();
    await provider.ask({ payoutId: '=HYPERLINK("http://evil","x")' });
    await provider.advance(DAY_MS);
    expect((await linesOf(day)).map(({ payout_id }) => payout_id)).toEqual([`'=HYPERLINK("http://evil","x")`]);
    expect((await provider.movements()).at(-1)).toBe('=HYPERLINK("http://evil","x") payout 100 25');
  });
});

describe('a file with breaks', () => {
  const increased = (line: Line, column: 'amount_minor' | 'fee_minor'): Line => ({
    ...line,
    [column]: String(BigInt(line[column]) + 1n),
  });

  test.each([
    ['missingLines', () => []],
    ['duplicateLines', (line: Line) => [line, line]],
    ['wrongAmounts', (line: Line) => [increased(line, 'amount_minor')]],
    ['wrongFees', (line: Line) => [increased(line, 'fee_minor')]],
    [
      'unknownPayouts',
      (line: Line) => {
        const unknown = line.line.replace('L-', 'unknown-');
        return [{ ...line, payout_id: unknown, provider_reference: `fp_${unknown}` }];
      },
    ],
    ['lateLines', () => []],
  ] as const)('%s', async (name, broken) => {
    const day = await dayWith({ [name]: 10_000 }, 5);
    const truth = await truthOf(day);
    expect(truth).toHaveLength(5);
    expect(await linesOf(day)).toEqual(truth.flatMap(broken));
    const next = await linesOf(dayOf(Date.parse(day) + DAY_MS));
    expect(next).toEqual(name === 'lateLines' ? truth : []);
  });

  test('has them in some lines only, the same ones for the same seed', async () => {
    const day = await dayWith({ missingLines: 3_000, wrongAmounts: 3_000 }, 60);
    const truth = new Map((await truthOf(day)).map((line) => [line.line, line.amount_minor]));
    const lines = await linesOf(day);
    const wrong = lines.filter(({ line, amount_minor }) => truth.get(line) !== amount_minor);
    for (const count of [60 - lines.length, wrong.length, lines.length - wrong.length]) {
      expect(count).toBeGreaterThan(5);
      expect(count).toBeLessThan(40);
    }
  });
});

describe('a day that is over', () => {
  test('is the same to the byte for ever, whatever the behaviour is then', async () => {
    const day = await dayWith({ lateLines: 4_000, duplicateLines: 2_000 }, 30);
    const next = dayOf(Date.parse(day) + DAY_MS);
    const text = await textOf(day);
    await provider.advance(DAY_MS);
    const ofNext = await textOf(next);
    for (const settlementFiles of [{}, { missingLines: 10_000 }, { wrongFees: 10_000 }]) {
      await provider.behave({ seed: 12, settlementFiles });
      expect([await textOf(day), await textOf(next)]).toEqual([text, ofNext]);
    }
    const late = parse(ofNext, { columns: true }) as Line[];
    expect(late.length).toBeGreaterThan(3);
    for (const { value_date } of late) expect(value_date).toBe(day);
  });

  test('is decided once, for two who ask at once too', async () => {
    const day = await dayWith({}, 3);
    const lock = provider.db.createQueryRunner();
    const areWaiting = async (count: number) =>
      eventually(async () => {
        const [{ waiting }] = await lock.query(WAITING);
        expect(waiting).toBe(count);
      });
    await lock.startTransaction();
    await lock.query('SELECT 1 FROM fake_provider.movement FOR UPDATE');
    await provider.behave({ settlementFiles: { wrongAmounts: 10_000 } });
    const first = textOf(day);
    await areWaiting(1);
    await provider.behave({ settlementFiles: { wrongFees: 10_000 } });
    const second = textOf(day);
    await areWaiting(2);
    await lock.rollbackTransaction();
    await lock.release();
    expect(await second).toBe(await first);
    expect((await linesOf(day)).map(({ amount_minor }) => amount_minor)).toEqual(['1001', '2001', '3001']);
  });

  test('is decided when it is first asked for, not before', async () => {
    const day = await dayWith({}, 3);
    await provider.behave({ settlementFiles: { missingLines: 10_000 } });
    expect(await linesOf(day)).toEqual([]);
  });

  test('gets no line more, however late a call commits', async () => {
    const day = await dayWith({}, 2);
    const text = await textOf(day);
    // What a call leaves behind that took its time from the clock before the day was over.
    await provider.behave({ delays: { settleMs: 0 } });
    const { body } = await provider.ask();
    await provider.db.query('UPDATE fake_provider.change SET due_ms = due_ms - 86400000 WHERE payout_id = $1', [
      body.payoutId,
    ]);
    await provider.advance(1);
    expect(await provider.statusOf(body.payoutId)).toBe('paid');
    expect(await textOf(day)).toBe(text);
    const today = dayOf(await nowMs());
    expect((await linesOf(today)).map(({ payout_id }) => payout_id)).toContain(body.payoutId);
  });

  test('while it is not, is the file so far', async () => {
    const day = await nextDay();
    const counts: number[] = [];
    for (let payouts = 0; payouts < 3; payouts++) {
      await provider.ask();
      await provider.advance(5_000);
      counts.push((await linesOf(day)).length);
    }
    expect(counts).toEqual([1, 2, 3]);
    await provider.behave({ settlementFiles: { missingLines: 10_000 } });
    expect(await linesOf(day)).toEqual([]);
    await provider.behave({});
    expect(await linesOf(day)).toEqual(await truthOf(day));
  });
});
