import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { assertListSizes } from '../../src/pothos/assert-list-sizes.ts';
import { build } from './tiny-builder.ts';

const directives = `
  directive @listSize(
    assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
  ) on FIELD_DEFINITION
`;

/** Whatever the schema is built of, the rules are those of the printed directives. */
function check(types: string): void {
  assertListSizes(buildSchema(directives + types));
}

describe('assertListSizes()', () => {
  it.each([
    ['has none', 'type Query { one: Int }'],
    ['has a size', 'type Query { all: [Int] @listSize(assumedSize: 0) }'],
    ['is as long as its parent says', `${page('')} type Query { page: Page ${sized} }`],
    [
      'is as long as all say that give its parent',
      `${page('')} type Query { page: Page ${sized} deep: Deep } type Deep { page: Page! ${sized} }`,
    ],
    [
      "is a page whose size is the gateway's",
      `${page('')} type Query { page(first: Int, last: Int): Page
        @listSize(slicingArguments: ["first", "last"], sizedFields: ["all"], requireOneSlicingArgument: false) }`,
    ],
    ['is unreachable but has a size', `${page('@listSize(assumedSize: 3)')} type Query { one: Int }`],
  ])('lets a schema pass whose list %s', (_what, types) => {
    expect(() => check(types)).not.toThrow();
  });

  it.each([
    ['a list of leaves', 'type Query { all: [Int!]! }', 'Query.all'],
    ['a list of objects', 'type Query { all: [Thing] } type Thing { id: ID }', 'Query.all'],
    ['a list of an interface', `interface Page { all: [Int] } type Query { one: Int }`, 'Page.all'],
    [
      'a list that a subscription gives',
      'type Query { one: Int } type Subscription { all: [Int] }',
      'Subscription.all',
    ],
    ['a list that a mutation gives', 'type Query { one: Int } type Mutation { all: [Int] }', 'Mutation.all'],
    ['a list that nothing leads to', `${page('')} type Query { one: Int }`, 'Page.all'],
  ])('refuses %s without a size', (_what, types, coordinate) => {
    expect(() => check(types)).toThrow(
      `${coordinate} is a list without a size, so no operation with it has a price. Write how long it is at most: "listSize: { assumedSize: 10 }" on the field, or "slicingArguments" with a "maximum".`,
    );
  });

  it('names all who give the parent and do not say how long its list is', () => {
    const types = `interface Any { id: ID } union Either = Page | Query
      type Page implements Any { id: ID all: [Int] }
      type Query { page: Page ${sized} other: Page! any: Any either: Either }`;
    expect(() => check(types)).toThrow(
      `or "sizedFields: ['all']" in the "listSize" of Query.other, Query.any, Query.either.`,
    );
  });

  it('refuses a list of lists', () => {
    expect(() => check('type Query { all: [[Int]!] @listSize(assumedSize: 2) }')).toThrow(
      'Query.all is a list of lists, and only the outer one could have a size: make the inner one a field of an object type.',
    );
  });

  it.each([
    [
      'no list',
      'one: Int @listSize(assumedSize: 2)',
      'expected a list, or "sizedFields" that name the lists.',
    ],
    [
      'a list with sized fields',
      'all: [Page] @listSize(assumedSize: 2, sizedFields: ["all"])',
      'expected no "sizedFields" on a list: its items are not one object.',
    ],
    [
      'a field that is none',
      'page: Page @listSize(assumedSize: 2, sizedFields: ["gone"])',
      'expected "sizedFields" to name lists of Page, got "gone".',
    ],
    [
      'a field that is no list',
      'page: Page @listSize(assumedSize: 2, sizedFields: ["id"])',
      'expected "sizedFields" to name lists of Page, got "id".',
    ],
    [
      'an argument that is none',
      'all: [Int] @listSize(slicingArguments: ["first"])',
      'expected "slicingArguments" to name arguments that are an Int or a list, got "first".',
    ],
    [
      'an argument that is no number',
      'all(first: String): [Int] @listSize(slicingArguments: ["first"])',
      'expected "slicingArguments" to name arguments that are an Int or a list, got "first".',
    ],
    [
      'an assumed size where an argument is required',
      'all(first: Int): [Int] @listSize(slicingArguments: ["first"], assumedSize: 2)',
      'expected "requireOneSlicingArgument: false" where "assumedSize" stands beside "slicingArguments".',
    ],
    [
      'an assumed size where an argument has a default',
      'all(first: Int = 3): [Int] @listSize(slicingArguments: ["first"], assumedSize: 2, requireOneSlicingArgument: false)',
      'expected no "assumedSize" where the slicing argument "first" has a default.',
    ],
    ['neither size nor argument', 'all: [Int] @listSize', 'expected an "assumedSize" or "slicingArguments".'],
    [
      'an argument without a maximum',
      'all(first: Int!): [Int] @listSize(slicingArguments: ["first"])',
      'expected a "maximum" beside "slicingArguments": the most items that may be asked for.',
    ],
  ])('refuses a list size of %s', (_what, field, message) => {
    const types = `${page('@listSize(assumedSize: 3)')} type Query { all: [Int] @listSize(assumedSize: 1) ${field} }`;
    const only = field.startsWith('all') ? types.replace('all: [Int] @listSize(assumedSize: 1) ', '') : types;
    expect(() => check(only)).toThrow(`"listSize": ${message}`);
  });

  it.each<[object, string | undefined]>([
    [{ maximum: 10 }, undefined],
    [{ maximum: 10, assumedSize: 10, requireOneSlicingArgument: false }, undefined],
    [
      { maximum: 10, assumedSize: 11, requireOneSlicingArgument: false },
      'expected at most the "maximum" of 10 items when no slicing argument is given, got 11.',
    ],
    [
      { maximum: 10, requireOneSlicingArgument: false },
      'expected an "assumedSize", or "requireOneSlicingArgument: true": without an argument nothing says how long the list is.',
    ],
  ])('judges %j beside an argument that may be left out', (more, message) => {
    const make = () =>
      build((builder) => {
        builder.queryField('all', (t) =>
          t.intList({
            args: { count: t.arg.int() },
            listSize: { slicingArguments: ['count'], ...more },
            resolve: () => [],
          }),
        );
      });
    if (message) expect(make).toThrow(`Query.all, "listSize": ${message}`);
    else expect(make).not.toThrow();
  });

  it('needs nothing assumed where an argument is always given', () => {
    const make = () =>
      build((builder) => {
        builder.queryField('all', (t) =>
          t.intList({
            args: { count: t.arg.int({ required: true, defaultValue: 3 }) },
            listSize: { slicingArguments: ['count'], requireOneSlicingArgument: false, maximum: 10 },
            resolve: () => [],
          }),
        );
      });
    expect(make).not.toThrow();
  });

  it('is part of every build', () => {
    const forgetful = () =>
      build((builder) => builder.queryField('all', (t) => t.intList({ resolve: () => [] })));
    expect(forgetful).toThrow('Query.all is a list without a size');
  });
});

const sized = '@listSize(assumedSize: 2, sizedFields: ["all"])';

function page(directive: string): string {
  return `type Page { all: [Int] ${directive} id: ID }`;
}
