import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import {
  assertNodeId,
  defineLoader,
  encodeNodeId,
  type OperationContext,
  resolveConnection,
  WeirError,
  weirPluginName,
} from '../../src/index.ts';
import { type Book, library, type Shelf } from './tiny-service.ts';

/** Stands in every private part of a failure; no client may ever read it. */
export const canary = 'CANARY-7f3a';

export type TinyContext = OperationContext<'library'>;

/** What a test lets resolvers do, and sees of them. */
export interface Probe {
  readonly contexts: TinyContext[];
  touches: number;
  ticks: () => AsyncIterable<number>;
}

export function createProbe(): Probe {
  return {
    contexts: [],
    touches: 0,
    ticks: async function* () {
      yield* [1, 2, 3];
    },
  };
}

const bookById = defineLoader({
  name: 'bookById',
  maxBatchSize: 100,
  keyOf: (book: Book) => book.id,
  fetch: async (ids: readonly string[], readMask: readonly string[], context: TinyContext) =>
    (await context.upstreams.library.unary(library.getBooks, { ids, readMask })).rows,
});

export const shelfById = defineLoader({
  name: 'shelfById',
  maxBatchSize: 100,
  keyOf: (shelf: Shelf) => shelf.id,
  fetch: async (ids: readonly string[], _args: undefined, context: TinyContext) =>
    (await context.upstreams.library.unary(library.getShelves, { ids })).rows,
});

const secretCause = () => new Error(`${canary} cause`, { cause: new Error(`${canary} root`) });

/** What `Query.fail` throws, by the kind that it is asked for. */
const failures = {
  plain: () => new Error(`${canary} message`, { cause: secretCause() }),
  text: () => `${canary} text`,
  graphql: () => new GraphQLError(`${canary} graphql`, { extensions: { detail: canary } }),
  'graphql-coded': () =>
    new GraphQLError('The door is closed.', { extensions: { code: 'FORBIDDEN', door: 3 } }),
  'graphql-unknown-code': () => new GraphQLError(`${canary} code`, { extensions: { code: canary } }),
  weir: () =>
    new WeirError('NOT_FOUND', { message: 'No such door.', extensions: { door: 3 }, cause: secretCause() }),
  'weir-internal': () =>
    new WeirError('INTERNAL_SERVER_ERROR', { message: `${canary} internal`, extensions: { detail: canary } }),
  abort: () => new DOMException(`${canary} aborted`, 'AbortError'),
  late: () => new DOMException(`${canary} late`, 'TimeoutError'),
  aggregate: () => new AggregateError([new Error(`${canary} one`)], `${canary} all`),
} as const satisfies Readonly<Record<string, () => unknown>>;

export type FailureKind = keyof typeof failures;

