import fc from 'fast-check';
import { buildSchema, Kind, Lexer, parse, Source, TokenKind, visit } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { ShapeLimitName } from '../../../src/guard/shape/limits.ts';
import { excessOfText } from '../../../src/guard/shape/token-guard.ts';
import { operations } from '../../kit/generate-operation.ts';
import { defaultLimits } from './default-limits.ts';

const generous = { ...defaultLimits, maxTokens: 20_000 };

/** A document with `count` of what a bound counts. */
const documents: readonly (readonly [ShapeLimitName, string, (count: number) => string])[] = [
  ['documentMaxLength', 'characters', (count) => `{${' '.repeat(count - 2)}}`],
  ['maxTokens', 'names', (count) => `{${' a'.repeat(count - 2)}}`],
  ['maxTokens', 'numbers with signs', (count) => `{a(b:[1${'-1'.repeat(count - 10)}])}`],
  ['maxTokens', 'comments', (count) => `#{\n${'#"\n'.repeat(count - 4)}{a}`],
  ['maxTokens', 'strings', (count) => `{a(${'"{}"'.repeat(count - 5)})}`],
  ['maxTokens', 'empty strings', (count) => `{a(${'"" '.repeat(count - 5)})}`],
  ['maxTokens', 'block strings', (count) => `{a(${'"""\\"""{{"""'.repeat(count - 5)})}`],
  ['maxTokens', 'line feeds', (count) => `{a}${'\n'.repeat(count)}`],
  ['maxTokens', 'carriage returns', (count) => `{a}${'\r'.repeat(count)}`],
  ['maxTokens', 'characters of no token', (count) => `?\u0000\ud800\u202e${'%'.repeat(count - 4)}`],
  ['nameMaxLength', 'letters', (count) => `{${'a'.repeat(count)}}`],
  ['maxLiteralDepth', 'lists', (count) => `{a(b:${'['.repeat(count)}${']'.repeat(count)})}`],
  ['maxLiteralDepth', 'objects', (count) => `{a(b:${'{c:'.repeat(count)}1${'}'.repeat(count)})}`],
  ['maxLiteralDepth', 'objects in a directive', (count) => `{a @b(c:${'{d:'.repeat(count)}1)}`],
  [
    'maxLiteralDepth',
    'objects of a default',
    (count) => `query($a:B=${'{c:'.repeat(count)}1${'}'.repeat(count)}){a}`,
  ],
  ['maxLiteralDepth', 'lists of a type', (count) => `query($a:${'['.repeat(count)}B`],
  ['maxLiteralDepth', 'lists outside of a selection', (count) => '['.repeat(count)],
  ['maxAliases', 'aliases', (count) => `{${'a:b '.repeat(count)}}`],
  ['maxAliases', 'aliases in a fragment', (count) => `{...c} fragment c on D{${'a:b '.repeat(count)}}`],
  ['maxDirectives', 'directives', (count) => `{a${'@b'.repeat(count)}}`],
  ['maxDirectives', 'directives of an operation', (count) => `query ${'@b'.repeat(count)}{a}`],
  ['maxDirectives', 'directives with variables', (count) => `{a${'@b(c:$d)'.repeat(count)}}`],
  ['maxDirectives', 'directives in a fragment', (count) => `{...c} fragment c on D{a${'@b'.repeat(count)}}`],
  ['maxFragments', 'fragments', (count) => `{a}${'fragment a on B{a}'.repeat(count)}`],
  ['maxFragments', 'fragments called fragment', (count) => 'fragment fragment on fragment{a}'.repeat(count)],
  ['maxFragments', 'fragments behind a comment', (count) => '#}\nfragment a on B{a}'.repeat(count)],
  ['maxVariables', 'variables', (count) => `query(${'$a:B'.repeat(count)}){a(b:$a c:$a)}`],
  [
    'maxVariables',
    'variables of two operations',
    (count) => `query($a:B){a}query(${'$a:B'.repeat(count - 1)}){a}`,
  ],
  ['maxListLength', 'numbers', (count) => `{a(b:[${'1 '.repeat(count)}])}`],
  ['maxListLength', 'names', (count) => `{a(b:[${'A,'.repeat(count)}])}`],
  ['maxListLength', 'variables', (count) => `{a(b:[${'$a,'.repeat(count)}])}`],
  ['maxListLength', 'lists', (count) => `{a(b:[${'[1 2]'.repeat(count)}])}`],
  ['maxListLength', 'objects', (count) => `{a(b:[${'{a:1 b:[] c:$d}'.repeat(count)}])}`],
  ['maxListLength', 'strings within an object', (count) => `{a(b:{c:[${'"]"'.repeat(count)}]})}`],
  ['maxListLength', 'strings of a default', (count) => `query($a:[B!]=[${'"a"'.repeat(count)}]){a}`],
  ['maxListLength', 'strings of an alias', (count) => `{a:b(c:[${'"a"'.repeat(count)}])}`],
];

