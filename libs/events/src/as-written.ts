import { z } from 'zod';

// Of JSON Schema what schemas of events have.
interface Schema {
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly oneOf?: readonly Schema[];
}

/**
 * Reads the text of an event whose bytes are those that Carat writes: no white space, members in their order, nothing
 * that JSON writes as an escape, every member known and what the schema says. Undefined for any other text, which may
 * be an event nevertheless.
 * @throws Error for a schema that says what no schema of an event has said so far
 */
export function asWritten(schema: z.ZodType): (text: string) => object | undefined {
  const groups = new Groups();
  const { pattern, source } = groups.read(z.toJSONSchema(schema, { io: 'output', target: 'draft-2020-12' }) as Schema);
  const whole = new RegExp(`^${pattern}$`);
  const made = new Map<number, (m: RegExpExecArray) => object>();
  return (text) => {
    const matched = whole.exec(text);
    if (matched === null) return undefined;
    let there = 0;
    for (let at = 0; at < groups.optional.length; at++)
      if (matched[groups.optional[at] as number] !== undefined) there |= 1 << at;
    let make = made.get(there);
    if (make === undefined) {
      // What has the same members is an object literal, which V8 makes at once.
      make = new Function('m', `return ${source((group) => matched[group] !== undefined)}`) as typeof make & {};
      made.set(there, make);
    }
    return make(matched);
  };
}

interface Read {
  readonly pattern: string;
  /** JavaScript that makes the value of what the groups of `m` have matched. @param isThere which of them have */
  readonly source: (isThere: (group: number) => boolean) => string;
  /** A group that matches whenever the pattern does. */
  readonly group?: number;
}

/** Patterns whose groups are what an event is made of. */
class Groups {
  private count = 0;
  /** Groups by which is told what is there: members that may be absent, alternatives. */
  readonly optional: number[] = [];

  read(schema: Schema): Read {
    if (schema.const !== undefined) return constant(schema.const);
    if (schema.oneOf !== undefined) return this.oneOf(schema.oneOf);
    if (schema.properties !== undefined) return this.members(schema.properties, schema.required ?? []);
    const group = ++this.count;
    if (schema.type === 'string') return { pattern: `"(${charactersOf(schema)})"`, source: () => `m[${group}]`, group };
    const read = schema.type === 'integer' ? '+' : 'JSON.parse';
    return { pattern: `(${patternOf(schema)})`, source: () => `${read}(m[${group}])`, group };
  }

  private oneOf(schemas: readonly Schema[]): Read {
    const alternatives = schemas.map((schema) => this.optionally(() => this.read(schema)));
    return {
      pattern: either(alternatives.map(({ pattern }) => pattern)),
      source: (isThere) => alternatives.find(({ group = 0 }) => isThere(group))?.source(isThere) ?? '',
    };
  }

