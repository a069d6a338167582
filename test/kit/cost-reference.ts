import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getVariableValues,
  isAbstractType,
  isListType,
  isObjectType,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import {
  type GivenVariables,
  type Price,
  type PriceCase,
  type PriceQuestion,
  type PriceRules,
  type PriceWork,
  unknown,
} from './cost-reference-case.ts';
import { booleanCases, collectFields, findOperation } from './cost-reference-fields.ts';
import { effectiveValue, givenFrom, inputsCost } from './cost-reference-inputs.ts';
import { defaultWeight, listSizeOf, typeWeight, weightOf } from './cost-reference-schema.ts';

export const definition: PriceRules = {
  oneOfTypes: dearest,
  sliceSize: (slice) => Math.max(0, slice),
  given: (value) => value,
};

type Field = GraphQLField<unknown, unknown>;

/** Sizes that a field hands to the lists among its children, by the name of their field. */
type SizedChildren = ReadonlyMap<string, number>;

/**
 * The price of an operation by enumerating the definition of the IBM GraphQL Cost specification: both values of each
 * Boolean variable that is not known, all object types at each abstract position. Slow, and meant to be read.
 * https://ibm.github.io/graphql-specs/cost-spec.html
 */
export function referencePrice(
  question: PriceQuestion,
  rules = definition,
  work: PriceWork = { selections: 0 },
): Price {
  const operation = findOperation(question.document, question.operationName);
  const variables = question.variables && coerce(question.schema, operation, question.variables);
  const cases = booleanCases(question.document, operation, variables);
  return dearest(
    cases.map((booleans) => priceOperation({ question, rules, variables, booleans, work }, operation)),
  );
}

function priceOperation(one: PriceCase, operation: OperationDefinitionNode): Price {
  const { schema } = one.question;
  const root = schema.getRootType(operation.operation);
  if (!root) throw new Error(`expected a schema with a ${operation.operation}`);
  const selected = priceItem(one, root, [operation.selectionSet], new Map());
  const calls = [...collectFields(one, root, [operation.selectionSet]).values()];
  const mutations = operation.operation === OperationTypeNode.MUTATION ? calls.filter(isPriced).length : 0;
  return {
    typeCost: clamp(typeWeight(schema, root) + selected.typeCost),
    fieldCost: selected.fieldCost,
    points: Math.max(1, 10 * mutations + selected.points),
  };
}

/** One object: the fields that are asked of it, each once per response name. */
function priceItem(
  one: PriceCase,
  type: GraphQLObjectType,
  selected: readonly SelectionSetNode[],
  sized: SizedChildren,
): Price {
  const fields = [...collectFields(one, type, selected).values()];
  return sum(fields.filter(isPriced).map((nodes) => priceField(one, type, nodes, sized)));
}

function isPriced([node]: readonly FieldNode[]): boolean {
  return node?.name.value !== '__typename';
}

/** One call of a field: all nodes of one response name on one object type, their children merged. */
function priceField(
  one: PriceCase,
  parent: GraphQLObjectType,
  nodes: readonly FieldNode[],
  sized: SizedChildren,
): Price {
  const { schema } = one.question;
  const [node] = nodes;
  const field = node && schema.getField(parent, node.name.value);
  if (!field) throw new Error(`${parent}.${node?.name.value}: expected a field of the schema`);
  const children = nodes.flatMap((merged) => merged.selectionSet ?? []);
  const handedDown = sizesForChildren(one, field, node);
  const item = one.rules.oneOfTypes(
    objectTypes(schema, field).map((type) => priceItem(one, type, children, handedDown)),
  );
  const count = isListType(getNullableType(field.type)) ? itemCount(one, field, node, sized) : 1;
  // Arguments of merged nodes are the same, by validation; directives need not be: the dearest node counts.
  const inputs = Math.max(...nodes.map((merged) => inputsCost(one, field, merged)));
  const weight = weightOf(field);
  const weightOfType = typeWeight(schema, getNamedType(field.type));
  return {
    typeCost: clamp(times(count, weightOfType + item.typeCost)),
    fieldCost: clamp((weight ?? defaultWeight(field.type)) + inputs) + times(count, item.fieldCost),
    points: clamp(times(count, clamp((weight ?? weightOfType) + item.points)) + inputs),
  };
}

function objectTypes(schema: GraphQLSchema, field: Field): readonly GraphQLObjectType[] {
  const type = getNamedType(field.type);
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}

function itemCount(one: PriceCase, field: Field, node: FieldNode, sized: SizedChildren): number {
  const sizesItself = listSizeOf(field).sizedFields.length === 0;
  const own = sizesItself ? declaredSize(one, field, node) : undefined;
  return sized.get(field.name) ?? own ?? one.question.defaultListSize;
}

function sizesForChildren(one: PriceCase, field: Field, node: FieldNode): SizedChildren {
  const size = declaredSize(one, field, node);
  if (size === undefined) return new Map();
  return new Map(listSizeOf(field).sizedFields.map((name) => [name, size]));
}

/** What the field's own `@listSize` says: its greatest slicing argument (a list counts its items), else the assumed size. */
function declaredSize(one: PriceCase, field: Field, node: FieldNode): number | undefined {
  const { slicingArguments, assumedSize } = listSizeOf(field);
  const slices: number[] = [];
  for (const argument of field.args.filter(({ name }) => slicingArguments.includes(name))) {
    const supplied = node.arguments?.find(({ name }) => name.value === argument.name)?.value;
    const value = effectiveValue(one, argument, givenFrom(supplied, one.variables));
    if (value === undefined || value === null) continue;
    if (value === unknown) slices.push(assumedSize ?? one.question.defaultListSize);
    else if (isListType(getNullableType(argument.type))) slices.push(Array.isArray(value) ? value.length : 1);
    else if (typeof value === 'number') slices.push(one.rules.sliceSize(value));
  }
  return slices.length > 0 ? Math.max(...slices) : assumedSize;
}

function coerce(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  inputs: Readonly<Record<string, unknown>>,
): GivenVariables {
  const { variableValues, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], inputs);
  if (errors) throw new AggregateError(errors, 'expected variables of the declared types');
  // `coerced` holds values of custom scalars too: nothing here looks into those.
  return variableValues.coerced as GivenVariables;
}

function sum(prices: readonly Price[]): Price {
  return combine(prices, (left, right) => left + right);
}

/** Each of the three numbers by itself. */
function dearest(prices: readonly Price[]): Price {
  return combine(prices, Math.max);
}

function combine(prices: readonly Price[], by: (left: number, right: number) => number): Price {
  const total = { typeCost: 0, fieldCost: 0, points: 0 };
  for (const price of prices) {
    total.typeCost = by(total.typeCost, price.typeCost);
    total.fieldCost = by(total.fieldCost, price.fieldCost);
    total.points = by(total.points, price.points);
  }
  return total;
}

function clamp(cost: number): number {
  return Math.max(0, cost);
}

/** No items cost nothing, and what costs nothing does so any number of times: 0 x Infinity is 0. */
function times(count: number, cost: number): number {
  return count === 0 || cost === 0 ? 0 : count * cost;
}
