import type { KeyObject } from 'node:crypto';
import { FlowHalted } from '@carat/event-log';
import { Malformed, readBundleLine } from '../bundle/bundle-line.js';
import { BundleCheck } from './bundle-check.js';
import { type UnreadFile, unread } from './bundle-report.js';
import { LineTooLong } from './lines-in.js';
import { CannotGoOn } from './sealed-intervals.js';

/** The bytes of a bundle are not those that were signed. */
export class BytesDiffer extends Error {}

/**
 * Checks the lines of a bundle as far as they can be read. `keys`: whoever is trusted to seal.
 * @throws only what is wrong with the program or the machine, and not with the bundle
 */
export async function checkLines(
  lines: AsyncIterable<string> | Iterable<string>,
  keys: readonly KeyObject[],
): Promise<BundleCheck | UnreadFile> {
  let check: BundleCheck | undefined;
  let line = 0;
  try {
    for await (const text of lines) {
      line += 1;
      const read = readBundleLine(text);
      if (check !== undefined) check.take(read);
      else if (read.kind === 'manifest') check = new BundleCheck(read, keys);
      else return unread('incomplete', 'bundle_malformed', 'line 1 is no manifest');
    }
    check?.end();
  } catch (error) {
    const { code, detail } = reasonOf(error);
    if (check === undefined) return unread('incomplete', code, `line ${line}: ${detail}`);
    check.stop(code, `line ${line}: ${detail}`);
  }
  return check ?? unread('incomplete', 'bundle_malformed', 'it holds nothing');
}

/** Why no more can be read. */
function reasonOf(error: unknown): { readonly code: string; readonly detail: string } {
  if (error instanceof CannotGoOn) return { code: error.code, detail: error.message };
  if (error instanceof BytesDiffer) return { code: 'bytes_differ', detail: error.message };
  const { code, message } = error as { code?: unknown; message: string };
  const isOfTheBundle = error instanceof Malformed || error instanceof LineTooLong || error instanceof FlowHalted;
  // What zlib says of bytes that are no gzip.
  if (isOfTheBundle || String(code).startsWith('Z_')) return { code: 'bundle_malformed', detail: message };
  throw error;
}