  private members(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Read {
    const members = Object.entries(properties).map(([name, schema]) => {
      const isRequired = required.includes(name);
      return { name, isRequired, ...(isRequired ? this.read(schema) : this.optionally(() => this.read(schema))) };
    });
    return {
      pattern: objectOf(members),
      source: (isThere) =>
        `{${members
          .filter(({ isRequired, group = 0 }) => isRequired || isThere(group))
          .map(({ name, source }) => `${JSON.stringify(name)}:${source(isThere)}`)
          .join()}}`,
    };
  }

  /** Something by a group of which is told whether it is there: its own, or one that is empty. */
  private optionally(read: () => Read): Read & { readonly group: number } {
    const found = read();
    const { group = ++this.count } = found;
    if (this.optional.push(group) > MOST_OPTIONAL) throw new Error(`more than ${MOST_OPTIONAL} members are optional`);
    return { ...found, pattern: found.group === undefined ? `${found.pattern}()` : found.pattern, group };
  }
}

// Bits of a number.
const MOST_OPTIONAL = 31;

interface Member {
  readonly name: string;
  readonly isRequired: boolean;
  readonly pattern: string;
}

/** An object whose members are in that order. The first of them that has to be there has no comma. */
function objectOf(members: readonly Member[]): string {
  const first = members.findIndex(({ isRequired }) => isRequired);
  if (first < 0) throw new Error('no member is required');
  const inner = members.map(({ name, isRequired, pattern }, at) => {
    const member = `${literal(name)}:${pattern}`;
    if (at < first) return `(?:${member},)?`;
    if (at === first) return member;
    return isRequired ? `,${member}` : `(?:,${member})?`;
  });
  return `{${inner.join('')}}`;
}

/** What is matched as a whole, and parsed. */
function patternOf({ type, items, minItems, propertyNames, additionalProperties = {}, ...schema }: Schema): string {
  if (type === 'integer') return digitsOf(schema);
  if (type === 'boolean') return 'true|false';
  if (items !== undefined) return `\\[${listOf(partOf(items), minItems)}\\]`;
  if (propertyNames !== undefined)
    // The one name that Zod leaves out of a record.
    return `{${listOf(`(?!"__proto__")${partOf(propertyNames)}:${partOf(additionalProperties)}`)}}`;
  if (type === undefined) return SCALAR;
  throw new Error(`nothing is known of ${type}`);
}

/** The pattern of something that is no member of the event itself. */
const partOf = (schema: Schema): string => withoutGroups(new Groups().read(schema).pattern);

const withoutGroups = (pattern: string): string => pattern.replace(/(?<!\\)\((?!\?)/g, '(?:');
const either = (patterns: readonly string[]): string => `(?:${patterns.join('|')})`;
const listOf = (item: string, min = 0): string => `(?:${item}(?:,${item})*)${min === 0 ? '?' : ''}`;

// What stands in a text of JSON for itself: printable ASCII but for the quote and the backslash.
const PLAIN = '[ !#-\\[\\]-~]';
// A number of so many digits is the same in JavaScript.
const NATURAL = '[1-9]\\d{0,14}';
const SCALAR = `(?:"${PLAIN}*"|0|-?${NATURAL}|true|false|null)`;

const ASCII = /^\^\[\\x20-\\x7e\](\{\d+,\d+\})\$$/;
// No text that such a pattern matches has a quote, a backslash, or anything but ASCII.
const HARMLESS = /^\^((?:[\w\-:+,|?()[\]{}]|\\[d.])*)\$$/;
// But for a range across the backslash, as from A to z.
const ACROSS_BACKSLASH = /[(-[]-[_a-}]/;

/** A text, without its quotes. */
function charactersOf({ enum: texts, pattern, minLength = 0, maxLength }: Schema): string {
  if (texts !== undefined) return texts.map(escaped).join('|');
  if (pattern === undefined) return `${PLAIN}{${minLength},${maxLength ?? ''}}`;
  const printable = ASCII.exec(pattern)?.[1];
  if (printable !== undefined) return `${PLAIN}${printable}`;
  const harmless = HARMLESS.exec(pattern)?.[1];
  if (harmless === undefined || ACROSS_BACKSLASH.test(harmless))
    throw new Error(`${pattern} may match what JSON writes otherwise`);
  return `(?:${withoutGroups(harmless)})`;
}

function digitsOf({ minimum, maximum }: Schema): string {
  if (maximum === Number.MAX_SAFE_INTEGER) {
    if (minimum === 1) return NATURAL;
    if (minimum === 0) return `(?:0|${NATURAL})`;
    if (minimum === Number.MIN_SAFE_INTEGER) return `(?:0|-?${NATURAL})`;
  }
  throw new Error(`no pattern is known of numbers from ${minimum} to ${maximum}`);
}

const escaped = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
const literal = (text: string): string => `"${escaped(text)}"`;

const constant = (text: string): Read => ({ pattern: literal(text), source: () => JSON.stringify(text) });
