import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { usedCoordinates } from '../../src/cli/used-coordinates.ts';

const schema = buildSchema(`
  directive @mark(as: Int) on FIELD
  enum Color { RED BLUE }
  input Paint { color: Color gloss: Int below: Paint }
  interface Named { name: String }
  type Thing implements Named { name: String label(in: Color): Color }
  type Other { a: Int }
  union Either = Thing | Other
  type Query { thing: Thing either: Either paint(paint: Paint, color: Color): Int }`);

function coordinatesOf(text: string): readonly string[] {
  return [...usedCoordinates(schema, parse(text))].sort();
}

describe('usedCoordinates()', () => {
  it.each([
    ['{ thing { name } }', ['Query', 'Query.thing', 'String', 'Thing', 'Thing.name']],
    [
      '{ thing { label(in: RED) @mark(as: 1) } }',
      [
        '@mark',
        '@mark(as:)',
        'Color',
        'Color.RED',
        'Int',
        'Query',
        'Query.thing',
        'Thing',
        'Thing.label',
        'Thing.label(in:)',
      ],
    ],
    [
      '{ paint(paint: { gloss: 1 }) }',
      ['Int', 'Paint', 'Paint.gloss', 'Query', 'Query.paint', 'Query.paint(paint:)'],
    ],
    [
      'query ($paint: Paint) { paint(paint: $paint) }',
      [
        'Color',
        'Color.BLUE',
        'Color.RED',
        'Int',
        'Paint',
        'Paint.below',
        'Paint.color',
        'Paint.gloss',
        'Query',
        'Query.paint',
        'Query.paint(paint:)',
      ],
    ],
    [
      '{ either { ... on Other { __typename } } }',
      ['<meta>.__typename', 'Either', 'Other', 'Query', 'Query.either', 'String'],
    ],
    ['{ gone { name } thing { gone } }', ['Query', 'Query.thing', 'Thing']],
  ])('finds all that %s may use', (text, coordinates) => {
    expect(coordinatesOf(text)).toEqual(coordinates);
  });

  it('looks at every operation and fragment', () => {
    const used = coordinatesOf(
      'query A { thing { ...F } } query B { either { __typename } } fragment F on Named { name }',
    );
    expect(used).toEqual(expect.arrayContaining(['Named', 'Named.name', 'Query.thing', 'Query.either']));
    expect(used).not.toContain('Thing.name');
  });
});
