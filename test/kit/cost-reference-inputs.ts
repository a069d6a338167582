import {
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  getNamedType,
  isInputObjectType,
  Kind,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import { type Given, type GivenVariables, type PriceCase, unknown } from './cost-reference-case.ts';
import { defaultWeight, weightOf } from './cost-reference-schema.ts';

type InputDefinition = GraphQLArgument | GraphQLInputField;

/** The value of a literal, in which variables stand for what is known of them. */
export function givenFrom(node: ValueNode | undefined, variables: GivenVariables | null): Given {
  if (!node) return undefined;
  if (node.kind === Kind.VARIABLE) return variables ? variables[node.name.value] : unknown;
  if (node.kind === Kind.LIST) return node.values.map((value) => givenFrom(value, variables));
  if (node.kind === Kind.OBJECT) {
    return Object.fromEntries(
      node.fields.map(({ name, value }) => [name.value, givenFrom(value, variables)]),
    );
  }
  // A literal without variables, lists and objects: only scalars are left.
  return valueFromASTUntyped(node) as Given;
}

/** The value that counts: the given one, else the default of the schema. Null is given. */
export function effectiveValue(one: PriceCase, definition: InputDefinition, given: Given): Given {
  const value = given === null ? one.rules.given(given) : given;
  return value === undefined ? givenFrom(definition.astNode?.defaultValue, {}) : value;
}

/** What all arguments of one field node add to its call, and those of the directives on it; may be negative. */
export function inputsCost(one: PriceCase, field: GraphQLField<unknown, unknown>, node: FieldNode): number {
  const directives = (node.directives ?? []).map((applied) =>
    argumentsCost(one, one.question.schema.getDirective(applied.name.value)?.args ?? [], applied),
  );
  return directives.reduce((total, cost) => total + cost, argumentsCost(one, field.args, node));
}

function argumentsCost(
  one: PriceCase,
  definitions: readonly GraphQLArgument[],
  node: Pick<FieldNode, 'arguments'>,
): number {
  let cost = 0;
  for (const definition of definitions) {
    const supplied = node.arguments?.find(({ name }) => name.value === definition.name)?.value;
    cost += inputCost(one, definition, givenFrom(supplied, one.variables));
  }
  return cost;
}

/** One argument or input field: its weight once, and the input fields below it. */
function inputCost(one: PriceCase, definition: InputDefinition, given: Given): number {
  const value = effectiveValue(one, definition, given);
  if (value === undefined) return 0;
  if (value === unknown) return unknownInputCost(definition, []);
  const weight = weightOf(definition) ?? defaultWeight(definition.type);
  return weight + fieldsCost(one, getNamedType(definition.type), value);
}

/** The input fields in a value: those of each object in it, with the defaults of those that it lacks. */
function fieldsCost(one: PriceCase, type: GraphQLNamedType, value: Given): number {
  if (!isInputObjectType(type)) return 0;
  if (value === unknown) return unknownFieldsCost(type, []);
  if (Array.isArray(value)) {
    return value.reduce((total, item) => total + fieldsCost(one, type, item), 0);
  }
  if (value === null || typeof value !== 'object') return 0;
  // A list was answered above, which `Array.isArray` does not tell of a read-only one.
  const given = value as Readonly<Record<string, Given>>;
  let cost = 0;
  for (const field of Object.values(type.getFields())) cost += inputCost(one, field, given[field.name]);
  return cost;
}

/**
 * The dearest value there is, of those with one item per list and no input type below itself: the others have no end.
 * Leaving out what would lower the price is always possible but for required fields, so this is never too low.
 */
function unknownInputCost(definition: InputDefinition, path: readonly GraphQLNamedType[]): number {
  const weight = weightOf(definition) ?? defaultWeight(definition.type);
  return Math.max(0, weight + unknownFieldsCost(getNamedType(definition.type), path));
}

function unknownFieldsCost(type: GraphQLNamedType, path: readonly GraphQLNamedType[]): number {
  if (!isInputObjectType(type) || path.includes(type)) return 0;
  return Object.values(type.getFields()).reduce(
    (total, field) => total + unknownInputCost(field, [...path, type]),
    0,
  );
}
