import { decode, isUuid } from '@carat/events';
import { laneTopics } from '../lanes/lane-task.js';
import type { Findings } from '../verify/findings.js';
import { appendedTopics, type FiledRow } from './journaled-rows.js';

/** Names the rows of a journal that are filed under another id than that of their event. */
export async function nameMisfiled(rows: AsyncIterable<readonly FiledRow[]>, findings: Findings): Promise<void> {
  for await (const some of rows)
    for (const row of some) {
      const { topic, partition, offset } = row;
      const wrong = misfiled(row);
      if (wrong !== undefined)
        findings.add('schema', 'row_misfiled', `${topic}/${partition}/${offset}`, wrong, { topic, partition, offset });
    }
}

/**
 * In what a row is filed otherwise than a journal files it: what is appended under the id of its event, all else under
 * that or none. Undefined where it is not, and where nobody can read the record, which is found by itself.
 */
export function misfiled({ topic, eventId, value }: FiledRow): string | undefined {
  const decoded = laneTopics.includes(topic) ? decode(topic, value) : undefined;
  if (decoded !== undefined && !('event' in decoded)) return undefined;
  if (eventId === undefined && !appendedTopics.includes(topic)) return undefined;
  const id = decoded?.event.id;
  const due = id !== undefined && isUuid(id) ? id : undefined;
  return eventId === due ? undefined : `it is filed under ${eventId ?? 'no id'}, due is ${due ?? 'none'}`;
}
