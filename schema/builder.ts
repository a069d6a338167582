import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { GraphQLResolveInfo } from 'graphql';
import type { ShopContext } from '../loaders/context.ts';
import { WeirError, weirPluginName } from '../src/index.ts';
import type { Decimal } from './decimal.ts';

/** The shop's schema builder. Fields are non-null unless they say otherwise. */
export const builder = new SchemaBuilder<{
  Context: ShopContext;
  AuthScopes: {
    /** A verified user. */
    user: boolean;
    /** A scope of the token. */
    scope: string;
  };
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
  plugins: [ScopeAuthPlugin, RelayPlugin, weirPluginName],
  scopeAuth: {
    // Before a source is opened; each event is of the topic that was opened for its reader.
    authorizeOnSubscribe: true,
    authScopes: ({ principal }) => ({
      user: principal.kind === 'user',
      scope: (name) => principal.scopes.has(name),
    }),
    unauthorizedError: (_parent, { principal }, info) => refusal(principal.kind === 'anonymous', info),
  },
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
builder.mutationType({ description: 'What can be changed.' });
builder.subscriptionType({ description: 'What is told as it happens.' });

/** Refuses one field; the rest of the answer stands. */
function refusal(isAnonymous: boolean, { parentType, fieldName }: GraphQLResolveInfo): WeirError {
  const field = `${parentType.name}.${fieldName}`;
  return isAnonymous
    ? new WeirError('UNAUTHENTICATED', { message: `${field} needs a token: send "Authorization: Bearer".` })
    : new WeirError('FORBIDDEN', {
        message: `${field} needs a scope or an account that your token has not.`,
      });
}
