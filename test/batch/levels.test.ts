import { GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, graphql } from 'graphql';
import { describe, expect, it } from 'vitest';
import { defineLoader } from '../../src/batch/loader.ts';
import { createLoaderRegistry, type LoaderRegistry } from '../../src/batch/registry.ts';
import { systemClock } from '../../src/clock.ts';
import { createTimeline } from '../../src/observe/timeline.ts';

/** A tree in which every node has `width` children; a node's number is its key. */
interface Context {
  readonly loaders: LoaderRegistry<null>;
  readonly width: number;
}

/** Two loaders, one of which answers late and in many chunks, so that levels would fall apart if they could. */
const leaves = defineLoader<null, number, number>({
  name: 'leaves',
  maxBatchSize: 10_000,
  fetch: async (keys) => keys,
  keyOf: (row) => row,
});
const nodes = defineLoader<null, number, number>({
  name: 'nodes',
  maxBatchSize: 7,
  fetch: async (keys) => {
    for (let turn = keys[0] ?? 0; turn % 5 !== 0; turn -= 1) await new Promise(setImmediate);
    return keys.toReversed();
  },
  keyOf: (row) => row,
});

const nodeType: GraphQLObjectType<number, Context> = new GraphQLObjectType<number, Context>({
  name: 'Node',
  fields: () => ({
    number: { type: GraphQLInt, resolve: (node) => node },
    leaf: { type: GraphQLInt, resolve: (node, _args, { loaders }) => loaders.load(leaves, node) },
    children: {
      type: new GraphQLList(nodeType),
      resolve: (node, _args, { loaders, width }) =>
        loaders.loadMany(
          nodes,
          Array.from({ length: width }, (_, index) => node * width + index + 1),
        ),
    },
    child: { type: nodeType, resolve: (node, _args, { loaders }) => loaders.load(nodes, node + 1) },
  }),
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, Context>({
    name: 'Query',
    fields: { root: { type: new GraphQLNonNull(nodeType), resolve: () => 0 } },
  }),
});

async function batchesOf(source: string, width: number) {
  const timeline = createTimeline(systemClock);
  const loaders = createLoaderRegistry({ context: null, timeline, clock: systemClock });
  const result = await graphql({ schema, source, contextValue: { loaders, width } });
  loaders.dispose();
  expect(result.errors).toBeUndefined();
  return timeline.batches.map(({ loader, keys }) => `${loader} ${keys}`);
}

describe('LoaderRegistry under graphql execution', () => {
  it.each([1, 2, 5, 12])('makes one batch per level and loader when lists have %d entries', async (width) => {
    const source = '{ root { children { leaf children { leaf children { leaf } } } } }';
    const batches = await batchesOf(source, width);
    expect(batches.toSorted()).toEqual(
      [1, 2, 3].flatMap((level) => [`leaves ${width ** level}`, `nodes ${width ** level}`]).toSorted(),
    );
  });

  it('makes one batch per level when single rows and lists mix', async () => {
    expect(await batchesOf('{ root { children { child { child { number } } } } }', 20)).toEqual([
      'nodes 20',
      'nodes 1',
      'nodes 1',
    ]);
  });
});