describe('excessOfText()', () => {
  it.each(documents)('takes as many %s as it may, and not one more: %s', (name, _what, documentOf) => {
    const limits = { ...generous, maxListLength: 1000, [name]: 21 };
    expect(excessOfText(documentOf(20), limits)).toBeUndefined();
    expect(excessOfText(documentOf(21), limits)).toBeUndefined();
    expect(excessOfText(documentOf(22), limits)).toBe(name);
  });

  it('takes four braces of selections for each level of fields', () => {
    const nested = (braces: number) => `${'{a'.repeat(braces)}${'}'.repeat(braces)}`;
    const limits = { ...generous, maxDepth: 3 };
    expect(excessOfText(nested(11), limits)).toBeUndefined();
    expect(excessOfText(nested(12), limits)).toBeUndefined();
    expect(excessOfText(nested(13), limits)).toBe('maxDepth');
  });

  it.each([
    ['tokens of 50,000 nested selections', '{a'.repeat(50_000), 'maxTokens'],
    ['tokens of 200,000 closing braces', '}'.repeat(200_000), 'maxTokens'],
    [
      'lists that are closed more often than opened',
      `{a(b:${']'.repeat(1000)}${'['.repeat(11)}`,
      'maxLiteralDepth',
    ],
    ['a string without an end', `{a(b:"${'['.repeat(50)}`, undefined],
    ['a string that a line ends', `{a(b:"\n${'['.repeat(50)}`, 'maxLiteralDepth'],
    ['a string that ends in a backslash', '{a(b:"\\', undefined],
    ['a block string without an end', `{a(b:"""${'['.repeat(50)}`, undefined],
    ['a block string that ends in an escape', `{a(b:"""\\"""${'['.repeat(50)}`, undefined],
    ['nothing', '', undefined],
    ['a byte order mark', '\ufeff{a}', undefined],
  ])('has an answer for %s', (_what, source, excess) => {
    expect(excessOfText(source, defaultLimits)).toBe(excess);
  });

  it('stands before a parser that such texts overflow', () => {
    for (const text of [
      `{${'a{'.repeat(50_000)}`,
      `{a(b:${'['.repeat(50_000)}`,
      `query($a:${'['.repeat(50_000)}`,
    ]) {
      expect(() => parse(text)).toThrow(RangeError);
      expect(excessOfText(text, defaultLimits)).toBeDefined();
    }
  });

  it('counts what graphql-js reads as tokens, and comments', () => {
    const piece = fc.constantFrom(
      ...['{', '}', '(', ')', '[', ']', ':', '=', '!', '|', '&', '$', '@', '...', ' ', ',', '\t', '\ufeff'],
      ...['a', 'fragment', 'on', '_9', '0', '-0', '12', '1.5', '1e5', '-1.5E-10', '2e+3', '"', '""', '"""'],
      ...[
        '"a"',
        '"\\""',
        '"\\\\"',
        '"""a"""',
        '"""\\""""""',
        '"""\\\\"""',
        '#a',
        '#"',
        '\n',
        '\r\n',
        'é',
        '.',
        '-',
        '+',
      ],
    );
    const run = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    let counted = 0;
    fc.assert(
      fc.property(run, (source) => {
        const tokens = tokensOf(source);
        // What is no GraphQL is the parser's to refuse; lines have their own test.
        if (tokens === undefined || source.split(/[\r\n]/).length > tokens) return;
        counted += 1;
        expect(excessOfText(source, { ...unbounded, maxTokens: tokens })).toBeUndefined();
        if (tokens > 0)
          expect(excessOfText(source, { ...unbounded, maxTokens: tokens - 1 })).toBe('maxTokens');
      }),
      { numRuns: 20_000 },
    );
    expect(counted).toBeGreaterThan(2000);
  });

  it('counts in generated operations what stands in their syntax tree', () => {
    fc.assert(
      fc.property(operations(schema, { shape: { alias: 0.4, directive: 0.2 } }), ({ document }) => {
        for (const [name, count] of Object.entries(countsOf(document))) {
          const limits = { ...unbounded, [name]: count };
          expect(excessOfText(document, limits)).toBeUndefined();
          if (count > 0) expect(excessOfText(document, { ...limits, [name]: count - 1 })).toBe(name);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const schema = buildSchema(`
  input Range { from: Int!, to: Int = 10, not: [Int!], deep: Range }
  interface Named { name(in: [[Range!]], as: String): String, friends(of: [ID!], where: Range): [Named] }
  type Cat implements Named { name(in: [[Range!]], as: String): String, friends(of: [ID!], where: Range): [Named] }
  type Query { named(where: Range, ids: [ID!]!): Named, cat: Cat }
`);

const unbounded = Object.fromEntries(
  Object.keys(defaultLimits).map((name) => [name, Number.POSITIVE_INFINITY]),
) as typeof defaultLimits; // as: the names of one table

/** Tokens and comments; undefined where graphql-js finds no more tokens. */
function tokensOf(source: string): number | undefined {
  const lexer = new Lexer(new Source(source));
  try {
    while (lexer.advance().kind !== TokenKind.EOF);
  } catch {
    return undefined;
  }
  let count = 0;
  for (let token = lexer.token.prev; token && token.kind !== TokenKind.SOF; token = token.prev) count += 1;
  return count;
}

function countsOf(document: string): Partial<Record<ShapeLimitName, number>> {
  const counts = {
    maxAliases: 0,
    maxDirectives: 0,
    maxFragments: 0,
    maxVariables: 0,
    maxLiteralDepth: 0,
    maxListLength: 0,
  };
  let depth = 0;
  const nested = {
    enter: () => {
      depth += 1;
      counts.maxLiteralDepth = Math.max(counts.maxLiteralDepth, depth);
    },
    leave: () => {
      depth -= 1;
    },
  };
  visit(parse(document), {
    enter: (node) => {
      if (node.kind === Kind.FIELD && node.alias) counts.maxAliases += 1;
      if (node.kind === Kind.DIRECTIVE) counts.maxDirectives += 1;
      if (node.kind === Kind.FRAGMENT_DEFINITION) counts.maxFragments += 1;
      if (node.kind === Kind.VARIABLE_DEFINITION) counts.maxVariables += 1;
      if (node.kind === Kind.LIST) counts.maxListLength = Math.max(counts.maxListLength, node.values.length);
      if (isNesting(node.kind)) nested.enter();
      if (node.kind === Kind.LIST_TYPE) counts.maxListLength = Math.max(counts.maxListLength, 1);
    },
    leave: (node) => {
      if (isNesting(node.kind)) nested.leave();
    },
  });
  return counts;
}

function isNesting(kind: string): boolean {
  return kind === Kind.LIST || kind === Kind.OBJECT || kind === Kind.LIST_TYPE;
}
