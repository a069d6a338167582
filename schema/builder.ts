import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import type { ShopContext } from '../loaders/context.ts';
import { weirPluginName } from '../src/index.ts';
import type { Decimal } from './decimal.ts';

/** The shop's schema builder. Fields are non-null unless they say otherwise. */
export const builder = new SchemaBuilder<{
  Context: ShopContext;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    BigInt: { Input: bigint; Output: bigint };
    Decimal: { Input: Decimal; Output: Decimal };
    URL: { Input: string; Output: string };
  };
}>({
  plugins: [RelayPlugin, weirPluginName],
  defaultFieldNullability: false,
  relay: {
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: {},
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'The rows, each with its cursor.',
    },
    nodeFieldOptions: { nullable: false, description: 'The row.' },
    cursorFieldOptions: { description: 'The position behind this row: give it as `after` or `before`.' },
    pageInfoFieldOptions: { description: 'What lies around this page.' },
    pageInfoTypeOptions: { description: 'What lies around a page (Relay Cursor Connections).' },
    hasNextPageFieldOptions: { description: 'Whether there are rows behind this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether there are rows before this page.' },
    startCursorFieldOptions: { description: 'Cursor of the first row; null when there is none.' },
    endCursorFieldOptions: { description: 'Cursor of the last row; null when there is none.' },
    firstArgOptions: { description: 'How many rows at most, from the start. Not together with `last`.' },
    afterArgOptions: { description: 'Only rows behind this cursor.' },
    lastArgOptions: { description: 'How many rows at most, from the end. Not together with `first`.' },
    beforeArgOptions: { description: 'Only rows before this cursor.' },
  },
});

builder.queryType({ description: 'What can be read.' });
