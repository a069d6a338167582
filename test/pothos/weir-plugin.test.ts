import SchemaBuilder from '@pothos/core';
import { execute, type GraphQLSchema, isInterfaceType, isObjectType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { WeirPlugin, weirPluginName } from '../../src/index.ts';
import { needsExtension } from '../../src/upstream/mask.ts';

interface Row {
  readonly id: string;
  readonly createTime: string;
  readonly imageUrl: string;
}

describe('WeirPlugin', () => {
  it('writes what a field needs into its extensions', () => {
    const schema = build((builder) =>
      builder.objectRef<Row>('Row').implement({
        masked: true,
        fields: (t) => ({
          id: t.exposeID('id'),
          created: t.exposeString('createTime'),
          both: t.string({ needs: ['id', 'create_time'], resolve: () => '' }),
          other: t.exposeString('id', { needs: ['other_id'] }),
          nothing: t.string({ needs: [], resolve: () => '' }),
        }),
      }),
    );
    expect(needsOf(schema, 'Row')).toEqual({
      id: ['id'],
      created: ['create_time'],
      both: ['id', 'create_time'],
      other: ['other_id'],
      nothing: [],
    });
  });

  it('leaves fields of a type that is not masked alone', () => {
    const schema = build((builder) =>
      builder.objectRef<Row>('Row').implement({
        fields: (t) => ({ id: t.exposeID('id'), made: t.string({ resolve: () => '' }) }),
      }),
    );
    expect(needsOf(schema, 'Row')).toEqual({ id: undefined, made: undefined });
    expect(needsOf(schema, 'Query')).toEqual({ row: undefined });
  });

  it('fails the build when a resolver on a masked type does not say what it needs', () => {
    const forgetful = () =>
      build((builder) =>
        builder.objectRef<Row>('Row').implement({
          masked: true,
          fields: (t) => ({ made: t.string({ resolve: () => '' }) }),
        }),
      );
    expect(forgetful).toThrow(
      'Row.made resolves on a masked type: expected "needs" with the paths of the upstream message that it reads ([] for none), or a field that exposes one.',
    );
  });

  it('fails the build also when a field is added from elsewhere', () => {
    const forgetful = () =>
      build((builder) => {
        const row = builder
          .objectRef<Row>('Row')
          .implement({ masked: true, fields: (t) => ({ id: t.exposeID('id') }) });
        builder.objectField(row, 'made', (t) => t.string({ resolve: () => '' }));
        return row;
      });
    expect(forgetful).toThrow('Row.made resolves on a masked type');
  });

  it('takes the needs of an interface into each masked type that has it', () => {
    const schema = build((builder) => {
      const named = builder.interfaceRef<Row>('Named').implement({
        fields: (t) => ({
          id: t.exposeID('id'),
          label: t.string({ needs: ['create_time'], resolve: () => '' }),
        }),
      });
      return builder.objectRef<Row>('Row').implement({
        masked: true,
        interfaces: [named],
        fields: (t) => ({ url: t.exposeString('imageUrl') }),
      });
    });
    expect(needsOf(schema, 'Row')).toEqual({ id: ['id'], label: ['create_time'], url: ['image_url'] });
  });

  it('fails the build when an interface gives a masked type a field without needs', () => {
    const forgetful = () =>
      build((builder) => {
        const named = builder
          .interfaceRef<Row>('Named')
          .implement({ fields: (t) => ({ label: t.string({ resolve: () => '' }) }) });
        return builder
          .objectRef<Row>('Row')
          .implement({ masked: true, interfaces: [named], fields: (t) => ({ id: t.exposeID('id') }) });
      });
    expect(forgetful).toThrow('Row.label resolves on a masked type');
  });

  it('lets go of loaded rows after each root field of a mutation, before what it gives is resolved', async () => {
    const { schema, events, context } = buildChanging();
    const document = parse(
      'mutation { a: change { read } b: fail c: change { read } d: throw e: change { read } }',
    );
    const answer = await execute({ schema, document, contextValue: context });
    expect(answer.errors?.map(({ path }) => path)).toEqual([['b'], ['d']]);
    expect(events).toEqual([
      ...['change', 'forget', 'read'],
      ...['fail', 'forget'],
      ...['change', 'forget', 'read'],
      ...['throw', 'forget'],
      ...['change', 'forget', 'read'],
    ]);
  });

  it('lets go of nothing in a query', async () => {
    const { schema, events, context } = buildChanging();
    await execute({
      schema,
      document: parse('{ changed { read } a: changed { read } }'),
      contextValue: context,
    });
    expect(events).toEqual(['read', 'read']);
  });

  it.each([
    ['has no rows to let go of', {}],
    ['means something else by the name', { forget: 'me' }],
  ])('leaves alone a context that %s', async (_what, contextValue) => {
    const { schema, events } = buildChanging();
    const document = parse('mutation { change { read } }');
    expect(await execute({ schema, document, contextValue })).toEqual({ data: { change: { read: 'row' } } });
    expect(events).toEqual(['change', 'read']);
  });

  it('is registered under its name', () => {
    expect(weirPluginName).toBe('weir');
    expect(WeirPlugin.name).toBe('WeirPlugin');
  });
});

/** A schema whose resolvers, and a context whose `forget`, note that they were called. */
function buildChanging() {
  const events: string[] = [];
  const builder = createBuilder();
  const later = () => new Promise((resolve) => setImmediate(resolve));
  const Changed = builder.objectRef<object>('Changed').implement({
    fields: (t) => ({
      read: t.string({
        resolve: async () => {
          await later();
          events.push('read');
          return 'row';
        },
      }),
    }),
  });
  builder.queryType({ fields: (t) => ({ changed: t.field({ type: Changed, resolve: () => ({}) }) }) });
  builder.mutationType({
    fields: (t) => ({
      change: t.field({
        type: Changed,
        resolve: async () => {
          await later();
          events.push('change');
          return {};
        },
      }),
      fail: t.string({
        resolve: async () => {
          await later();
          events.push('fail');
          throw new Error('failed');
        },
      }),
      throw: t.string({
        resolve: () => {
          events.push('throw');
          throw new Error('thrown');
        },
      }),
    }),
  });
  return { schema: builder.toSchema(), events, context: { forget: () => void events.push('forget') } };
}

type Builder = ReturnType<typeof createBuilder>;

function createBuilder() {
  return new SchemaBuilder<{ DefaultFieldNullability: true }>({
    plugins: [weirPluginName],
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
  });
}

function build(define: (builder: Builder) => ReturnType<Builder['objectRef']> | object): GraphQLSchema {
  const builder = createBuilder();
  const row = define(builder) as ReturnType<typeof builder.objectRef<Row>>; // as: every test defines Row
  builder.queryType({ fields: (t) => ({ row: t.field({ type: row, resolve: () => null }) }) });
  return builder.toSchema();
}

function needsOf(schema: GraphQLSchema, typename: string): Readonly<Record<string, unknown>> {
  const type = schema.getType(typename);
  if (!isObjectType(type) && !isInterfaceType(type)) throw new Error(`expected a type ${typename}`);
  const entries = Object.values(type.getFields()).map(({ name, extensions }) => [
    name,
    extensions[needsExtension],
  ]);
  return Object.fromEntries(entries);
}
