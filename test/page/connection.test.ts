import { buildSchema, graphql } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type ConnectionOptions, createConnection } from '../../src/page/connection.ts';
import type { PageRequest } from '../../src/page/page.ts';

interface Row {
  readonly name: string;
}

function setUp(
  names: string,
  page: Partial<PageRequest> = {},
  around: { before?: boolean; after?: boolean } = {},
) {
  const encoded: string[] = [];
  const options: ConnectionOptions<Row> = {
    page: { direction: 'forward', size: 3, after: null, before: null, offset: 0, ...page },
    rows: [...names].map((name) => ({ name })),
    positions: [...names].map((name) => `at ${name}`),
    hasBefore: around.before ?? false,
    hasAfter: around.after ?? false,
    encode: (position) => {
      encoded.push(position);
      return `cursor ${position}`;
    },
  };
  return { options, encoded, connection: createConnection(options) };
}

const namesOf = ({ edges }: { edges: readonly { node: Row }[] }) =>
  edges.map(({ node }) => node.name).join('');

describe('createConnection()', () => {
  it('gives each row its own cursor', () => {
    const { connection } = setUp('abc');
    expect(connection.edges.map(({ node, cursor }) => [node.name, cursor])).toEqual([
      ['a', 'cursor at a'],
      ['b', 'cursor at b'],
      ['c', 'cursor at c'],
    ]);
  });

  it('makes no cursor when none is read', () => {
    const { connection, encoded } = setUp('abc');
    namesOf(connection);
    expect(connection.pageInfo.hasNextPage).toBe(false);
    expect(encoded).toEqual([]);
  });

  it('makes the first and the last cursor only when pageInfo is read', () => {
    const { connection, encoded } = setUp('abc');
    expect(connection.pageInfo).toMatchObject({ startCursor: 'cursor at a', endCursor: 'cursor at c' });
    expect(new Set(encoded)).toEqual(new Set(['at a', 'at c']));
  });

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('says what lies around when before is %s and after is %s', (before, after) => {
    for (const direction of ['forward', 'backward'] as const) {
      const { connection } = setUp('abc', { direction }, { before, after });
      expect(connection.pageInfo).toMatchObject({ hasPreviousPage: before, hasNextPage: after });
    }
  });

  it('has no edges and null cursors when there are no rows', () => {
    const { connection } = setUp('', {}, { before: true });
    expect(connection.edges).toEqual([]);
    expect(connection.pageInfo).toMatchObject({
      startCursor: null,
      endCursor: null,
      hasNextPage: false,
      hasPreviousPage: true,
    });
  });

  it.each([
    ['forward', 'ab', 'ab', false, false],
    ['forward', 'abc', 'abc', false, false],
    ['forward', 'abcd', 'abc', false, true],
    ['backward', 'ab', 'ab', false, false],
    ['backward', 'abc', 'abc', false, false],
    ['backward', 'abcd', 'bcd', true, false],
  ] as const)('%s of %s shows %s when the size is 3', (direction, names, shown, previous, next) => {
    const { connection } = setUp(names, { direction });
    expect(namesOf(connection)).toBe(shown);
    expect(connection.edges.at(-1)?.cursor).toBe(`cursor at ${shown.at(-1)}`);
    expect(connection.pageInfo).toMatchObject({ hasPreviousPage: previous, hasNextPage: next });
  });

  it.each([
    ['forward', '', false, false],
    ['forward', 'a', false, true],
    ['backward', '', false, false],
    ['backward', 'a', true, false],
  ] as const)(
    'is empty but knows of a page when the size is 0, %s, of rows "%s"',
    (direction, names, previous, next) => {
      const { connection } = setUp(names, { direction, size: 0 });
      expect(connection.edges).toEqual([]);
      expect(connection.pageInfo).toMatchObject({
        startCursor: null,
        endCursor: null,
        hasPreviousPage: previous,
        hasNextPage: next,
      });
    },
  );

  it('throws when rows and positions differ in number', () => {
    const { options } = setUp('abc');
    expect(() => createConnection({ ...options, positions: ['at a'] })).toThrow('got 1 for 3 rows');
  });

  it('answers the default resolver of GraphQL', async () => {
    const schema = buildSchema(`
      type Query { rows: Rows }
      type Rows { edges: [Edge!]! pageInfo: PageInfo! }
      type Edge { node: Row cursor: String! }
      type Row { name: String }
      type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
    `);
    const source =
      '{ rows { edges { node { name } cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }';
    const { connection } = setUp('ab', {}, { after: true });
    const result = await graphql({ schema, source, rootValue: { rows: connection } });
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      data: {
        rows: {
          edges: [
            { node: { name: 'a' }, cursor: 'cursor at a' },
            { node: { name: 'b' }, cursor: 'cursor at b' },
          ],
          pageInfo: {
            hasNextPage: true,
            hasPreviousPage: false,
            startCursor: 'cursor at a',
            endCursor: 'cursor at b',
          },
        },
      },
    });
  });
});
