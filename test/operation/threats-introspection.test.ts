import { buildSchema, getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { codesOf, openTinyGateway } from '../kit/tiny-gateway.ts';

/** Threats to what the schema tells of itself by their numbers: 18 and 19. */
const schema = buildSchema(`
  type Query { product(shade: Shade, filter: Filter, name: String): Product }
  type Product { title: String }
  enum Shade { CRIMSON }
  input Filter { title: String, owner: Owner }
  input Owner { surname: String }`);
const production = {
  environment: { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: 'a-secret-of-our-own-that-is-long-enough' },
};
const documents = { allow: 'any' } as const;

/** Names that are nearly right, by what they are of. */
const probes: readonly (readonly [string, string, object?])[] = [
  ['a field of the root', '{ produkt { title } }'],
  ['a field', '{ product { titel } }'],
  ['an argument', '{ product(shad: CRIMSON) { title } }'],
  ['an enum value', '{ product(shade: CRIMSEN) { title } }'],
  ['an enum value in a variable', 'query ($s: Shade) { product(shade: $s) { title } }', { s: 'CRIMSEN' }],
  ['an input field', '{ product(filter: { titel: "x" }) { title } }'],
  ['an input field within one', '{ product(filter: { owner: { surnam: "x" } }) { title } }'],
  [
    'an input field in a variable',
    'query ($f: Filter) { product(filter: $f) { title } }',
    { f: { owner: { surnam: 'x' } } },
  ],
  ['a type of a fragment', '{ product { ... on Produkt { title } } }'],
  ['a type of a variable', 'query ($f: Filtre) { product(filter: $f) { title } }'],
  ['a directive', '{ product @skib(if: true) { title } }'],
  ['an argument of a directive', '{ product @skip(iff: true) { title } }'],
  ['a field of what is told of the schema', '{ __typenam }'],
];

describe('a name that is nearly right', () => {
  const rows = probes.map(([of, query, variables]) => [of, query, variables] as const);
  it.each(rows)('18: of %s brings no other to light in production', async (_of, query, variables) => {
    await using tiny = await openTinyGateway({ schema, documents }, production);
    const answer = await tiny.ask(query, variables);
    expect(answer.status).toBe(400);
    const told = JSON.stringify(answer.json.errors?.map(({ message }) => message));
    expect(told).not.toMatch(/did you mean/i);
    // Of what was not asked for nothing is named.
    for (const name of ['CRIMSON', 'surname']) if (!query.includes(name)) expect(told).not.toContain(name);
  });

  it('18: does outside production, where it helps', async () => {
    await using tiny = await openTinyGateway({ schema });
    const told = await Promise.all(
      probes.map(async ([, query, variables]) => (await tiny.ask(query, variables)).text),
    );
    expect(told.filter((text) => /did you mean/i.test(text)).length).toBeGreaterThan(8);
  });
});

describe('what asks for the schema', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['in full', getIntrospectionQuery()],
    ['in part', '{ __type(name: "Product") { name } }'],
    ['by an alias', '{ product: __schema { types { name } } }'],
    ['through a fragment', '{ ...f } fragment f on Query { __schema { types { name } } }'],
    ['through an inline fragment', '{ ... { ... on Query { __type(name: "Shade") { name } } } }'],
    ['beside a field', '{ product { title } __schema { queryType { name } } }'],
    ['under a condition', 'query ($s: Boolean = true) { __schema @include(if: $s) { queryType { name } } }'],
    ['of an operation that is not meant', 'query b { __schema { queryType { name } } }'],
  ];

  it.each(ways)('19: %s is told nothing in production', async (_how, query) => {
    await using tiny = await openTinyGateway({ schema, documents }, production);
    const answer = await tiny.ask(query);
    expect([answer.status, codesOf(answer)]).toEqual([400, ['GRAPHQL_VALIDATION_FAILED']]);
    expect(answer.json.data).toBeUndefined();
    await using open = await openTinyGateway({ schema });
    expect((await open.ask(query)).status).toBe(200); // outside, where it is on
  });

  it('19: by __typename is answered always', async () => {
    await using tiny = await openTinyGateway({ schema, documents }, production);
    expect((await tiny.ask('{ __typename product { __typename } }')).json).toEqual({
      data: { __typename: 'Query', product: null },
    });
  });
});
