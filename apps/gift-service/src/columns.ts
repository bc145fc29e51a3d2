/**
 * The columns of rows, as `unnest` takes them: the rows of a batch are one statement, whatever their number. Each is
 * written out as the text of an array. Of printable ASCII, which is all that ids, hashes and times hold, JSON quotes
 * and escapes a string just as Postgres reads it, and it does so four times as fast as the driver.
 */
export const columns = <Row>(rows: readonly Row[], ...of: readonly ((row: Row) => string)[]): string[] =>
  of.map((column) => `{${JSON.stringify(rows.map(column)).slice(1, -1)}}`);
