import { z } from 'zod';
import { derivedUuid } from './derived-id.js';
import { Id, Time } from './fields.js';

/**
 * CloudEvents 1.0, structured mode, with Carat's extensions. A record's whole value (contract: topics and events).
 * Members are in the order in which they are written: a relay puts its own in front of what is there.
 */
const head = {
  /** Where relayed: the offset in the journal, in decimal, and which journal that is. */
  sequence: z
    .string()
    .regex(/^\d{1,19}$/)
    .optional(),
  journal: Id.optional(),
  specversion: z.literal('1.0'),
  id: Id,
};
const about = {
  source: Id,
  subject: z.string().optional(),
  time: Time,
  traceparent: z.string().optional(),
  /** The event that caused this one: its source and id. */
  causationsource: Id.optional(),
  causationid: Id.optional(),
};

/** The schema of one event type. */
export const eventSchema = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({ ...head, type: z.literal(type), ...about, data }).meta({ title: type });

/** The one header Carat writes; readers do not require it. */
export const CONTENT_TYPE = 'application/cloudevents+json';

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** W3C Trace Context. Anything else that upstream put there decides nothing and is not carried on. */
export const isTraceparent = (text: string | undefined): text is string => text !== undefined && TRACEPARENT.test(text);

interface Causation {
  readonly source: string;
  readonly id: string;
  readonly time: string;
  readonly traceparent?: string | undefined;
}

interface Caused<Type extends string, Data> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly type: Type;
  readonly source: string;
  readonly subject: string;
  readonly time: string;
  readonly traceparent?: string;
  readonly causationsource: string;
  readonly causationid: string;
  readonly data: Data;
}

// As `Date` writes a time: what is written so needs not be written anew.
const AS_WRITTEN = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{3}Z$/;
const inUtc = (time: string): string => (AS_WRITTEN.test(time) ? time : new Date(time).toISOString());

/**
 * The event that follows from a cause. It takes the cause's time, so nothing here reads a clock (law 4), and an id
 * derived from the cause's identity, the type and the ordinal, unless the rules give it one (`id`).
 */
export function caused<const Type extends string, Data>(
  cause: Causation,
  event: { type: Type; source: string; subject: string; data: Data; id?: string; ordinal?: number; time?: string },
): Caused<Type, Data> {
  const time = inUtc(event.time ?? cause.time);
  return {
    specversion: '1.0',
    id: event.id ?? derivedUuid(Date.parse(time), cause.source, cause.id, event.type, String(event.ordinal ?? 0)),
    type: event.type,
    source: event.source,
    subject: event.subject,
    time,
    ...(isTraceparent(cause.traceparent) ? { traceparent: cause.traceparent } : {}),
    causationsource: cause.source,
    causationid: cause.id,
    data: event.data,
  };
}
