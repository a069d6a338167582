import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { ShapeLimitName } from '../../../src/guard/shape/limits.ts';
import { excessOfSelections } from '../../../src/guard/shape/shape-guard.ts';
import { defaultLimits } from './default-limits.ts';

const limit = 6;

/** A document with `count` of what a bound counts. */
const documents: readonly (readonly [ShapeLimitName, string, (count: number) => string])[] = [
  ['maxDepth', 'fields', (count) => nested(count)],
  ['maxDepth', 'fields in inline fragments', (count) => `${'{...{a'.repeat(count)}${'}}'.repeat(count)}`],
  ['maxDepth', 'fields of an alias', (count) => nested(count).replace('a', 'b:a')],
  ['maxDepth', 'fields of a mutation', (count) => `mutation ${nested(count)}`],
  ['maxDepth', 'fields of the second operation', (count) => `query a{a} query b${nested(count)}`],
  ['maxDepth', 'fields in a fragment', (count) => `{a{...b}} fragment b on B${nested(count - 1)}`],
  [
    'maxDepth',
    'fields in a fragment in a fragment',
    (count) => `{a{...b}} fragment c on C${nested(count - 2)} fragment b on B{a{...c}}`,
  ],
  [
    'maxDepth',
    'fields in a fragment spread twice',
    (count) => `{...b a{...b}} fragment b on B${nested(count - 1)}`,
  ],
  ['maxAliases', 'aliases', (count) => `{${'a:b '.repeat(count)}}`],
  ['maxAliases', 'aliases on several levels', (count) => `{a:b{${'a:b '.repeat(count - 1)}}}`],
  [
    'maxAliases',
    'aliases of several operations',
    (count) => `query a{a:b} query b{${'a:b '.repeat(count - 1)}}`,
  ],
  [
    'maxAliases',
    'spreads of a fragment with an alias',
    (count) => `{${'...b '.repeat(count)}} fragment b on B{a:b}`,
  ],
  [
    'maxAliases',
    'spreads of a spread',
    (count) => `{...c ...c ${'...b '.repeat(count - 4)}} fragment c on C{...b ...b} fragment b on B{a:b}`,
  ],
  ['maxRootFields', 'root fields', (count) => `{${names(count)}}`],
  ['maxRootFields', 'root fields by aliases', (count) => `{${names(count).replaceAll(' ', ':x ')}}`],
  ['maxRootFields', 'root fields in an inline fragment', (count) => `{...{${names(count)}}}`],
  [
    'maxRootFields',
    'root fields in a fragment',
    (count) => `{z ...b} fragment b on B{...c} fragment c on C{${names(count - 1)}}`,
  ],
  ['maxRootFields', 'root fields of the second operation', (count) => `query a{a} query b{${names(count)}}`],
  ['maxRootMutations', 'root fields of a mutation', (count) => `mutation{${names(count)}}`],
  [
    'maxRootMutations',
    'root fields of a mutation in a fragment',
    (count) => `mutation{...b} fragment b on B{${names(count)}}`,
  ],
];

describe('excessOfSelections()', () => {
  it.each(documents)('takes as many as %s says, and not one more: %s', (name, _what, documentOf) => {
    const limits = { ...defaultLimits, [name]: limit };
    expect(excessOfSelections(parse(documentOf(limit - 1)), limits)).toBeUndefined();
    expect(excessOfSelections(parse(documentOf(limit)), limits)).toBeUndefined();
    expect(excessOfSelections(parse(documentOf(limit + 1)), limits)).toBe(name);
  });

  it('counts fields of one name at the root once', () => {
    const document = parse(`{${'a '.repeat(200)} ...b} fragment b on B{${'a '.repeat(200)}}`);
    expect(excessOfSelections(document, defaultLimits)).toBeUndefined();
  });

  it('takes the introspection that tools ask for', () => {
    const document = parse(getIntrospectionQuery({ specifiedByUrl: true, inputValueDeprecation: true }));
    expect(excessOfSelections(document, defaultLimits)).toBeUndefined();
  });

  it('leaves circles, fragments that there are not and what is no operation to validation', () => {
    for (const text of [
      '{...a} fragment a on A{b{...a}}',
      '{...a}',
      'type A { a: B }',
      'fragment a on A{a}',
    ]) {
      expect(excessOfSelections(parse(text), defaultLimits)).toBeUndefined();
    }
  });

  it('takes braces and spreads within each other up to four times the depth', () => {
    const limits = { ...defaultLimits, maxDepth: 1 };
    const chain = (spreads: number) =>
      `{...f0} ${Array.from({ length: spreads }, (_, at) => `fragment f${at} on A{...f${at + 1}}`).join(' ')} fragment f${spreads} on A{a}`;
    expect(excessOfSelections(parse(chain(2)), limits)).toBeUndefined();
    expect(excessOfSelections(parse(chain(3)), limits)).toBe('maxDepth');
    expect(excessOfSelections(parse('{...{...{...{a}}}}'), limits)).toBeUndefined();
    expect(excessOfSelections(parse('{...{...{...{...{a}}}}}'), limits)).toBe('maxDepth');
  });

  it('walks each fragment once, however often it is spread', () => {
    const doubling = Array.from(
      { length: 50 },
      (_, at) => `fragment f${at} on A{...f${at + 1} ...f${at + 1}}`,
    );
    const document = parse(`{...f0} ${doubling.join(' ')} fragment f50 on A{a:b}`);
    const limits = { ...defaultLimits, maxDepth: 50, maxAliases: 2 ** 50 };
    expect(excessOfSelections(document, limits)).toBeUndefined();
    expect(excessOfSelections(document, { ...limits, maxAliases: 2 ** 50 - 1 })).toBe('maxAliases');
  });

  it('keeps to the stack where the bounds are as wide as they may be', () => {
    const limits = { ...defaultLimits, maxDepth: 50, maxTokens: 20_000 };
    const deep = Array.from({ length: 900 }, (_, at) => `fragment f${at} on A{...{...{...{...f${at + 1}}}}}`);
    const document = parse(`{...f0} ${deep.join(' ')} fragment f900 on A{a}`);
    expect(excessOfSelections(document, limits)).toBe('maxDepth');
  });
});

function nested(count: number): string {
  return `${'{a'.repeat(count)}${'}'.repeat(count)}`;
}

function names(count: number): string {
  return Array.from({ length: count }, (_, at) => `a${at} `).join('');
}
