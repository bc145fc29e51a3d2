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

/** How far one partition counts: every record before `nextOffset`, and none from there on. */
export interface Reach {
  readonly topic: Topic;
  readonly partition: number;
  readonly nextOffset: bigint;
}

const REACH = /^([a-z.0-9]+)\/(\d{1,4}):(\d{1,18})$/;
const isTopic = (name: string): name is Topic => topicNames.includes(name as Topic);

/** `diamond.events.v1/3:1500,award.events.v1/3:0`, each partition at most once; undefined for anything else. */
export function reachesIn(text: string): readonly Reach[] | undefined {
  const reaches: Reach[] = [];
  for (const part of text.split(',')) {
    const [, topic = '', partition, nextOffset] = REACH.exec(part) ?? [];
    if (!isTopic(topic) || partition === undefined || nextOffset === undefined) return undefined;
    reaches.push({ topic, partition: Number(partition), nextOffset: BigInt(nextOffset) });
  }
  const places = new Set(reaches.map(({ topic, partition }) => `${topic}/${partition}`));
  return places.size === reaches.length ? reaches : undefined;
}

/** What `reachesIn` reads. */
export const textOfReaches = (reaches: readonly Reach[]): string =>
  reaches.map(({ topic, partition, nextOffset }) => `${topic}/${partition}:${nextOffset}`).join(',');
