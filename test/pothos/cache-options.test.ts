import { describe, expect, it } from 'vitest';
import { cachingOf } from '../../src/caching/policy.ts';
import { printPricedSchema } from '../../src/pothos/print-schema.ts';
import { build, fieldOf } from './tiny-builder.ts';

/** A schema whose query root has the field `made` with these options. */
const schemaWith = (options: object) =>
  build((builder) => {
    builder.queryFields((t) => ({ made: t.int({ ...options, resolve: () => 1 }) }));
  });

const cachingWith = (options: object) => cachingOf(fieldOf(schemaWith(options), 'Query', 'made'));

describe('the option "cache"', () => {
  it.each([
    [{}, {}],
    [{ cache: 'parent' }, { cache: 'parent' }],
    [{ cache: { maxAgeSeconds: 0 } }, { cache: { maxAgeSeconds: 0, scope: 'private' } }],
    [
      { cache: { maxAgeSeconds: 31_536_000, scope: 'public' } },
      { cache: { maxAgeSeconds: 31_536_000, scope: 'public' } },
    ],
    [{ authScopes: { user: true } }, { isGuarded: true }],
    [
      { authScopes: { user: true }, cache: { maxAgeSeconds: 5 } },
      { cache: { maxAgeSeconds: 5, scope: 'private' }, isGuarded: true },
    ],
  ])('writes %j into the extensions of a field', (options, caching) => {
    expect(cachingWith(options)).toEqual(caching);
  });

  it.each([
    { maxAgeSeconds: -1 },
    { maxAgeSeconds: 31_536_001 },
    { maxAgeSeconds: 1.5 },
    { maxAgeSeconds: '5' },
    {},
    { maxAgeSeconds: 5, scope: 'shared' },
    'public',
  ])('is refused when it is %j', (cache) => {
    expect(() => schemaWith({ cache })).toThrow(
      `Query.made: expected "cache" to be 'parent' or { maxAgeSeconds: 0 to 31536000, scope: 'public' or 'private' }.`,
    );
  });

  it('is refused as public where somebody must be allowed', () => {
    const options = { cache: { maxAgeSeconds: 5, scope: 'public' }, authScopes: { user: true } };
    expect(() => schemaWith(options)).toThrow(
      'Query.made: expected no public "cache" where there are "authScopes".',
    );
  });

  it('makes every field of a type with authScopes private', () => {
    const schema = build((builder) => {
      const Secret = builder.objectRef<object>('Secret').implement({
        authScopes: {},
        fields: (t) => ({
          name: t.string({ cache: { maxAgeSeconds: 5, scope: 'public' }, resolve: () => '' }),
        }),
      });
      builder.queryFields((t) => ({ secret: t.field({ type: Secret, resolve: () => ({}) }) }));
    });
    expect(cachingOf(fieldOf(schema, 'Secret', 'name'))).toMatchObject({ isGuarded: true });
  });

  it('is printed as @cache where it has an age', () => {
    const schema = build((builder) => {
      const Price = builder.objectRef<object>('Price').implement({
        cache: { maxAgeSeconds: 60, scope: 'public' },
        fields: (t) => ({
          amount: t.int({ resolve: () => 1 }),
          old: t.int({ cache: { maxAgeSeconds: 5 }, resolve: () => 1 }),
          other: t.int({ cache: 'parent', resolve: () => 1 }),
        }),
      });
      builder.queryFields((t) => ({ price: t.field({ type: Price, resolve: () => ({}) }) }));
    });
    const text = printPricedSchema(schema);
    expect(text).toContain(
      'directive @cache(maxAgeSeconds: Int!, scope: String!) on FIELD_DEFINITION | OBJECT',
    );
    expect(text).toContain(`type Price @cache(maxAgeSeconds: 60, scope: "public") {
  amount: Int
  old: Int @cache(maxAgeSeconds: 5, scope: "private")
  other: Int
}`);
  });
});
