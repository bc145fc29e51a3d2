import { ApiKeys } from '@carat/http-edge';
import type { DataSource } from 'typeorm';

/**
 * Makes a key as `carat keys create` does, which is tested by itself: a process for each would take longer than what is
 * done with the key.
 */
export async function createKey(
  db: DataSource,
  role: 'operator' | 'approver' | 'auditor',
  principal: string,
): Promise<string> {
  return (await new ApiKeys(db).create({ role, principal })).key;
}

/** The key of an upstream source. */
export const createPublisherKey = async (db: DataSource, source: string): Promise<string> =>
  (await new ApiKeys(db).create({ role: 'publisher', principal: source, source })).key;
