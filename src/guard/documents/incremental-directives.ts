import { GraphQLDeferDirective, GraphQLSchema, GraphQLStreamDirective } from 'graphql';

/**
 * The same schema with `@defer` and `@stream`, so that documents may use them, validation knows their rules, and
 * introspection shows them (GraphQL specification, the proposal on incremental delivery). Types stay the same objects.
 */
export function withIncrementalDirectives(schema: GraphQLSchema): GraphQLSchema {
  const added = [GraphQLDeferDirective, GraphQLStreamDirective].filter(
    ({ name }) => schema.getDirective(name) === undefined,
  );
  if (added.length === 0) return schema;
  const config = schema.toConfig();
  return new GraphQLSchema({ ...config, directives: [...config.directives, ...added] });
}
