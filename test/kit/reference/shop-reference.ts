import {
  buildSchema,
  defaultFieldResolver,
  type ExecutionResult,
  execute,
  type GraphQLFieldResolver,
  parse,
} from 'graphql';
import type { GeneratedOperation } from '../generate-operation.ts';
import type { CursorBook } from './cursor-book.ts';
import type { Principal } from './reference-principal.ts';
import { arrange } from './reference-rows.ts';
import { shopResolvers } from './shop-resolvers.ts';
import type { Tables } from './tables.ts';

/** The shop's resolvers, all of them, so that a test can put a wrong one in the place of one. */
export type ShopResolvers = ReturnType<typeof shopResolvers>;

/** What the reference is made of. */
export interface ReferenceOptions {
  /** The printed schema. */
  readonly sdl: string;
  readonly tables: Tables;
  readonly book: CursorBook;
  /** Replaces resolvers, for a negative control. */
  readonly change?: (resolvers: ShopResolvers) => object;
  /** Takes the coordinates of all fields that were answered with a value, and of all arguments that were given one. */
  readonly seen?: Set<string>;
}

/** Answers an operation as plainly as can be: graphql-js over the tables in memory. Cursors are their meaning. */
export type Reference = (operation: GeneratedOperation, principal: Principal) => Promise<ExecutionResult>;

/** A reference for the shop that shares no line of code with the engine, the schema, the loaders or the services. */
export function createShopReference(options: ReferenceOptions): Reference {
  const { sdl, tables, book, change = (resolvers) => resolvers, seen = new Set() } = options;
  const schema = buildSchema(sdl);
  const rows = arrange(tables);
  const fieldResolver: GraphQLFieldResolver<unknown, unknown> = (source, args, context, info) => {
    const value: unknown = defaultFieldResolver(source, args, context, info);
    const coordinate = `${info.parentType.name}.${info.fieldName}`;
    for (const name of Object.keys(args)) if (args[name] !== null) seen.add(`${coordinate}(${name}:)`);
    if (value !== null && value !== undefined) seen.add(coordinate);
    return value;
  };
  return async ({ document, operationName, variables: variableValues }, principal) => {
    const rootValue = change(shopResolvers(rows, book, principal));
    return execute({
      schema,
      document: parse(document),
      rootValue,
      variableValues,
      operationName,
      fieldResolver,
    });
  };
}