/** A small graph over the library, built as a team would with Pothos and the Weir plugin. */
export function buildTinySchema(probe: Probe): GraphQLSchema {
  const builder = createBuilder();

  const Node = builder.interfaceRef<{ id: string }>('Node').implement({
    fields: (t) => ({
      id: t.id({
        needs: ['id'],
        resolve: ({ id }, _args, _context, info) => encodeNodeId(info.parentType.name, id),
      }),
    }),
  });

  const ShelfType = builder.objectRef<Shelf>('Shelf').implement({
    interfaces: [Node],
    masked: true,
    fields: (t) => ({ label: t.exposeString('label') }),
  });

  const BookType = builder.objectRef<Book>('Book').implement({
    interfaces: [Node],
    masked: true,
    fields: (t) => ({
      title: t.exposeString('title'),
      pageCount: t.exposeInt('pageCount'),
      shelf: t.field({
        type: ShelfType,
        nullable: true,
        needs: ['shelf_id'],
        resolve: ({ shelfId }, _args, context) => context.load(shelfById, shelfId),
      }),
      never: t.string({
        needs: [],
        resolve: () => null as unknown as string, // what an upstream that forgets a member does
      }),
    }),
  });

  const Found = builder.unionType('Found', {
    types: [BookType, ShelfType],
    resolveType: (value) => ('title' in value ? 'Book' : 'Shelf'),
  });

  builder.queryType({
    fields: (t) => ({
      fast: t.string({
        resolve: (_root, _args, context) => {
          probe.contexts.push(context);
          return 'fast';
        },
      }),
      book: t.field({
        type: BookType,
        nullable: true,
        args: { id: t.arg.id({ required: true }) },
        resolve: (_root, { id }, context, info) =>
          context.load(bookById, assertNodeId(id, 'Book'), context.readMask(info, 'Book')),
      }),
      found: t.field({ type: [Found], listSize: { assumedSize: 2 }, resolve: () => [] }),
      shelf: t.field({
        type: ShelfType,
        nullable: true,
        resolve: (_root, _args, context) => context.load(shelfById, '1'),
      }),
      books: t.connection(
        {
          type: BookType,
          nullable: true,
          args: { query: t.arg.string(), offset: t.arg.int() },
          resolve: (_root, args, context, info) =>
            resolveConnection(context, info, args, {
              limits: { maxOffset: 30 },
              filter: { query: args.query },
              order: 'id',
              load: async (page) => {
                if (args.query === 'none') return null;
                const { books, ...rest } = await context.upstreams.library.unary(library.listBooks, page);
                return { ...rest, rows: books };
              },
            }),
        },
        { name: 'BookConnection', fields: (c) => ({ totalCount: c.exposeInt('totalCount' as never) }) },
        { name: 'BookEdge' },
      ),
      few: t.connection(
        {
          type: BookType,
          nullable: true,
          pageSize: { default: 2, maximum: 12 },
          resolve: (_root, args, context, info) =>
            resolveConnection(context, info, args, {
              filter: null,
              order: 'id',
              load: async (page) => {
                const { books, ...rest } = await context.upstreams.library.unary(library.listBooks, page);
                return { ...rest, rows: books };
              },
            }),
        },
        { name: 'FewConnection' },
        { name: 'FewEdge' },
      ),
      fail: t.string({
        nullable: true,
        args: { kind: t.arg.string({ required: true }) },
        resolve: (_root, { kind }) => {
          throw failures[kind as FailureKind]();
        },
      }),
      stuck: t.string({ nullable: true, resolve: () => new Promise<string>(() => {}) }),
      wrongNumber: t.int({ nullable: true, resolve: () => canary as unknown as number }),
      even: t.int({
        nullable: true,
        args: { n: t.arg({ type: 'Even' }) },
        resolve: (_root, { n }) => n ?? null,
      }),
      huge: t.field({ type: 'Unsendable', nullable: true, resolve: () => 1n }),
    }),
  });

  builder.mutationType({
    fields: (t) => ({
      touch: t.int({
        resolve: () => {
          probe.touches += 1;
          return probe.touches;
        },
      }),
    }),
  });

  builder.subscriptionType({
    fields: (t) => ({
      ticks: t.int({
        subscribe: (_root, _args, context) => {
          probe.contexts.push(context);
          return probe.ticks();
        },
        resolve: (tick: number) => {
          if (tick < 0) throw new Error(`${canary} tick`);
          return tick;
        },
      }),
    }),
  });

  return builder.toSchema();
}

function createBuilder() {
  const builder = new SchemaBuilder<{
    Context: TinyContext;
    DefaultFieldNullability: false;
    DefaultEdgesNullability: { list: false; items: false };
    DefaultNodeNullability: false;
    Scalars: {
      ID: { Input: string; Output: string };
      Even: { Input: number; Output: number };
      Unsendable: { Input: bigint; Output: bigint };
    };
  }>({
    plugins: [RelayPlugin, weirPluginName],
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
    defaultFieldNullability: false,
    relay: {
      nodeQueryOptions: false,
      nodesQueryOptions: false,
      edgesFieldOptions: { nullable: { list: false, items: false } },
      nodeFieldOptions: { nullable: false },
    },
  });
  builder.scalarType('Even', {
    serialize: (value) => value,
    parseValue: (value) => {
      if (value === 13) throw new WeirError('BAD_USER_INPUT', { message: '13 brings bad luck.' });
      if (typeof value !== 'number' || value % 2 !== 0) throw new TypeError('Expected an even number.');
      return value;
    },
  });
  // JSON has no such number, so the whole answer cannot be written.
  builder.scalarType('Unsendable', { serialize: (value) => value });
  return builder;
}
