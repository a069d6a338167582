import SchemaBuilder, {
  BasePlugin,
  type PothosEnumValueConfig,
  type PothosInputFieldConfig,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type PothosTypeConfig,
  type SchemaTypes,
} from '@pothos/core';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { type ListSize, weightsExtension } from '../guard/cost/weights.ts';
import { idempotencyExtension } from '../idempotency/declaration.ts';
import { needsExtension } from '../upstream/mask.ts';
import { assertListSizes } from './assert-list-sizes.ts';
import { cacheOption, isGuardedBy, withCaching } from './cache-options.ts';
import { assertDeprecations, withDeprecation } from './deprecations.ts';
import { assertNoCost, costOption, fieldWeights, withWeights } from './field-weights.ts';
import { type BoundedField, createListBounds } from './list-bounds.ts';
import './options.ts';
import { isConnectionField, isConnectionType, plumbingTypes } from './relay-types.ts';
import { createSlice } from './slice.ts';
import { withVariants } from './variants.ts';

/** Name under which the plugin is listed in a builder's `plugins`. */
export const weirPluginName = 'weir';

declare global {
  // biome-ignore lint/style/noNamespace: Pothos plugins extend its options by merging into this namespace.
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      weir: WeirPlugin<Types>;
    }
  }
}

/** Kinds of types on which IBM's `@cost` may stand. */
const weighedKinds: ReadonlySet<PothosTypeConfig['kind']> = new Set([
  'Object',
  'Query',
  'Mutation',
  'Subscription',
  'Enum',
  'Scalar',
]);

/**
 * The schema builder's plugin: writes what a field needs of its upstream message, and what each element costs, into the
 * schema's extensions, and which variants show it; refuses a schema with a list that nothing bounds or a deprecation without dates, and holds resolvers
 * to their bounds.
 */
export class WeirPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  readonly #bounds = createListBounds();
  #plumbing: ReadonlySet<string> | undefined;

  override onTypeConfig(typeConfig: PothosTypeConfig): PothosTypeConfig {
    const { name, kind } = typeConfig;
    if (!weighedKinds.has(kind)) {
      assertNoCost(typeConfig, name);
      return withVariants(typeConfig, typeConfig.pothosOptions, name);
    }
    this.#plumbing ??= plumbingTypes(this.builder.configStore);
    // Edges and page info are how a page is written down: what was read are its rows.
    const isPlumbing = this.#plumbing.has(name);
    const standard = isPlumbing ? { cost: 0 } : {};
    // How a page is written down is as good as what is on it.
    const isPage = isPlumbing || isConnectionType(this.builder.configStore, name);
    const caching = { ...(isPage && { cache: 'parent' as const }), ...cacheOption(typeConfig, name) };
    const shown = withVariants(typeConfig, typeConfig.pothosOptions, name);
    return withCaching(withWeights(shown, { ...standard, ...costOption(typeConfig, name) }), caching);
  }

  override onEnumValueConfig(valueConfig: PothosEnumValueConfig<Types>): PothosEnumValueConfig<Types> {
    assertNoCost(valueConfig, 'A value of an enum');
    // Pothos keeps the options of values of a TypeScript enum in the config alone.
    return withVariants(withDeprecation(valueConfig, valueConfig), valueConfig, 'A value of an enum');
  }

  override onInputFieldConfig(fieldConfig: PothosInputFieldConfig<Types>): PothosInputFieldConfig<Types> {
    const { parentType, parentField, name } = fieldConfig;
    const coordinate = parentField ? `${parentType}.${parentField}(${name}:)` : `${parentType}.${name}`;
    const { pothosOptions } = fieldConfig;
    const weighed = withWeights(fieldConfig, costOption(fieldConfig, coordinate));
    return withVariants(withDeprecation(weighed, pothosOptions), pothosOptions, coordinate);
  }

  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const coordinate = coordinateOf(fieldConfig);
    if (fieldConfig.kind === 'Interface')
      assertNoCost(fieldConfig, `The field ${coordinate} of an interface`);
    const isConnection = isConnectionField(this.builder.configStore, fieldConfig);
    const weights = {
      ...costOption(fieldConfig, coordinate),
      ...fieldWeights(fieldConfig.pothosOptions, coordinate, isConnection),
    };
    const caching = cacheOption(fieldConfig, coordinate);
    const isGuarded = caching.isGuarded || this.isGuarded(fieldConfig.parentType);
    const config = withCaching(fieldConfig, isGuarded ? { ...caching, isGuarded } : caching);
    const weighed = withVariants(withWeights(config, weights), fieldConfig.pothosOptions, coordinate);
    return this.withNeeds(withIdempotency(withDeprecation(weighed, fieldConfig.pothosOptions)));
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const held = this.#bounds.hold(resolver, boundedField(fieldConfig));
    return fieldConfig.kind === 'Mutation' ? forgetting(held) : held;
  }

  /** Refuses what is asked for too much before its stream is opened. */
  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    const { coordinate, listSize } = boundedField(fieldConfig);
    if (!subscribe || !listSize) return subscribe;
    const slice = createSlice(coordinate, listSize);
    return (root, args, context, info) => {
      slice(args, context);
      return subscribe(root, args, context, info);
    };
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    assertListSizes(schema);
    assertDeprecations(schema);
    return schema;
  }

  private withNeeds(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    if (!this.isMasked(fieldConfig.parentType)) return fieldConfig;
    const needs = fieldConfig.pothosOptions.needs ?? exposedPath(fieldConfig);
    if (!needs) {
      throw new PothosSchemaError(
        `${coordinateOf(fieldConfig)} resolves on a masked type: expected "needs" with the paths of the upstream message that it reads ([] for none), or a field that exposes one.`,
      );
    }
    return { ...fieldConfig, extensions: { ...fieldConfig.extensions, [needsExtension]: needs } };
  }

  private isGuarded(typename: string): boolean {
    return isGuardedBy(this.builder.configStore.getTypeConfig(typename).pothosOptions);
  }

  private isMasked(typename: string): boolean {
    const { pothosOptions } = this.builder.configStore.getTypeConfig(typename);
    return 'masked' in pothosOptions && pothosOptions.masked === true;
  }
}

