import { definitionOf, topicNames } from '@carat/events';
import { z } from 'zod';

type Schemas = ReadonlyMap<string, Record<string, unknown>>;

let schemas: Schemas | undefined;

/** Every event type with its JSON Schema (2020-12), as this version of Carat reads it. */
export function eventSchemas(): Schemas {
  schemas ??= new Map(
    topicNames
      .flatMap((topic) => definitionOf(topic).events)
      .map((schema) => z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }))
      .map((schema) => [schema.title ?? '', { ...schema }]),
  );
  return schemas;
}
