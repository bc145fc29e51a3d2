import { createHash } from 'node:crypto';
import { contentHash, Id } from '@carat/events';
import { z } from 'zod';
import { Problem } from './problems.js';

/** The query of every list: at most `limit` items, going on behind `cursor`. */
export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).meta({ description: 'items per page' }),
  cursor: z.string().max(2048).optional().meta({ description: 'nextCursor of the page before' }),
});
export type PageQuery = z.infer<typeof PageQuery>;

const TAG_BYTES = 12;

/** Binds a position to the filters of its list. No signature: a position grants nothing that the list does not. */
const tagOf = (position: Buffer, filters: object): Buffer =>
  createHash('sha256')
    .update(contentHash('cursor', JSON.parse(JSON.stringify(filters))))
    .update(position)
    .digest()
    .subarray(0, TAG_BYTES);

/** An opaque cursor: where a list of these filters goes on. `position` is the sort key of the last item given. */
export function writeCursor(position: readonly string[], filters: object): string {
  const bytes = Buffer.from(JSON.stringify(position), 'utf8');
  return Buffer.concat([tagOf(bytes, filters), bytes]).toString('base64url');
}

/**
 * The position of a cursor, undefined where there is none. Throws `cursor_invalid` for one that was altered, that is
 * none of ours, or that belongs to a list with other filters.
 */
export function readCursor(cursor: string | undefined, filters: object): string[] | undefined {
  if (cursor === undefined) return undefined;
  const bytes = Buffer.from(cursor, 'base64url');
  const position = bytes.subarray(TAG_BYTES);
  // The decoder skips what it does not know, so only the one spelling that we wrote is taken.
  if (bytes.toString('base64url') !== cursor || !tagOf(position, filters).equals(bytes.subarray(0, TAG_BYTES)))
    throw new Problem('cursor_invalid');
  return positionIn(position.toString('utf8'));
}

// The tag is no signature, so somebody else may have made it over anything.
function positionIn(text: string): string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(text));
  } catch {
    throw new Problem('cursor_invalid');
  }
}

/**
 * The id that a cursor stands at, of a list that is in the order of ids; undefined where there is no cursor.
 * @throws Problem `cursor_invalid`; a cursor is no secret, so what it holds may be anything
 */
export function readIdCursor(cursor: string | undefined, filters: object): string | undefined {
  const position = readCursor(cursor, filters);
  if (position === undefined) return undefined;
  const [id, ...more] = position;
  if (!Id.safeParse(id).success || more.length > 0) throw new Problem('cursor_invalid');
  return id;
}

/**
 * One page of a list: the first `limit` items of what was found behind the cursor, and where it goes on, null where it
 * ends there. Whoever looks asks for one item more than the page has, or for all.
 * @param positionOf the sort key of an item
 */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  positionOf: (item: T) => readonly string[],
  filters: object,
): { items: T[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  const isLastPage = last === undefined || found.length <= limit;
  return { items, nextCursor: isLastPage ? null : writeCursor(positionOf(last), filters) };
}
