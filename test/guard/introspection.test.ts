import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createIntrospectionErrors } from '../../src/guard/introspection.ts';

const schema = buildSchema('schema { query: Root } type Root { a: Root, b: Int }');
const errorsOf = (query: string) => createIntrospectionErrors()(schema, parse(query)).map(String);

describe('createIntrospectionErrors()', () => {
  it.each([
    ['at the root', '{ __schema { queryType { name } } }'],
    ['of one type', '{ __type(name: "Root") { name } }'],
    ['under an alias', '{ b: __schema { description } }'],
    ['in a fragment', '{ ...F } fragment F on Root { __schema { description } }'],
    ['in an inline fragment', '{ ... on Root { ... { __type(name: "X") { name } } } }'],
    ['in another operation of the document', 'query A { b } query B { __schema { description } }'],
  ])('refuses introspection %s', (_, query) => {
    expect(errorsOf(query)).toHaveLength(1);
  });

  it('says what is said of a field that there is not', () => {
    const [made] = errorsOf('{ __schema }');
    const [real] = validate(schema, parse('{ __schemo }'), undefined, { hideSuggestions: true }).map(String);
    expect(made?.replaceAll('__schema', '__schemo')).toBe(real);
  });

  it.each(['{ a { __typename } }', '{ __schema: b }'])('takes %s', (query) => {
    expect(errorsOf(query)).toEqual([]);
  });

  it('remembers a document', () => {
    const errorsFor = createIntrospectionErrors();
    const document = parse('{ __schema { description } }');
    expect(errorsFor(schema, document)).toEqual(errorsFor(schema, document));
  });
});
