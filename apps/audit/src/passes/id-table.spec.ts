import { derivedUuid } from '@carat/events';
import { expect, test } from '@jest/globals';
import { IdTable } from './id-table.js';

const ids = Array.from({ length: 5_000 }, (_, n) => derivedUuid(n % 7, 'id', String(n)));

test.each([0, 100, 5_000])('a table says what a map says, however far it has grown from %d', (expected) => {
  const table = new IdTable(expected);
  const map = new Map<string, number>();
  for (const [n, id] of ids.entries()) {
    expect(table.set(id, n)).toBe(map.get(id));
    map.set(id, n);
    if (n % 3 === 0) {
      expect(table.set(id, -n)).toBe(n);
      map.set(id, -n);
    }
  }
  for (const id of ids) expect(table.add(id, 7)).toBe(map.get(id));
  expect(table.add(derivedUuid(0, 'one more'), 7)).toBeUndefined();
  expect(table.get(derivedUuid(0, 'one more'))).toBe(7);
  for (const id of ids) expect(table.get(id)).toBe(map.get(id));
  expect(table.get(derivedUuid(0, 'another'))).toBeUndefined();
});

test('every hashed digit of an id tells it from others', () => {
  const [id = ''] = ids;
  const table = new IdTable();
  table.set(id, 1);
  for (const at of [20, 21, 22, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35]) {
    const digit = id.charAt(at) === '0' ? '1' : '0';
    expect(table.get(id.slice(0, at) + digit + id.slice(at + 1))).toBeUndefined();
  }
});

test('a table that has given its memory back is an empty one', () => {
  const table = new IdTable(ids.length);
  for (const [n, id] of ids.entries()) table.set(id, n);
  table.release();
  for (const id of ids) expect(table.add(id, 7)).toBeUndefined();
  for (const id of ids) expect(table.get(id)).toBe(7);
});
