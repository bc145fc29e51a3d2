import { z } from 'zod';
import { Time } from './fields.js';
import { LogPosition } from './log-position.js';

/**
 * One record of the log as answers over HTTP give it, byte for byte: what stands on a line of a log in a file. Key,
 * value and headers are text, as all that Carat writes is.
 */
export const LogRecord = LogPosition.extend({
  recordedAt: Time.meta({ description: 'when the log took it, by its own clock' }),
  key: z.string().nullable(),
  value: z.string().nullable(),
  headers: z.array(z.tuple([z.string(), z.string()])),
});
export type LogRecord = Readonly<z.infer<typeof LogRecord>>;

/** The records that say something. */
export const LogRecords = z.object({ items: z.array(LogRecord) });
export type LogRecords = Readonly<z.infer<typeof LogRecords>>;
