import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { stringify } from 'csv-stringify/sync';

const ROWS_PER_PAGE = 1_000;

/**
 * A list as a CSV file (RFC 4180), written page by page, so that no more than one page of it is ever in memory. It is
 * no snapshot: what changes while it is written may stand in it as it was or as it is. Somebody will open it with a
 * spreadsheet, so a cell that could be read as a formula begins with an apostrophe.
 * @param pageBehind up to `limit` items from behind the last one on; from the first one without it
 * @param cellsOf the cells of an item, by the names of their columns
 */
export async function csvFile<Listed>(
  columns: readonly string[],
  pageBehind: (limit: number, last?: Listed) => Promise<readonly Listed[]>,
  cellsOf: (item: Listed) => object,
): Promise<StreamableFile> {
  const textOf = (items: readonly Listed[], isFirstPage: boolean): string =>
    stringify(items.map(cellsOf), {
      header: isFirstPage,
      columns: [...columns],
      record_delimiter: 'windows',
      escape_formulas: true,
    });
  // Read before the answer begins: what fails here is still answered as a problem.
  const first = await pageBehind(ROWS_PER_PAGE);
  async function* pages(): AsyncGenerator<string> {
    yield textOf(first, true);
    for (let page = first; page.length === ROWS_PER_PAGE; ) {
      page = await pageBehind(ROWS_PER_PAGE, page.at(-1));
      if (page.length > 0) yield textOf(page, false);
    }
  }
  return new StreamableFile(Readable.from(pages(), { objectMode: false }), { type: 'text/csv; charset=utf-8' });
}
