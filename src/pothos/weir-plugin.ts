import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { needsExtension } from '../upstream/mask.ts';

/** Name under which the plugin is listed in a builder's `plugins`. */
export const weirPluginName = 'weir';

declare global {
  // biome-ignore lint/style/noNamespace: Pothos plugins extend its options by merging into this namespace.
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      weir: WeirPlugin<Types>;
    }
    export interface ObjectTypeOptions<Types extends SchemaTypes, Shape> {
      /**
       * The rows of this type are upstream messages that are read with a read mask: every field then either exposes a
       * member or says what it `needs`. Default false.
       */
      masked?: boolean;
    }
    export interface FieldOptions<
      Types extends SchemaTypes = SchemaTypes,
      ParentShape = unknown,
      Type extends TypeParam<Types> = TypeParam<Types>,
      Nullable extends FieldNullability<Type> = FieldNullability<Type>,
      Args extends InputFieldMap = InputFieldMap,
      ResolveShape = unknown,
      ResolveReturnShape = unknown,
    > {
      /** Paths of the upstream message that the resolver reads (google.protobuf.FieldMask); `[]` for none. */
      needs?: readonly string[];
    }
  }
}

/** The schema builder's plugin: writes what a field needs of its upstream message into the field's extensions. */
export class WeirPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(fieldConfig: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    if (!this.isMasked(fieldConfig.parentType)) return fieldConfig;
    const needs = fieldConfig.pothosOptions.needs ?? exposedPath(fieldConfig);
    if (!needs) {
      throw new PothosSchemaError(
        `${fieldConfig.parentType}.${fieldConfig.name} resolves on a masked type: expected "needs" with the paths of the upstream message that it reads ([] for none), or a field that exposes one.`,
      );
    }
    return { ...fieldConfig, extensions: { ...fieldConfig.extensions, [needsExtension]: needs } };
  }

  /** The root fields of a mutation run one after another: what one has changed, the next must not read from memory. */
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { kind }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (kind !== 'Mutation') return resolver;
    return async (parent, args, context, info) => {
      try {
        return await resolver(parent, args, context, info);
      } finally {
        if (hasLoadedRows(context)) context.forget();
      }
    };
  }

  private isMasked(typename: string): boolean {
    const { pothosOptions } = this.builder.configStore.getTypeConfig(typename);
    return 'masked' in pothosOptions && pothosOptions.masked === true;
  }
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
