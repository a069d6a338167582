import { createHash } from 'node:crypto';
import { buildSchema, getOperationAST, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createFindDeprecated } from '../../src/deprecation/deprecated-uses.ts';

const old = '@deprecated(reason: "Use another. Deprecated since 2026-11-01. Removed after 2027-03-01.")';
const older = '@deprecated(reason: "Use another. Deprecated since 2026-01-01. Removed after 2027-06-01.")';

const schema = buildSchema(`
  enum Color { RED ${old} BLUE }
  input Paint { color: Color gloss: Int ${old} below: [Paint!] }
  input Plain { color: Shade }
  enum Shade { LIGHT }
  interface Named { name: String }
  type Thing implements Named { name: String label: String ${old} color(in: Color, old: Int ${older}): Color }
  type Query {
    thing: Thing
    first: Int ${older}
    paint(paint: Paint, paints: [Paint!], color: Color = RED, plain: Plain): Int
    named: Named
  }`);

const find = createFindDeprecated('');

function usesOf(text: string, variables?: Record<string, unknown>, operationName?: string) {
  const document = parse(text);
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new Error('expected an operation');
  return find({ schema, document, operation, variables });
}

const fieldsOf = (...given: Parameters<typeof usesOf>) => usesOf(...given)?.fields;

describe('createFindDeprecated()', () => {
  it.each([
    ['{ thing { name } named { name } __typename }', undefined],
    ['{ thing { label } }', ['Thing.label']],
    ['{ thing { a: label b: label } }', ['Thing.label']],
    ['{ thing { name @include(if: false) label @skip(if: true) } }', ['Thing.label']],
    ['{ named { ... on Thing { label } } }', ['Thing.label']],
    [
      '{ thing { ...Rest } } fragment Rest on Thing { ...More } fragment More on Thing { label }',
      ['Thing.label'],
    ],
    ['{ thing { color(old: 1) } }', ['Thing.color(old:)']],
    ['query ($n: Int) { thing { color(old: $n) } }', ['Thing.color(old:)']],
    ['{ thing { color(in: BLUE) } }', undefined],
    ['{ thing { color(in: RED) } }', ['Color.RED']],
    ['{ paint(paint: { gloss: 1 }) }', ['Paint.gloss']],
    ['{ paint(paints: [{ below: [{ color: RED }] }]) }', ['Color.RED']],
    ['query ($paint: Paint = { gloss: 2 }) { paint(paint: $paint) }', ['Paint.gloss']],
    ['{ first thing { label } }', ['Query.first', 'Thing.label']],
    ['{ paint }', undefined],
  ])('finds what %s names', (text, fields) => {
    expect(fieldsOf(text)).toEqual(fields);
  });

  it('looks at the operation that is run, and at no other fragment', () => {
    const text = `query A { thing { name } } query B { thing { ...Old } } fragment Old on Thing { label }`;
    expect(fieldsOf(text, {}, 'A')).toBeUndefined();
    expect(fieldsOf(text, {}, 'B')).toEqual(['Thing.label']);
  });

  it.each([
    [{ paint: { color: 'BLUE' } }, undefined],
    [{ paint: { color: 'RED' } }, ['Color.RED']],
    [{ paint: { gloss: null } }, ['Paint.gloss']],
    [{ paint: { gloss: undefined } }, undefined],
    [{ paint: null }, undefined],
    [{ paints: [{ gloss: 1 }, { color: 'RED' }] }, ['Paint.gloss', 'Color.RED']],
    [{ paints: { below: { gloss: 1 } } }, ['Paint.gloss']],
    [{ color: 'RED' }, ['Color.RED']],
    [{ color: 'constructor', paint: 5, paints: 'x' }, undefined],
    [{ other: { gloss: 1 } }, undefined],
    [undefined, undefined],
  ])('finds what the variables %j give', (variables, fields) => {
    const text = `query ($paint: Paint, $paints: [Paint!], $color: Color, $plain: Plain) {
      paint(paint: $paint, paints: $paints, color: $color, plain: $plain) }`;
    expect(fieldsOf(text, variables)).toEqual(fields);
  });

  it('adds what variables give to what the document names, for this request alone', () => {
    const document = parse('query Q($paint: Paint) { first paint(paint: $paint) }');
    const operation = getOperationAST(document);
    if (!operation) throw new Error('expected an operation');
    const asked = (variables: object) => find({ schema, document, operation, variables: { ...variables } });
    const before = asked({});
    expect(before?.headers).toEqual({ deprecation: '@1767225600', sunset: 'Tue, 01 Jun 2027 00:00:00 GMT' });
    expect(asked({ paint: { gloss: 1 } })).toEqual({
      document: 'Q',
      fields: ['Query.first', 'Paint.gloss'],
      headers: { deprecation: '@1767225600', sunset: 'Mon, 01 Mar 2027 00:00:00 GMT' },
    });
    // The very same object: nothing is worked out again.
    expect(asked({ paint: {} })).toBe(before);
  });

  it('names a document without a name by its hash', () => {
    const text = '{ first }';
    const digest = createHash('sha256').update(text).digest('hex');
    expect(usesOf(text)?.document).toBe(`sha256:${digest.slice(0, 12)}`);
  });

  it('finds nothing in a schema in which nothing is deprecated', () => {
    const plain = buildSchema('type Query { first: Int }');
    const document = parse('{ first }');
    const operation = getOperationAST(document);
    if (!operation) throw new Error('expected an operation');
    expect(find({ schema: plain, document, operation, variables: {} })).toBeUndefined();
    // The same document under another schema.
    expect(find({ schema, document, operation, variables: {} })?.fields).toEqual(['Query.first']);
  });
});
