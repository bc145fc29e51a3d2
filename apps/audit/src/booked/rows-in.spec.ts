import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { redemptionIn } from './rows-in.js';

const stateIn = (text: string): unknown => redemptionIn([...Array<string>(8).fill(''), text]).state;
const OTHERWISE = 'written otherwise than anything writes it';

/** As Postgres writes what is no longer `json`: the order of members is another, and is nothing that is looked at. */
const spaced = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, of]) => `${JSON.stringify(name)}: ${spaced(of)}`)
    .join(', ')}}`;
};
const states = fc.jsonValue({ maxDepth: 4 });

test.prop([states])('a state is as a service or a migration has written it', (state) => {
  const read = JSON.parse(JSON.stringify(state));
  expect(stateIn(JSON.stringify(state))).toEqual(read);
  expect(stateIn(spaced(read))).toEqual(read);
});

test.prop([fc.dictionary(fc.string(), states, { minKeys: 1 }), states])(
  'a state with a member twice, or with any white space more, is written otherwise',
  (state, more) => {
    const text = JSON.stringify(state);
    const [name = ''] = Object.keys(JSON.parse(text));
    const twice = `{${JSON.stringify(name)}:${JSON.stringify(more)},${text.slice(1)}`;
    for (const edited of [twice, ` ${text}`, `${text}\n`, `{ ${text.slice(1)}`])
      expect(stateIn(edited)).toBe(OTHERWISE);
  },
);
