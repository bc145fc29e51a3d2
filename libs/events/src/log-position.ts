import { z } from 'zod';
import { type Topic, topicNames } from './topics.js';

/** Where an event stands in the log, as answers over HTTP say it: the offset in decimal, for it may be any 64 bits. */
export const LogPosition = z.object({
  topic: z.enum(topicNames),
  partition: z.int().min(0),
  offset: z.string().regex(/^\d+$/),
});
export type LogPosition = Readonly<z.infer<typeof LogPosition>>;

/** A position as an answer says it. */
export const positionOnAnswer = (position: { topic: Topic; partition: number; offset: bigint }): LogPosition => ({
  ...position,
  offset: String(position.offset),
});
