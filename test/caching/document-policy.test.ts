import { type GraphQLSchema, parse, validateSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createCachePolicies } from '../../src/caching/document-policy.ts';
import { build } from '../pothos/tiny-builder.ts';

const publicFor = (maxAgeSeconds: number) => ({ maxAgeSeconds, scope: 'public' as const });

/** Books that all may see, shelves that each owner sees, notes of which nobody has thought, and what is guarded. */
function librarySchema(): GraphQLSchema {
  return build((builder) => {
    const Named = builder.interfaceRef<object>('Named').implement({
      fields: (t) => ({ name: t.string({ resolve: () => '' }) }),
    });
    const Price = builder.objectRef<object>('Price').implement({
      cache: 'parent',
      fields: (t) => ({ amount: t.int({ resolve: () => 1 }) }),
    });
    const Note = builder.objectRef<object>('Note').implement({
      fields: (t) => ({ text: t.string({ resolve: () => '' }) }),
    });
    const Book = builder.objectRef<object>('Book').implement({
      cache: publicFor(60),
      interfaces: [Named],
      fields: (t) => ({
        title: t.string({ resolve: () => '' }),
        stock: t.int({ cache: publicFor(5), resolve: () => 1 }),
        lent: t.boolean({ cache: { maxAgeSeconds: 60 }, resolve: () => true }),
        price: t.field({ type: Price, resolve: () => ({}) }),
        note: t.field({ type: Note, resolve: () => ({}) }),
        // As Pothos' scope-auth plugin has it.
        margin: t.int({ authScopes: {}, resolve: () => 1 }),
      }),
    });
    const Shelf = builder.objectRef<object>('Shelf').implement({
      cache: { maxAgeSeconds: 30, scope: 'private' },
      interfaces: [Named],
      fields: (t) => ({ label: t.string({ resolve: () => '' }) }),
    });
    const Bare = builder.objectRef<object>('Bare').implement({
      interfaces: [Named],
      isTypeOf: () => false,
      fields: (t) => ({ other: t.string({ resolve: () => '' }) }),
    });
    const Found = builder.unionType('Found', { types: [Book, Shelf], resolveType: () => 'Book' });
    const rule = { cache: publicFor(3600) };
    builder.queryFields((t) => ({
      book: t.field({ type: Book, ...rule, resolve: () => ({}) }),
      unsaid: t.field({ type: Book, resolve: () => ({}) }),
      shelf: t.field({ type: Shelf, ...rule, resolve: () => ({}) }),
      named: t.field({ type: Named, ...rule, resolve: () => ({}) }),
      bare: t.field({ type: Bare, ...rule, resolve: () => ({}) }),
      found: t.field({ type: Found, ...rule, resolve: () => ({}) }),
      count: t.int({ ...rule, resolve: () => 1 }),
      books: t.connection(
        { type: Book, ...rule, resolve: () => null },
        {
          name: 'BookConnection',
          fields: (connection) => ({ totalCount: connection.int({ resolve: () => 1 }) }),
        },
        { name: 'BookEdge' },
      ),
    }));
    builder.mutationType({ fields: (t) => ({ touch: t.int({ ...rule, resolve: () => 1 }) }) });
  });
}

const schema = librarySchema();

function policyOf(text: string, operationName?: string) {
  const policy = createCachePolicies(schema)(parse(text), operationName);
  return policy ? `${policy.scope} ${policy.maxAgeSeconds}` : undefined;
}

describe('createCachePolicies()', () => {
  it('is of a schema that is valid', () => {
    expect(validateSchema(schema)).toEqual([]);
  });

  it.each([
    ['what its fields say', '{ count }', 'public 3600'],
    ['what their types say', '{ book { title } }', 'public 60'],
    ['the shortest time', '{ book { title stock } }', 'public 5'],
    ['the shortest time, in another place', '{ count a: book { b: stock } }', 'public 5'],
    ['what it is in, where that is said', '{ book { price { amount } } }', 'public 60'],
    ['private as soon as one part is', '{ book { title } shelf { label } }', 'private 30'],
    ['private where only a time is said', '{ book { lent } }', 'private 60'],
    ['private where somebody must be allowed', '{ book { title margin } }', 'private 60'],
    ['nothing where a field says nothing', '{ count book { note { text } } }', undefined],
    ['nothing where a root field says nothing', '{ unsaid { title } }', undefined],
    ['nothing of the schema itself', '{ count __schema { queryType { name } } }', undefined],
    ['nothing where nobody says anything', '{ __typename }', undefined],
    ['the others beside __typename', '{ __typename book { __typename title } }', 'public 60'],
    [
      'what is on a page',
      '{ books { edges { cursor node { title } } pageInfo { hasNextPage } } }',
      'public 60',
    ],
    ['the page for what it says itself', '{ books { totalCount } }', 'public 3600'],
    ['the strictest of all types of an interface', '{ named { name } }', undefined],
    ['the one type that is asked', '{ named { ... on Book { title } } }', 'public 60'],
    [
      'the strictest of the members of a union',
      '{ found { ... on Book { title } ... on Shelf { label } } }',
      'private 30',
    ],
    ['what is skipped as well', '{ count book @skip(if: true) { stock } }', 'public 5'],
    [
      'what is in fragments',
      '{ ...f } fragment f on Query { book { ...g } } fragment g on Book { stock }',
      'public 5',
    ],
    ['fragments without a type', '{ count ... { ... @include(if: true) { book { stock } } } }', 'public 5'],
    [
      'not what is in fragments of others',
      '{ count } fragment f on Query { unsaid { title } }',
      'public 3600',
    ],
    ['no mutation', 'mutation { touch }', undefined],
  ])('gives %s', (_name, text, policy) => {
    expect(policyOf(text)).toBe(policy);
  });

  it('is of the operation that is named', () => {
    const text = 'query A { count } query B { book { stock } }';
    expect([policyOf(text, 'A'), policyOf(text, 'B'), policyOf(text)]).toEqual([
      'public 3600',
      'public 5',
      undefined,
    ]);
  });

  it('walks fragments that spread each other many times in no time', () => {
    const levels = Array.from(
      { length: 40 },
      (_, at) => `fragment f${at} on Query { ...f${at + 1} ...f${at + 1} }`,
    );
    expect(policyOf(`{ ...f0 } ${levels.join(' ')} fragment f40 on Query { count }`)).toBe('public 3600');
  });

  it('works a policy out once', () => {
    const policies = createCachePolicies(schema);
    const document = parse('{ count }');
    expect(policies(document, null)).toBe(policies(document, undefined));
  });
});
