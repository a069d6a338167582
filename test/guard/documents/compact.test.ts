import fc from 'fast-check';
import {
  buildSchema,
  type DocumentNode,
  parse,
  print,
  stripIgnoredCharacters,
  validate,
  visit,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { compactDocument } from '../../../src/guard/documents/compact.ts';
import { operations } from '../../kit/generate-operation.ts';

const schema = buildSchema(`
  directive @note(text: String) repeatable on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT
  input Range { from: Int!, to: Int = 10, deep: Range }
  interface Named { name(as: String, in: [Range!]): String, friend(of: ID): Named }
  type Cat implements Named { name(as: String, in: [Range!]): String, friend(of: ID): Cat, size: Int }
  type Dog implements Named { name(as: String, in: [Range!]): String, friend(of: ID): Dog, size: Float }
  type Query { named(where: Range): Named, cat: Cat, dog: Dog }
`);

describe('compactDocument()', () => {
  it.each([
    ['{ a a a }', '{ a }'],
    ['{ a { b } a { c b } }', '{ a { b c } }'],
    ['{ x: a a }', '{ x: a a }'],
    ['{ a a { b } }', '{ a a { b } }'],
    ['{ a(b: 1, c: {d: 1, e: [2]}) a(c: {e: [2], d: 1}, b: 1) }', '{ a(b: 1, c: {d: 1, e: [2]}) }'],
    ['{ a(b: 1) a(b: 2) a(b: [1, 2]) a(b: [2, 1]) }', '{ a(b: 1) a(b: 2) a(b: [1, 2]) a(b: [2, 1]) }'],
    ['{ a @b(c: 1) a @b a @b(c: 1) }', '{ a @b(c: 1) a @b }'],
    ['{ ...b a ...b } fragment b on B { c c }', '{ ...b a } fragment b on B { c }'],
    ['{ a @stream a @stream a @b a @b }', '{ a @stream a @stream a @b }'],
    ['{ ...b @defer ...b @defer }', '{ ...b @defer ...b @defer }'],
    ['{ ... @defer { a } ... @defer { a a } }', '{ ... @defer { a } ... @defer { a } }'],
    ['{ ...b @c ...b }', '{ ...b @c ...b }'],
    ['{ ... { a } a ... @b { a } ... @b { c } }', '{ a ... @b { a c } }'],
    ['{ ... on A { a } ... on B { a } ... on A { b } }', '{ ... on A { a b } ... on B { a } }'],
    ['{ a { ... { b { c } } } a { b { d } } }', '{ a { b { c d } } }'],
    ['query a { a a } mutation { b b } type C { d: D }', 'query a { a } mutation { b } type C { d: D }'],
  ])('makes of %s no more than it says', (text, compact) => {
    expect(textOf(compactDocument(parse(text)))).toBe(stripIgnoredCharacters(compact));
  });

  it('gives a document that is valid where the given one is', () => {
    const verdicts = { valid: 0, invalid: 0 };
    fc.assert(
      fc.property(
        operations(schema, { shape: { repeat: 8, alias: 0.5 } }),
        fc.infiniteStream(fc.nat()),
        (made, random) => {
          const document = withMistakes(parse(made.document), random);
          const isValid = validate(schema, document).length === 0;
          verdicts[isValid ? 'valid' : 'invalid'] += 1;
          expect(validate(schema, compactDocument(document)).length === 0).toBe(isValid);
        },
      ),
      { numRuns: 400 },
    );
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(40);
  }, 120_000);
});

function textOf(document: DocumentNode): string {
  return stripIgnoredCharacters(print(document));
}

/** Names and numbers changed here and there, so that fields collide. */
function withMistakes(document: DocumentNode, random: fc.Stream<number>): DocumentNode {
  const isChosen = () => Number(random.next().value) % 12 === 0;
  return visit(document, {
    Field: (node) => {
      if (!isChosen()) return undefined;
      const name = ['name', 'size', 'friend'][Number(random.next().value) % 3] ?? '';
      return { ...node, name: { ...node.name, value: name } };
    },
    IntValue: (node) => (isChosen() ? { ...node, value: '1' } : undefined),
  });
}
