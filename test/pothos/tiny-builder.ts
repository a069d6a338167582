import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import { type GraphQLField, type GraphQLSchema, isInterfaceType, isObjectType } from 'graphql';
import { weightsExtension } from '../../src/guard/cost/weights.ts';
import { weirPluginName } from '../../src/index.ts';

/** A builder with the plugin and Relay's connections. */
export function createBuilder() {
  return new SchemaBuilder<{ DefaultFieldNullability: true }>({
    plugins: [RelayPlugin, weirPluginName],
    relay: { nodeQueryOptions: false, nodesQueryOptions: false },
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
  });
}

export type Builder = ReturnType<typeof createBuilder>;

/** A schema whose query root has what `define` adds. */
export function build(define: (builder: Builder) => void): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({ fields: (t) => ({ ready: t.boolean({ resolve: () => true }) }) });
  define(builder);
  return builder.toSchema();
}

export function fieldOf(
  schema: GraphQLSchema,
  typename: string,
  name: string,
): GraphQLField<unknown, unknown> {
  const type = schema.getType(typename);
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
  if (!field) throw new Error(`expected a field ${typename}.${name}`);
  return field;
}

/** What the plugin wrote of an element's price. */
export function weightsOf(element: { readonly extensions: object } | null | undefined): unknown {
  const extensions: Readonly<Record<string, unknown>> = { ...element?.extensions };
  return extensions[weightsExtension];
}
