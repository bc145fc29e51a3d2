import type { FieldError } from './problems.js';

/** What every Standard Schema says of a value it refuses; zod adds a code. */
interface Issue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string;
  /** Of zod's `unrecognized_keys`: members that are not of the schema. */
  readonly keys?: readonly string[];
}

// A body of a megabyte can be wrong in a hundred thousand places. Nobody reads more than these.
const MOST_ERRORS = 20;

const escaped = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === 'object' ? segment.key : segment)
    .replaceAll('~', '~0')
    .replaceAll('/', '~1');

/** Each unknown member is a wrong field of its own. */
const onePerField = ({ path = [], code = 'invalid', keys }: Issue) =>
  code === 'unrecognized_keys' && keys !== undefined
    ? keys.map((key) => ({ path: [...path, key], code }))
    : [{ path, code }];

/** Issues as JSON pointers (RFC 6901) with codes; `parameter` names the path or query parameter they are about. */
export const fieldErrors = (issues: readonly Issue[], parameter?: string): FieldError[] =>
  issues
    .flatMap(onePerField)
    .slice(0, MOST_ERRORS)
    .map(({ path, code }) => ({
      pointer: [...(parameter === undefined ? [] : [parameter]), ...path].map((part) => `/${escaped(part)}`).join(''),
      code,
    }));