/** Only what changes something is done once. */
function withIdempotency<Types extends SchemaTypes>(
  fieldConfig: PothosOutputFieldConfig<Types>,
): PothosOutputFieldConfig<Types> {
  const { idempotency } = fieldConfig.pothosOptions;
  if (idempotency === undefined) return fieldConfig;
  if (fieldConfig.kind !== 'Mutation') {
    throw new PothosSchemaError(
      `${coordinateOf(fieldConfig)}: expected "idempotency" on a field of the mutation only.`,
    );
  }
  return { ...fieldConfig, extensions: { ...fieldConfig.extensions, [idempotencyExtension]: idempotency } };
}

/** The root fields of a mutation run one after another: what one has changed, the next must not read from memory. */
function forgetting<Context extends object>(
  resolver: GraphQLFieldResolver<unknown, Context, object>,
): GraphQLFieldResolver<unknown, Context, object> {
  return async (parent, args, context, info) => {
    try {
      return await resolver(parent, args, context, info);
    } finally {
      if (hasLoadedRows(context)) context.forget();
    }
  };
}

function coordinateOf({ parentType, name }: { readonly parentType: string; readonly name: string }): string {
  return `${parentType}.${name}`;
}

function boundedField<Types extends SchemaTypes>(fieldConfig: PothosOutputFieldConfig<Types>): BoundedField {
  const { type, extensions, pothosOptions } = fieldConfig;
  const weights: { readonly listSize?: ListSize } = extensions?.[weightsExtension] ?? {};
  return {
    coordinate: coordinateOf(fieldConfig),
    isList: type.kind === 'List',
    listSize: weights.listSize,
    overflow: pothosOptions.overflow ?? 'error',
  };
}

/** Whether it is an operation's context: `operation/` is of the same rank, so its type cannot be named here. */
function hasLoadedRows(context: object): context is { readonly forget: () => void } {
  return 'forget' in context && typeof context.forget === 'function';
}

function exposedPath({ extensions }: { extensions?: Readonly<Record<string, unknown>> | null | undefined }) {
  const member = extensions?.['pothosExposedField'];
  return typeof member === 'string' ? [snakeCase(member)] : undefined;
}

function snakeCase(member: string): string {
  return member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

SchemaBuilder.registerPlugin(weirPluginName, WeirPlugin);
