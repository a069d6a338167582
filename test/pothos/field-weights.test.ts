import { isInputObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { defineLoader } from '../../src/index.ts';
import { type Builder, build, fieldOf, weightsOf } from './tiny-builder.ts';

const rowById = defineLoader({
  name: 'rowById',
  maxBatchSize: 500,
  upstream: 'rows',
  method: '/rows.v1.Rows/BatchGet',
  keyOf: (row: { id: string }) => row.id,
  fetch: async () => [],
});

describe('the option "cost"', () => {
  it('stands on types, fields, arguments, input fields, enums and scalars', () => {
    const schema = build((builder) => {
      const Color = builder.enumType('Color', { values: ['RED'], cost: 1 });
      const Thing = builder.objectRef<object>('Thing').implement({
        cost: 2,
        fields: (t) => ({ color: t.field({ type: Color, cost: 3, resolve: () => 'RED' as const }) }),
      });
      const Filter = builder.inputType('Filter', { fields: (t) => ({ text: t.string({ cost: 4 }) }) });
      builder.scalarType('Stamp' as never, { cost: 5, serialize: (value) => value });
      builder.queryField('thing', (t) =>
        t.field({
          type: Thing,
          args: { filter: t.arg({ type: Filter, cost: -6.5 }), deep: t.arg.boolean({ cost: 0 }) },
          resolve: () => ({}),
        }),
      );
    });
    const filter = schema.getType('Filter');
    const thing = fieldOf(schema, 'Query', 'thing');
    expect(weightsOf(schema.getType('Color'))).toEqual({ cost: 1 });
    expect(weightsOf(schema.getType('Thing'))).toEqual({ cost: 2 });
    expect(weightsOf(fieldOf(schema, 'Thing', 'color'))).toEqual({ cost: 3 });
    expect(weightsOf(isInputObjectType(filter) ? filter.getFields()['text'] : undefined)).toEqual({
      cost: 4,
    });
    expect(weightsOf(schema.getType('Stamp'))).toEqual({ cost: 5 });
    expect(thing.args.map(weightsOf)).toEqual([{ cost: 0 }, { cost: -6.5 }]);
    expect(weightsOf(thing)).toBeUndefined();
  });

  it('may stand on a root type', () => {
    const schema = build((builder) => {
      builder.mutationType({ cost: 7, fields: (t) => ({ touch: t.boolean({ resolve: () => true }) }) });
    });
    expect(weightsOf(schema.getMutationType())).toEqual({ cost: 7 });
  });

  it.each<[string, (builder: Builder) => void, string]>([
    [
      'an interface',
      (builder) => named(builder, { cost: 1 }, {}),
      'Named cannot have a "cost": it goes on object types,',
    ],
    [
      'a field of an interface',
      (builder) => named(builder, {}, { cost: 1 }),
      'The field Named.name of an interface cannot have a "cost"',
    ],
    [
      'a union',
      (builder) => builder.unionType('Either', { types: [], cost: 1 } as never),
      'Either cannot have a "cost"',
    ],
    [
      'an input object',
      (builder) => builder.inputType('Filter', { cost: 1, fields: (t: never) => text(t) } as never),
      'Filter cannot have a "cost"',
    ],
    [
      'a value of an enum',
      (builder) => builder.enumType('Color', { values: { RED: { cost: 1 } as object } }),
      'A value of an enum cannot have a "cost"',
    ],
  ])('fails the build on %s', (_where, define, message) => {
    expect(() => build(define)).toThrow(message);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '2' as never])('fails the build when it is %s', (cost) => {
    const wrong = () =>
      build((builder) => builder.queryField('it', (t) => t.int({ cost, resolve: () => 1 })));
    expect(wrong).toThrow(`Query.it: expected "cost" to be a finite number, got ${cost}.`);
  });
});

describe('a connection', () => {
  it('is as long as its page arguments say, and its edges and page info weigh nothing', () => {
    const schema = build((builder) => {
      builder.queryField('things', (t) => t.connection({ type: 'String', resolve: () => null }));
    });
    expect(weightsOf(fieldOf(schema, 'Query', 'things'))).toEqual({
      listSize: {
        slicingArguments: ['first', 'last'],
        sizedFields: ['edges'],
        requireOneSlicingArgument: false,
      },
    });
    expect(weightsOf(schema.getType('QueryThingsConnectionEdge'))).toEqual({ cost: 0 });
    expect(weightsOf(schema.getType('PageInfo'))).toEqual({ cost: 0 });
    expect(weightsOf(schema.getType('QueryThingsConnection'))).toBeUndefined();
  });

  it('may weigh its edges, and have page sizes of its own', () => {
    const schema = build((builder) => {
      builder.queryField('things', (t) =>
        t.connection(
          { type: 'String', pageSize: { default: 5, maximum: 10 }, resolve: () => null },
          {},
          { cost: 2 },
        ),
      );
    });
    expect(weightsOf(fieldOf(schema, 'Query', 'things'))).toMatchObject({
      listSize: { defaultSize: 5, maximum: 10 },
    });
    expect(weightsOf(schema.getType('QueryThingsConnectionEdge'))).toEqual({ cost: 2 });
  });

  it.each([
    [0, 10],
    [11, 10],
    [1.5, 10],
    [5, Number.NaN],
  ])('fails the build with a default page of %d rows and at most %d', (fallback, maximum) => {
    const wrong = () =>
      build((builder) => {
        const pageSize = { default: fallback, maximum };
        builder.queryField('things', (t) => t.connection({ type: 'String', pageSize, resolve: () => null }));
      });
    expect(wrong).toThrow(
      `Query.things: expected "pageSize" to be whole numbers with 1 <= default <= maximum, got default ${fallback} and maximum ${maximum}.`,
    );
  });

  it.each([1, 10])('takes a default page of %d rows and at most 10', (fallback) => {
    const right = () =>
      build((builder) => {
        const pageSize = { default: fallback, maximum: 10 };
        builder.queryField('things', (t) => t.connection({ type: 'String', pageSize, resolve: () => null }));
      });
    expect(right).not.toThrow();
  });

  it('is the only one that may have page sizes, and then no other list size', () => {
    const pageSize = { default: 5, maximum: 10 };
    const noConnection = () =>
      build((builder) => builder.queryField('it', (t) => t.int({ pageSize, resolve: () => 1 })));
    expect(noConnection).toThrow(
      'Query.it: expected "pageSize" on a connection without a "listSize" of its own.',
    );
    const both = () =>
      build((builder) => {
        const listSize = { assumedSize: 1, sizedFields: ['edges'] };
        builder.queryField('it', (t) =>
          t.connection({ type: 'String', pageSize, listSize, resolve: () => null }),
        );
      });
    expect(both).toThrow('Query.it: expected "pageSize"');
  });
});

describe('the option "calls"', () => {
  it('takes an RPC as it is, and a loader by what it says of its RPC', () => {
    const list = { upstream: 'rows', method: '/rows.v1.Rows/List' };
    const schema = build((builder) => {
      builder.queryField('it', (t) =>
        t.int({
          calls: [list, rowById, { ...rowById, keys: 'items', call: 2, perKey: 0.5 }],
          resolve: () => 1,
        }),
      );
    });
    const batched = {
      upstream: 'rows',
      method: '/rows.v1.Rows/BatchGet',
      loader: 'rowById',
      maxBatchSize: 500,
    };
    expect(weightsOf(fieldOf(schema, 'Query', 'it'))).toEqual({
      calls: [list, batched, { ...batched, keys: 'items', call: 2, perKey: 0.5 }],
    });
  });

  it('fails the build for a loader that does not say which RPC it makes', () => {
    const silent = { name: 'rowById', maxBatchSize: 500 };
    const wrong = () =>
      build((builder) => builder.queryField('it', (t) => t.int({ calls: [silent], resolve: () => 1 })));
    expect(wrong).toThrow(
      'Query.it: the loader "rowById" of "calls" does not say which RPC it makes: give defineLoader "upstream" and "method".',
    );
  });
});

function named(builder: Builder, type: object, field: object): void {
  const Named = builder.interfaceRef<object>('Named').implement({
    ...type,
    fields: (t) => ({ name: t.string({ ...field, resolve: () => '' }) }),
  });
  builder.objectRef<object>('Thing').implement({ interfaces: [Named] });
}

function text(t: { readonly string: () => unknown }) {
  return { text: t.string() };
}
