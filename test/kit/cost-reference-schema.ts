import {
  type ConstDirectiveNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isAbstractType,
  isLeafType,
  valueFromASTUntyped,
} from 'graphql';

/** What `@listSize` says of a field; a field without it says nothing. */
export interface ListSize {
  readonly assumedSize: number | undefined;
  readonly slicingArguments: readonly string[];
  readonly sizedFields: readonly string[];
}

/** The weight that `@cost` gives; undefined without one. */
export function weightOf(
  element: GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField,
): number | undefined {
  return weightFrom(element.astNode?.directives);
}

/** Of a field, an argument or an input field without `@cost`: one for what is composite, nothing for leaves. */
export function defaultWeight(type: GraphQLType): number {
  return isLeafType(getNamedType(type)) ? 0 : 1;
}

/** An abstract type weighs as much as the heaviest of its object types. IBM GraphQL Cost 7.2. */
export function typeWeight(schema: GraphQLSchema, type: GraphQLNamedType): number {
  if (!isAbstractType(type)) return weightFrom(type.astNode?.directives) ?? defaultWeight(type);
  return Math.max(...schema.getPossibleTypes(type).map((possible) => typeWeight(schema, possible)));
}

export function listSizeOf(field: GraphQLField<unknown, unknown>): ListSize {
  const directives = field.astNode?.directives;
  const { assumedSize, slicingArguments, sizedFields } = argumentsOf(directives, 'listSize');
  return {
    assumedSize: typeof assumedSize === 'number' ? assumedSize : undefined,
    slicingArguments: namesFrom(slicingArguments),
    sizedFields: namesFrom(sizedFields),
  };
}

function weightFrom(directives: readonly ConstDirectiveNode[] | undefined): number | undefined {
  const { weight } = argumentsOf(directives, 'cost');
  return weight === undefined ? undefined : Number(weight);
}

function argumentsOf(
  directives: readonly ConstDirectiveNode[] | undefined,
  name: string,
): Readonly<Record<string, unknown>> {
  const directive = directives?.find((applied) => applied.name.value === name);
  if (!directive?.arguments) return {};
  return Object.fromEntries(
    directive.arguments.map(({ name, value }) => [name.value, valueFromASTUntyped(value)]),
  );
}

/** One name stands for a list of one, as always in GraphQL. */
function namesFrom(names: unknown): readonly string[] {
  return names ? [names].flat().map(String) : [];
}
