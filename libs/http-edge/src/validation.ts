import type { FieldError } from './problems.js';

/** What every Standard Schema says of a value it refuses; zod adds a code. */
interface Issue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: string;
}

// A body of a megabyte can be wrong in a hundred thousand places. Nobody reads more than these.
const MOST_ERRORS = 20;

const escaped = (segment: PropertyKey | { readonly key: PropertyKey }): string =>
  String(typeof segment === 'object' ? segment.key : segment)
    .replaceAll('~', '~0')
    .replaceAll('/', '~1');

/** Issues as JSON pointers (RFC 6901) with codes; `parameter` names the path or query parameter they are about. */
export const fieldErrors = (issues: readonly Issue[], parameter?: string): FieldError[] =>
  issues.slice(0, MOST_ERRORS).map(({ path = [], code = 'invalid' }) => ({
    pointer: [...(parameter === undefined ? [] : [parameter]), ...path].map((part) => `/${escaped(part)}`).join(''),
    code,
  }));
