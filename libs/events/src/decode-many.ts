import { asWritten } from './as-written.js';
import { type Decoded, decode, schemaOf } from './decode.js';
import { type Event, isUpstream, type Topic } from './topics.js';

interface Reader {
  readonly topic: Topic;
  readonly read: (text: string) => object | undefined;
}

const TYPE = '"type":"';

/**
 * Decodes very many events of our own topics. It answers what `decode` does, and is faster with an event whose bytes
 * are those that Carat writes: one expression for each type says that it is all that its schema asks for, and what its
 * members are. Everything else is left to `decode`.
 */
export class ManyEvents {
  private readonly readers = new Map<string, Reader>();

  decode<T extends Topic>(topic: T, value: Buffer | null): Decoded<T> {
    // Requests are completed while they are decoded, and some of what they must not be has no JSON Schema.
    const event = value === null || isUpstream(topic) ? undefined : this.asWritten(topic, value);
    return event === undefined ? decode(topic, value) : { event: event as Event<T> };
  }

  private asWritten(topic: Topic, value: Buffer): object | undefined {
    // Of what is not ASCII each byte would be a character, and none of them is in any expression.
    const text = value.toString('latin1');
    const from = text.indexOf(TYPE) + TYPE.length;
    const type = text.slice(from, text.indexOf('"', from));
    const reader = this.readers.get(type) ?? this.readerOf(topic, type);
    return reader?.topic === topic ? reader.read(text) : undefined;
  }

  private readerOf(topic: Topic, type: string): Reader | undefined {
    const schema = schemaOf(topic, type);
    if (schema === undefined) return undefined;
    const reader = { topic, read: asWritten(schema) };
    this.readers.set(type, reader);
    return reader;
  }
}
