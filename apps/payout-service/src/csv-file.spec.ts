import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { csvFile } from './csv-file.controller.js';

interface Row {
  readonly n: number;
  readonly note: string;
}
const COLUMNS = ['n', 'note'];

/** A list of so many rows, and how many pages of it were asked for. */
function listOf(length: number, note = (n: number) => `note ${n}`) {
  const list = {
    pages: 0,
    async pageBehind(limit: number, last?: Row): Promise<readonly Row[]> {
      list.pages++;
      const from = last === undefined ? 0 : last.n + 1;
      const count = Math.max(Math.min(limit, length - from), 0);
      return Array.from({ length: count }, (_, nth) => ({ n: from + nth, note: note(from + nth) }));
    },
  };
  return list;
}

async function textOf(list: Pick<ReturnType<typeof listOf>, 'pageBehind'>): Promise<string> {
  let text = '';
  for await (const chunk of (await csvFile(COLUMNS, list.pageBehind, (row) => row)).getStream()) text += String(chunk);
  return text;
}

describe('a CSV file', () => {
  test.each([0, 1, 999, 1_000, 1_001, 2_000, 2_001])('of %d rows has each once, and one head', async (length) => {
    const text = await textOf(listOf(length));
    expect(text.startsWith('n,note\r\n')).toBe(true);
    const rows = parse(text, { columns: true }) as Record<string, string>[];
    expect(rows).toEqual(Array.from({ length }, (_, n) => ({ n: `${n}`, note: `note ${n}` })));
  });

  test('has no cell that a spreadsheet would work out, and gives every other text back', async () => {
    const notes = ['=HYPERLINK("http://evil.example")', '+1', '-1', '@SUM(A1)', '\tx', 'a,"b"\r\nc', "'quoted", ''];
    const text = await textOf(listOf(notes.length, (n) => notes[n] ?? ''));
    const cells = (parse(text, { columns: true }) as Record<string, string>[]).map((row) => row['note'] ?? '');
    expect(cells.filter((cell) => /^[=+\-@\t]/.test(cell))).toEqual([]);
    expect(cells).toEqual(notes.map((note) => (/^[=+\-@\t]/.test(note) ? `'${note}` : note)));
  });

  test('is read page by page, as fast as it is taken', async () => {
    const list = listOf(100_000);
    const stream = (await csvFile(COLUMNS, list.pageBehind, (row) => row)).getStream();
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    expect(list.pages).toBeLessThanOrEqual(3);
    stream.destroy();
  });

  test('that cannot be read to its end breaks off: half of it never looks like all of it', async () => {
    const list = listOf(5_000);
    const broken = async (limit: number, last?: Row) => {
      if (list.pages === 2) throw new Error('the database is gone');
      return list.pageBehind(limit, last);
    };
    await expect(textOf({ pageBehind: broken })).rejects.toThrow('the database is gone');
  });

  test('of which not even the first page can be read is no file at all', async () => {
    const gone = () => Promise.reject(new Error('the database is gone'));
    await expect(csvFile(COLUMNS, gone, (row: Row) => row)).rejects.toThrow('the database is gone');
  });
});
