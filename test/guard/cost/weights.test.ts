import { buildSchema, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  callsOf,
  hasGatewayPages,
  type ListSize,
  listSizeOf,
  weightOf,
  withGatewayPages,
} from '../../../src/guard/cost/weights.ts';

const pages = { defaultSize: 20, maxSize: 100 };
const page: ListSize = { slicingArguments: ['first', 'last'], requireOneSlicingArgument: false };

/** A field of an SDL that applies the directives. */
function field(directives: string) {
  const schema = buildSchema(`
    directive @cost(weight: String!) on FIELD_DEFINITION
    directive @listSize(
      assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
    ) on FIELD_DEFINITION
    type Query { it: [Int] ${directives} }`);
  const type = schema.getType('Query');
  return (isObjectType(type) && type.getFields()['it']) || {};
}

describe('weightOf()', () => {
  it.each([
    ['@cost(weight: "2.5")', 2.5],
    ['@cost(weight: " -1e2 ")', -100],
    ['', undefined],
  ])('reads %s', (directive, weight) => {
    expect(weightOf(field(directive), 'Query.it')).toBe(weight);
  });

  it('reads what a code-first schema says before its SDL', () => {
    expect(weightOf({ ...field('@cost(weight: "2")'), extensions: { weir: { cost: 0 } } }, 'Query.it')).toBe(
      0,
    );
  });

  it.each(['', 'much', 'NaN', 'Infinity', '1e999'])('throws for "%s"', (weight) => {
    expect(() => weightOf(field(`@cost(weight: "${weight}")`), 'Query.it')).toThrow(
      'Query.it: expected a finite number as its cost, for example @cost(weight: "2.5"), got ',
    );
  });
});

describe('listSizeOf()', () => {
  it.each<[string, ListSize | undefined]>([
    ['', undefined],
    [
      '@listSize(assumedSize: 3)',
      { assumedSize: 3, slicingArguments: [], sizedFields: [], requireOneSlicingArgument: true },
    ],
    [
      '@listSize(slicingArguments: "first", sizedFields: ["a", "b"], requireOneSlicingArgument: false)',
      { slicingArguments: ['first'], sizedFields: ['a', 'b'], requireOneSlicingArgument: false },
    ],
  ])('reads %s', (directive, listSize) => {
    expect(listSizeOf(field(directive), 'Query.it')).toEqual(listSize);
  });

  it.each(['assumedSize', 'maximum', 'defaultSize'])('throws for a "%s" that is no size', (name) => {
    for (const size of [-1, 0.5, Number.NaN]) {
      const wrong = { extensions: { weir: { listSize: { [name]: size } } } };
      expect(() => listSizeOf(wrong, 'Query.it')).toThrow(
        `Query.it: expected "${name}" of its list size to be a whole number from 0, got ${size}.`,
      );
    }
    const none = { extensions: { weir: { listSize: { [name]: 0 } } } };
    expect(listSizeOf(none, 'Query.it')).toEqual({ [name]: 0 });
  });
});

describe('callsOf()', () => {
  it('is empty for a field that makes none', () => {
    expect(callsOf({})).toEqual([]);
    expect(callsOf({ extensions: { weir: 'mine' } })).toEqual([]);
  });
});

describe('hasGatewayPages()', () => {
  it.each<[ListSize, boolean]>([
    [page, true],
    [{ ...page, slicingArguments: ['first'] }, true],
    [{ ...page, sizedFields: ['edges'], maximum: 5 }, true],
    [{ ...page, slicingArguments: ['first', 'limit'] }, false],
    [{ ...page, slicingArguments: [] }, false],
    [{ ...page, assumedSize: 0 }, false],
    [{ slicingArguments: ['first'] }, false],
    [{ assumedSize: 3 }, false],
  ])('says of %j: %s', (listSize, expected) => {
    expect(hasGatewayPages(listSize)).toBe(expected);
    expect(withGatewayPages(listSize, pages) !== listSize).toBe(expected);
  });
});

describe('withGatewayPages()', () => {
  it('adds only what a list has not itself', () => {
    expect(withGatewayPages(page, pages)).toEqual({ ...page, defaultSize: 20, maximum: 100 });
    expect(withGatewayPages({ ...page, maximum: 50 }, pages)).toMatchObject({ defaultSize: 20, maximum: 50 });
    expect(withGatewayPages({ ...page, defaultSize: 1 }, pages)).toMatchObject({
      defaultSize: 1,
      maximum: 100,
    });
  });

  it('changes nothing where the pages are not known', () => {
    expect(withGatewayPages(page, undefined)).toBe(page);
  });
});
