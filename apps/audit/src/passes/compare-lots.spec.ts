import { fc, test } from '@fast-check/jest';
import { expect, test as plain } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import { type BookedLot, compareLots } from './compare-lots.flow.js';
import { Lots } from './lots.js';

interface Lot extends Omit<BookedLot, 'coins' | 'left'> {
  readonly coins: number;
  readonly spent: number;
}

const lot: fc.Arbitrary<Lot> = fc.record({
  source: fc.constantFrom('/live-platform', '/shop'),
  purchaseId: fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }),
  viewerId: fc.constantFrom('viewer-1', 'viewer-2'),
  coins: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  spent: fc.nat(Number.MAX_SAFE_INTEGER),
  isRefunded: fc.boolean(),
});
const lots = fc.uniqueArray(lot, {
  minLength: 1,
  maxLength: 20,
  selector: ({ source, purchaseId }) => `${source} ${purchaseId}`,
});

const leftOf = ({ coins, spent }: Lot): number => coins - Math.min(spent, coins);

/** What a log gives that bought, spent and refunded these, seen by two readers. */
function given(all: readonly Lot[]): Lots {
  const [gifts, purchases] = [new Lots(), new Lots()];
  for (const each of all) {
    gifts.add(each, 'spent', Math.min(each.spent, each.coins));
    purchases.bought(each, each.viewerId, each.coins);
    if (each.isRefunded) purchases.refund(each, leftOf(each), each.coins - leftOf(each));
  }
  gifts.merge(purchases.told());
  return gifts;
}

const rowOf = (of: Lot): BookedLot => ({
  ...{ source: of.source, purchaseId: of.purchaseId, viewerId: of.viewerId },
  ...{ coins: BigInt(of.coins), left: of.isRefunded ? 0n : BigInt(leftOf(of)), isRefunded: of.isRefunded },
});

async function found(all: readonly Lot[], rows: readonly BookedLot[]): Promise<string[]> {
  const findings = new Findings();
  async function* booked() {
    for (const row of rows) yield [row];
  }
  await compareLots(booked(), given(all), findings);
  return findings.of('coins').named.map(({ code, subject, detail }) => `${code} ${subject}: ${detail}`);
}

test.prop([lots])('rows that are what the log gives are no findings', async (all) => {
  expect(await found(all, all.map(rowOf).reverse())).toEqual([]);
});

const edits: readonly (readonly [string, (row: BookedLot) => BookedLot])[] = [
  ['coins', (row) => ({ ...row, coins: row.coins + 1n })],
  ['left', (row) => ({ ...row, left: row.left + 1n })],
  ['isRefunded', (row) => ({ ...row, isRefunded: !row.isRefunded })],
  ['it is not viewer-3', (row) => ({ ...row, viewerId: 'viewer-3' })],
];

test.prop([lots, fc.nat(), fc.constantFrom(...edits)])(
  'one that is edited is named',
  async (all, nth, [what, edit]) => {
    const rows = all.map(rowOf);
    const row = rows[nth % rows.length] as BookedLot;
    const edited = await found(all, [...rows.filter((each) => each !== row), edit(row)]);
    expect(edited).toHaveLength(1);
    expect(edited[0]).toContain(`lot_differs ${row.source} ${row.purchaseId}: ${what}`);
  },
);

plain('one that is missing, and one that nobody has bought, are named', async () => {
  const bought = { source: '/shop', purchaseId: 'p', viewerId: 'viewer-1', coins: 5, spent: 0, isRefunded: false };
  const [row, other] = [rowOf(bought), rowOf({ ...bought, purchaseId: 'q' })];
  expect(await found([bought], [])).toEqual(['lot_missing /shop p: it was bought, and has no row']);
  expect(await found([bought], [row, other])).toEqual([
    'lot_without_purchase /shop q: 5 coins: nobody has bought them',
  ]);
});
