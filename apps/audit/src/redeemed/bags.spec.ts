import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import { Bags, bagOf } from './bags.js';

type Named = readonly [name: string, text: string];

const bagsOf = (all: readonly Named[], key = 'a key of this run'): Bags => {
  const bags = new Bags(key);
  for (const [name, text] of all) bags.add(name, text);
  return bags;
};

const named = fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 })), { maxLength: 60 });

const inTwoOrders = named.chain((all) =>
  fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
);

describe('bags', () => {
  test.prop([inTwoOrders])('are equal whatever the order, and however they are put together', ([all, shuffled]) => {
    const parts = bagsOf(shuffled.slice(0, 20));
    parts.merge(bagsOf(shuffled.slice(20)).told());
    expect(bagsOf(all).differing(parts)).toEqual(new Set());
  });

  test.prop([named, named])('differ in those bags, and no others, in which something else is', (some, others) => {
    const contents = (all: readonly Named[], bag: number): string[] =>
      all
        .filter(([name]) => bagOf(name) === bag)
        .map((each) => JSON.stringify(each))
        .sort();
    const touched = new Set([...some, ...others].map(([name]) => bagOf(name)));
    const due = [...touched].filter(
      (bag) => JSON.stringify(contents(some, bag)) !== JSON.stringify(contents(others, bag)),
    );
    expect(bagsOf(some).differing(bagsOf(others))).toEqual(new Set(due));
  });

  plain('tell where a name ends and its text begins', () => {
    const texts = Array.from({ length: 100_000 }, (_, end) => String(end));
    const end = texts.find((text) => bagOf(`name${text}`) === bagOf('name')) ?? '';
    expect(end).not.toBe('');
    const differing = bagsOf([[`name${end}`, 'text']]).differing(bagsOf([['name', `${end}text`]]));
    expect(differing).toEqual(new Set([bagOf('name')]));
  });

  plain('what is in them twice is not in them once', () => {
    const once: Named[] = [['name', 'text']];
    expect(bagsOf(once).differing(bagsOf([...once, ...once]))).toEqual(new Set([bagOf('name')]));
  });

  plain('nobody without the key can tell what would look the same', () => {
    expect(bagsOf([['name', 'text']]).told()).not.toEqual(bagsOf([['name', 'text']], 'another key').told());
  });
});
