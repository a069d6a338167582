import { performance } from 'node:perf_hooks';
import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import { maxExactWork } from '../../../src/guard/cost/priced-operation.ts';
import { costDirectives } from '../../kit/cost-directives.ts';

const typeCount = 40;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const each = (count: number, text: (index: number) => string) => numbers(count).map(text).join(' ');

const model = createCostModel(
  buildSchema(`${costDirectives}
    type Query { node: Node, leaf: Int @cost(weight: "1") }
    interface Node { id: ID, self: Node, list(first: Int): [Node] @listSize(slicingArguments: ["first"]) }
    ${each(
      typeCount,
      (index) => `type T${index} implements Node {
        id: ID, self: Node, list(first: Int): [Node] @listSize(slicingArguments: ["first"]), only${index}: Int
      }`,
    )}`),
);

const cpuMs = (work: () => unknown) => {
  const before = performance.now();
  const start = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(start);
  // Its resolution is coarse: time on the clock is no shorter.
  return Math.min((user + system) / 1000, performance.now() - before);
};

/** Documents of about 2,000 tokens that grow without bound when they are written out. */
const hostile: Readonly<Record<string, string>> = {
  'fragments that double at each level': `query ($n: Int) { node { ...F0 } } ${each(
    60,
    (index) =>
      `fragment F${index} on Node { a: list(first: $n) { ...F${index + 1} } b: list(first: $n) { ...F${index + 1} } }`,
  )} fragment F60 on Node { id }`,
  'fragments in diamonds at one level': `{ node { ...F0 } } ${each(
    100,
    (index) => `fragment F${index} on Node { ...F${index + 1} ...F${index + 2} self { id } }`,
  )} fragment F100 on Node { id } fragment F101 on Node { id }`,
  'a large fragment in many places': `query ($n: Int) { ${each(150, (index) => `a${index}: node { ...F }`)} }
    fragment F on Node { ${each(150, (index) => `b${index}: list(first: $n) { id }`)} }`,
  'all object types, with others below each': `query ($n: Int) { node { ${each(
    typeCount,
    (index) =>
      `... on T${index} { l${index}: list(first: $n) { ${each(5, (one) => `... on T${one} { s: self { only: id } }`)} } }`,
  )} } }`,
  'conditions on many variables': `query (${each(20, (index) => `$v${index}: Boolean! = true`)}) {
    node { ${each(120, (index) => `a${index}: self @include(if: $v${index % 20}) { id }`)} }
  }`,
};

describe('compilePrice() on a hostile document', () => {
  it.each(Object.entries(hostile))('bounds the work when there are %s', (_, text) => {
    const document = parse(text);
    const price = () => compilePrice(model, document).estimate({ n: 2 });
    price();
    // The second time: what is measured is no compilation of our own code. On an idle core it takes below 10 ms.
    expect(cpuMs(price)).toBeLessThan(100);
    expect(price().points).toBeGreaterThanOrEqual(1);
    expect(compilePrice(model, document).estimate(null).points).toBeGreaterThanOrEqual(price().points);
  });
});

describe('compilePrice() at the cap of exact work', () => {
  /** Leaves of one name are one field when they are merged, and one each beyond the cap. */
  const repeated = (count: number) => compilePrice(model, parse(`{ ${'leaf '.repeat(count)} }`)).estimate({});

  it('is exact up to the cap', () => {
    expect(repeated(maxExactWork - 1).fieldCost).toBe(1);
    expect(repeated(maxExactWork).fieldCost).toBe(1);
  });

  it('only goes up beyond it', () => {
    expect(repeated(maxExactWork + 1).fieldCost).toBe(maxExactWork + 1);
  });

  it('does not depend on what was asked before', () => {
    const document = parse(`query (${each(7, (index) => `$v${index}: Boolean! = true`)}) {
      ${each(7, (index) => `a${index}: leaf @include(if: $v${index}) b${index}: leaf @skip(if: $v${index})`)}
    }`);
    const plan = compilePrice(model, document);
    const [none, all] = [false, true].map((value) =>
      Object.fromEntries(numbers(7).map((index) => [`v${index}`, value])),
    );
    const ask = () => [
      plan.estimate(null),
      plan.estimate({ ...none, v6: undefined }),
      plan.estimate(all ?? {}),
    ];
    const first = ask().map(({ fieldCost }) => fieldCost);
    expect(ask().map(({ fieldCost }) => fieldCost)).toEqual(first);
    // Seven without a value are more than are tried one by one: both sides of all are taken.
    expect(first).toEqual([14, 7, 7]);
  });
});
