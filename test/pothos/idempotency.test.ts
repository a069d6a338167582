import { describe, expect, it } from 'vitest';
import { declarationOf } from '../../src/idempotency/declaration.ts';
import { build, fieldOf } from './tiny-builder.ts';

describe('the option "idempotency"', () => {
  it('is written into the extensions of a mutation field', () => {
    const schema = build((builder) => {
      builder.mutationType({
        fields: (t) => ({
          required: t.boolean({ idempotency: 'required', resolve: () => true }),
          supported: t.boolean({ idempotency: 'supported', resolve: () => true }),
          plain: t.boolean({ resolve: () => true }),
        }),
      });
    });
    const declared = ['required', 'supported', 'plain'].map((name) =>
      declarationOf(fieldOf(schema, 'Mutation', name).extensions),
    );
    expect(declared).toEqual(['required', 'supported', undefined]);
  });

  it('fails the build on any other field', () => {
    const wrong = () =>
      build((builder) =>
        builder.queryField('wrong', (t) => t.boolean({ idempotency: 'required', resolve: () => true })),
      );
    expect(wrong).toThrow('Query.wrong: expected "idempotency" on a field of the mutation only.');
  });
});
