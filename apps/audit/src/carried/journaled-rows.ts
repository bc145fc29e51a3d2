import type { Position } from '@carat/event-log';
import { isUpstream, type Topic } from '@carat/events';
import { bagOfRows } from '../booked/fingerprint.js';
import { carriedTopics, laneTopics } from '../lanes/lane-task.js';
import { hashOfJournaled } from './carried.js';

const isOneOf = (topics: readonly Topic[]): string => `topic IN (${topics.map((topic) => `'${topic}'`).join(', ')})`;

/**
 * Topics whose events nobody but Carat's services appends: each row is filed under the id of its event. Awards are
 * decided elsewhere and published, under no id.
 */
export const appendedTopics: readonly Topic[] = laneTopics.filter(
  (topic) => !isUpstream(topic) && topic !== 'award.events.v1',
);

// Place by place: each is one look into the index of a table of millions.
export const UNREAD_ROWS = `
  WITH RECURSIVE place (topic, part) AS (
    (SELECT topic, part FROM journal.log_record ORDER BY topic, part LIMIT 1)
    UNION ALL
    SELECT next.topic, next.part FROM place CROSS JOIN LATERAL (
      SELECT topic, part FROM journal.log_record r WHERE (r.topic, r.part) > (place.topic, place.part)
      ORDER BY topic, part LIMIT 1) next
  )
  SELECT topic || '/' || part FROM place p LEFT JOIN journal.log_head h USING (topic, part) WHERE EXISTS (
    SELECT FROM journal.log_record r WHERE r.topic = p.topic AND r.part = p.part AND r."offset" >= coalesce(h.next, 0)
  ) OR EXISTS (
    SELECT FROM journal.log_record r WHERE r.topic = p.topic AND r.part = p.part AND r."offset" < 0)`;

// In the order in which they lie: whoever asks for rows by offset sees every page of the table a dozen times.
// (OFFSET 0: else a row is hashed anew for each byte.)
/** The bag of the rows of each partition that a relay carries. @param key of the run */
export const journaledBags = (key: string): string => `
  SELECT topic || '/' || part, ${bagOfRows('hash')} FROM (
    SELECT topic, part, ${hashOfJournaled(key)} AS hash FROM journal.log_record
    WHERE ${isOneOf(carriedTopics)} OFFSET 0
  ) hashed GROUP BY topic, part`;

// Nearly all events begin with their id. What does not is looked into by itself.
export const FILED_OTHERWISE = `
  SELECT topic, part, "offset"::text, event_id::text, encode(value, 'base64') FROM journal.log_record
  WHERE CASE WHEN event_id IS NULL OR value IS NULL THEN event_id IS NOT NULL OR ${isOneOf(appendedTopics)}
    ELSE position(convert_to('"id":"' || event_id || '"', 'UTF8') IN substring(value FROM 1 FOR 100)) = 0 END`;

/** A row of the journal, and the id that it is filed under. */
export interface FiledRow extends Position {
  readonly eventId: string | undefined;
  readonly value: Buffer | null;
}
