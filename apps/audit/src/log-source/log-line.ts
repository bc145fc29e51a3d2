import { FlowHalted, type RawRecord } from '@carat/event-log';
import { Time, type Topic, topicNames } from '@carat/events';
import { z } from 'zod';

const Offset = z.union([z.int().min(0), z.string().regex(/^\d{1,18}$/)]).transform(BigInt);

/**
 * One record of a log in a file: a line of JSON. Key, value and headers are text, as all that Carat writes is. Services
 * answer with their records in the same form.
 */
export const LogLine = z.object({
  topic: z.enum(topicNames),
  partition: z.int().min(0).max(9_999),
  offset: Offset,
  key: z.string().nullable(),
  value: z.string().nullable(),
  headers: z.array(z.tuple([z.string(), z.string()])).default([]),
  recordedAt: Time,
});

/** A record, and the partition it stands in. */
export interface PlacedRecord {
  readonly topic: Topic;
  readonly partition: number;
  readonly record: RawRecord;
}

/** A file that is no log: nothing may be concluded from it. */
export class LogFileMalformed extends FlowHalted {
  constructor(line: number, why: string) {
    super(`line ${line} of the file is no record of a log: ${why}`);
  }
}

const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text, 'utf8'));

/**
 * The record that a line holds. Lines count from 1.
 * @throws LogFileMalformed
 */
export function recordOnLine(text: string, line: number): PlacedRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new LogFileMalformed(line, (error as Error).message);
  }
  const parsed = LogLine.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new LogFileMalformed(line, `/${issue?.path.map(String).join('/')}: ${issue?.message}`);
  }
  return placedRecord(parsed.data);
}

/** The record that a parsed line is. */
export function placedRecord({
  topic,
  partition,
  offset,
  key,
  value,
  headers,
  recordedAt,
}: z.output<typeof LogLine>): PlacedRecord {
  const record: RawRecord = {
    offset,
    recordedAtMs: Date.parse(recordedAt),
    key: bytes(key),
    value: bytes(value),
    headers: headers.map(([name, content]) => [name, Buffer.from(content, 'utf8')]),
  };
  return { topic, partition, record };
}
