import { LONGEST_LINE_BYTES } from '../bundle/bundle-line.js';

/** A line that is longer than any line may be: whoever made it wants memory, not to be read. */
export class LineTooLong extends Error {}

const LINE_FEED = 0x0a;

/**
 * The lines of bytes that come in pieces, without their ends. No more than one line and one piece is ever held.
 * @throws LineTooLong
 */
export async function* linesIn(
  pieces: AsyncIterable<Buffer>,
  longestBytes = LONGEST_LINE_BYTES,
): AsyncGenerator<string> {
  let unfinished: Buffer[] = [];
  let unfinishedBytes = 0;
  const longer = (bytes: number): void => {
    unfinishedBytes += bytes;
    if (unfinishedBytes > longestBytes) throw new LineTooLong(`a line of more than ${longestBytes} bytes`);
  };
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      longer(end - start);
      unfinished.push(piece.subarray(start, end));
      yield Buffer.concat(unfinished).toString('utf8');
      unfinished = [];
      unfinishedBytes = 0;
      start = end + 1;
    }
    longer(piece.length - start);
    if (start < piece.length) unfinished.push(piece.subarray(start));
  }
  if (unfinishedBytes > 0) yield Buffer.concat(unfinished).toString('utf8');
}
