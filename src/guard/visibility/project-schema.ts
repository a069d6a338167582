import {
  type GraphQLArgument,
  GraphQLDirective,
  GraphQLEnumType,
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
  type GraphQLType,
  GraphQLUnionType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedDirective,
  isUnionType,
  validateSchema,
} from 'graphql';
import { hidingResolver, withDefaults } from './hiding.ts';
import { leaks } from './leaks.ts';
import { reachableTypes } from './reachable.ts';
import { isShown, variantsOf, visibleElements } from './shown.ts';
import { toldNames } from './told-names.ts';

/** What a variant shows of a schema, or a line for each way in which that is no schema of its own. */
export type Projection =
  | { readonly ok: true; readonly schema: GraphQLSchema }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * The view that a variant has of a schema: without what says that it is for other variants, and without what nothing leads
 * to any more. A schema of its own, with types of its own, in which what is hidden was never there: no name of it is known,
 * and no resolver of it gives one. The schema itself where nothing is hidden in any variant. Faults: something shown that
 * leads to, or tells of, something hidden; a view that is not valid.
 */
export function projectSchema(schema: GraphQLSchema, variant: string): Projection {
  if (visibleElements(schema).every((element) => variantsOf(element) === undefined))
    return { ok: true, schema };
  const reached = reachableTypes(schema, variant);
  const faults = leaks({ schema, variant }, reached);
  if (faults.length > 0) return { ok: false, faults };
  const view = viewOf(schema, variant, reached);
  const invalid = [...validateSchema(view).map(({ message }) => message), ...toldNames(schema, view)];
  return invalid.length > 0 ? { ok: false, faults: invalid } : { ok: true, schema: view };
}

/** Where the types of a view are made. */
interface Making {
  readonly schema: GraphQLSchema;
  readonly variant: string;
  /** By name; a type that is not in it is the same in the view. */
  readonly made: ReadonlyMap<string, GraphQLNamedType>;
}

function viewOf(
  schema: GraphQLSchema,
  variant: string,
  reached: ReadonlySet<GraphQLNamedType>,
): GraphQLSchema {
  const made = new Map<string, GraphQLNamedType>();
  const making: Making = { schema, variant, made };
  for (const type of reached) {
    const own = typeOf(type, making);
    if (own) made.set(type.name, own);
  }
  const root = (type: GraphQLObjectType | null | undefined) =>
    type && reached.has(type) ? viewed(type, making) : undefined;
  return new GraphQLSchema({
    ...schema.toConfig(),
    query: root(schema.getQueryType()),
    mutation: root(schema.getMutationType()),
    subscription: root(schema.getSubscriptionType()),
    // In the order of the whole, so that both are printed alike.
    types: Object.values(schema.getTypeMap())
      .filter((type) => reached.has(type))
      .map((type) => viewed(type, making)),
    directives: schema.getDirectives().map((directive) => directiveOf(directive, making)),
    assumeValid: false,
  });
}

/** A type of the view; undefined for one that is as it was: leaves that hide nothing. */
function typeOf(type: GraphQLNamedType, making: Making): GraphQLNamedType | undefined {
  const { variant } = making;
  if (isObjectType(type))
    return new GraphQLObjectType({
      ...type.toConfig(),
      interfaces: () => shownOf(type.getInterfaces(), making),
      fields: () => fieldsOf(type, making),
    });
  if (isInterfaceType(type))
    return new GraphQLInterfaceType({
      ...type.toConfig(),
      interfaces: () => shownOf(type.getInterfaces(), making),
      fields: () => fieldsOf(type, making),
    });
  if (isUnionType(type))
    return new GraphQLUnionType({ ...type.toConfig(), types: () => shownOf(type.getTypes(), making) });
  if (isInputObjectType(type)) {
    const fields = () => inputsOf(Object.values(type.getFields()), making);
    return new GraphQLInputObjectType({ ...type.toConfig(), fields });
  }
  if (!isEnumType(type) || type.getValues().every((value) => isShown(value, variant))) return undefined;
  const values = type.getValues().filter((value) => isShown(value, variant));
  const entries = values.map((value) => [value.name, value.toConfig()] as const);
  return new GraphQLEnumType({ ...type.toConfig(), values: Object.fromEntries(entries) });
}

function fieldsOf(type: GraphQLObjectType | GraphQLInterfaceType, making: Making) {
  const fields: GraphQLField<unknown, unknown>[] = Object.values(type.getFields());
  const shown = fields.filter((field) => isShown(field, making.variant));
  return Object.fromEntries(shown.map((field) => [field.name, fieldOf(field, making)]));
}

function fieldOf(field: GraphQLField<unknown, unknown>, making: Making) {
  const { schema, variant } = making;
  return {
    ...field.toConfig(),
    type: viewed<GraphQLOutputType>(field.type, making),
    args: inputsOf(field.args, making),
    resolve: hidingResolver(field, schema, variant),
    subscribe: withDefaults(field.subscribe, field, variant),
  };
}

/** Arguments, or the fields of an input object. */
function inputsOf<Input extends Pick<GraphQLArgument, 'name' | 'type' | 'extensions' | 'toConfig'>>(
  inputs: readonly Input[],
  making: Making,
) {
  const shown = inputs.filter((input) => isShown(input as unknown as GraphQLArgument, making.variant)); // as: of either kind, only its extensions are looked at
  return Object.fromEntries(
    shown.map((input) => [
      input.name,
      { ...input.toConfig(), type: viewed<GraphQLInputType>(input.type, making) },
    ]),
  );
}

function directiveOf(directive: GraphQLDirective, making: Making): GraphQLDirective {
  if (isSpecifiedDirective(directive)) return directive;
  return new GraphQLDirective({ ...directive.toConfig(), args: inputsOf(directive.args, making) });
}

function shownOf<Type extends GraphQLNamedType>(types: readonly Type[], making: Making): Type[] {
  return types.filter((type) => isShown(type, making.variant)).map((type) => viewed(type, making));
}

/** The same type of the view: of the same kind, and wrapped alike. */
function viewed<Type extends GraphQLType>(type: Type, making: Making): Type {
  // as: each way gives what it was given, of the view
  if (isNonNullType(type)) return new GraphQLNonNull(viewed(type.ofType, making)) as unknown as Type;
  if (isListType(type)) return new GraphQLList(viewed(type.ofType, making)) as unknown as Type;
  return (making.made.get(String(type)) ?? type) as Type;
}
