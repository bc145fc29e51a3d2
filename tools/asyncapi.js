// The topics table as an AsyncAPI 3.0 document. Pure: definitions in, a plain object out.
import { z } from 'zod';

/** The event type that a schema describes. */
export const typeOf = (schema) => schema.shape.type.value;

/** Event schemas as AsyncAPI 3.0 reads them by default: JSON Schema draft 7, without its own `$schema`. */
function payloadOf(schema) {
  const { $schema: _draft, ...payload } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return payload;
}

const messageOf = (schema, definition) => ({
  name: typeOf(schema),
  title: typeOf(schema),
  contentType: 'application/cloudevents+json',
  payload: payloadOf(schema),
  bindings: { kafka: { key: { type: 'string', description: keyRule(definition) }, bindingVersion: '0.5.0' } },
});

const keyRule = ({ writer, key }) =>
  writer === 'upstream'
    ? `The ${key}; any key and any partition are taken, the intake re-keys by data.${key}.`
    : `The ${key}, which is also the event's subject. Partition = murmur2(key) mod partitions.`;

const channelOf = (topic, definition) => ({
  address: topic,
  description: `Written by ${definition.writer}. Kept for ever: no finite retention, no compaction.`,
  messages: Object.fromEntries(
    definition.events.map((schema) => [typeOf(schema), { $ref: `#/components/messages/${typeOf(schema)}` }]),
  ),
  bindings: {
    kafka: {
      topic,
      ...(definition.partitions === undefined ? {} : { partitions: definition.partitions }),
      topicConfiguration: {
        'cleanup.policy': ['delete'],
        'retention.ms': -1,
        ...(definition.writer === 'upstream' ? { 'message.timestamp.type': 'LogAppendTime' } : {}),
      },
      bindingVersion: '0.5.0',
    },
  },
});

/** Any record, byte for byte, with the reason why a group could not handle it. */
const deadLetters = {
  address: '{group}.dlq.v1',
  description: 'Records that a consumer group could not handle: key, value and headers byte for byte, and the reason.',
  parameters: { group: { description: 'The consumer group, for example carat.gift.intake.' } },
  messages: { deadLetter: { $ref: '#/components/messages/deadLetter' } },
};

const deadLetter = {
  name: 'deadLetter',
  title: 'A record as it stood, and why it was not handled',
  headers: {
    type: 'object',
    properties: Object.fromEntries(
      [
        ['__dlq.errors.topic', 'where the record stood: topic'],
        ['__dlq.errors.partition', 'partition'],
        ['__dlq.errors.offset', 'offset'],
        ['__dlq.errors.group', 'the group that could not handle it'],
        ['__dlq.errors.message', 'the reason, as a sentence'],
        ['carat-error-class', 'the reason, as a stable code'],
        ['carat-attempts', 'how often it was tried'],
        ['carat-first-failed-at', 'when it first failed, RFC 3339'],
      ].map(([name, description]) => [name, { type: 'string', description }]),
    ),
  },
  payload: { description: 'The original value: any bytes.' },
};

const operationOf = (topic, { writer }) => [
  writer === 'upstream' ? `receive ${topic}` : `send ${topic}`,
  {
    action: writer === 'upstream' ? 'receive' : 'send',
    channel: { $ref: `#/channels/${topic}` },
    summary: writer === 'upstream' ? 'Upstream services write it, Carat takes it in.' : `${writer} writes it.`,
  },
];

/** The AsyncAPI 3.0 document of a topics table. */
export function asyncApiOf(topics) {
  const entries = Object.entries(topics);
  const messages = entries.flatMap(([, definition]) =>
    definition.events.map((schema) => [typeOf(schema), messageOf(schema, definition)]),
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Carat',
      version: '1.0.0',
      description: 'The events of a gift economy, as CloudEvents 1.0 in structured mode. Unknown fields are ignored.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: { ...Object.fromEntries(entries.map(([topic, it]) => [topic, channelOf(topic, it)])), deadLetters },
    operations: Object.fromEntries([
      ...entries.map(([topic, definition]) => operationOf(topic, definition)),
      ['send dead letters', { action: 'send', channel: { $ref: '#/channels/deadLetters' } }],
    ]),
    components: { messages: { ...Object.fromEntries(messages), deadLetter } },
  };
}
