import { PothosSchemaError } from '@pothos/core';
import {
  type GraphQLField,
  GraphQLInt,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { hasGatewayPages, type ListSize, listSizeOf } from '../guard/cost/weights.ts';

type Field = GraphQLField<unknown, unknown>;
type Parent = GraphQLObjectType | GraphQLInterfaceType;

/** A field where it stands. */
interface Placed {
  readonly parent: Parent;
  readonly field: Field;
  /** `Parent.field`. */
  readonly coordinate: string;
  readonly listSize: ListSize | undefined;
}

/**
 * Throws PothosSchemaError unless every list of the schema has a bound: a `listSize` of its own, or one that hands it down
 * on every field that returns its parent. Checks what `listSize` says as well (IBM GraphQL Cost Directives, section "The
 * List Size Directive").
 */
export function assertListSizes(schema: GraphQLSchema): void {
  const fields = placedFields(schema);
  for (const placed of fields) if (placed.listSize) assertListSize(placed, placed.listSize);
  for (const placed of fields) if (isList(placed.field)) assertSized(schema, placed, fields);
}

function placedFields(schema: GraphQLSchema): readonly Placed[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => (isObjectType(type) || isInterfaceType(type)) && !isIntrospectionType(type))
    .flatMap((parent) =>
      isObjectType(parent) || isInterfaceType(parent)
        ? Object.values(parent.getFields()).map((field) => placedField(parent, field))
        : [],
    );
}

function placedField(parent: Parent, field: Field): Placed {
  const coordinate = `${parent.name}.${field.name}`;
  return { parent, field, coordinate, listSize: listSizeOf(field, coordinate) };
}

function isList({ type }: Field): boolean {
  return isListType(getNullableType(type));
}

function assertSized(schema: GraphQLSchema, placed: Placed, fields: readonly Placed[]): void {
  const { field, parent, coordinate, listSize } = placed;
  const list = getNullableType(field.type);
  if (isListType(list) && isListType(getNullableType(list.ofType)))
    throw new PothosSchemaError(
      `${coordinate} is a list of lists, and only the outer one could have a size: make the inner one a field of an object type.`,
    );
  if (listSize) return;
  const above = fields.filter((other) => returns(schema, other.field, parent));
  const silent = above.filter((other) => !other.listSize?.sizedFields?.includes(field.name));
  if (above.length > 0 && silent.length === 0) return;
  const names = silent.map((other) => other.coordinate).join(', ');
  const handed = names && `, or "sizedFields: ['${field.name}']" in the "listSize" of ${names}`;
  throw new PothosSchemaError(
    `${coordinate} is a list without a size, so no operation with it has a price. Write how long it is at most: "listSize: { assumedSize: 10 }" on the field, or "slicingArguments" with a "maximum"${handed}.`,
  );
}

function returns(schema: GraphQLSchema, { type }: Field, parent: Parent): boolean {
  const named = getNamedType(type);
  return named === parent || (isAbstractType(named) && schema.isSubType(named, parent));
}

function assertListSize(placed: Placed, listSize: ListSize): void {
  const fault =
    sizedFieldsFault(placed, listSize) ??
    slicingFault(placed, listSize) ??
    assumedFault(placed, listSize) ??
    boundFault(placed, listSize);
  if (fault) throw new PothosSchemaError(`${placed.coordinate}, "listSize": ${fault}`);
}

function sizedFieldsFault({ field }: Placed, { sizedFields = [] }: ListSize): string | undefined {
  if (sizedFields.length === 0)
    return isList(field) ? undefined : 'expected a list, or "sizedFields" that name the lists.';
  if (isList(field)) return 'expected no "sizedFields" on a list: its items are not one object.';
  const type = getNamedType(field.type);
  const members = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
  const wrong = sizedFields.find((name) => !members[name] || !isList(members[name]));
  return wrong === undefined
    ? undefined
    : `expected "sizedFields" to name lists of ${type.name}, got "${wrong}".`;
}

function slicingFault({ field }: Placed, { slicingArguments = [] }: ListSize): string | undefined {
  const wrong = slicingArguments.find((name) => {
    const type = getNullableType(field.args.find((argument) => argument.name === name)?.type);
    return type !== GraphQLInt && !isListType(type);
  });
  return wrong === undefined
    ? undefined
    : `expected "slicingArguments" to name arguments that are an Int or a list, got "${wrong}".`;
}

/** The specification's rule: what is assumed when nothing is given must not contradict what is always given. */
function assumedFault({ field }: Placed, listSize: ListSize): string | undefined {
  const { assumedSize, slicingArguments = [], requireOneSlicingArgument = true } = listSize;
  if (assumedSize === undefined || slicingArguments.length === 0) return undefined;
  if (requireOneSlicingArgument)
    return 'expected "requireOneSlicingArgument: false" where "assumedSize" stands beside "slicingArguments".';
  const defaulted = field.args.find(
    ({ name, default: given, defaultValue }) =>
      slicingArguments.includes(name) && (given ?? defaultValue) !== undefined,
  );
  return defaulted === undefined
    ? undefined
    : `expected no "assumedSize" where the slicing argument "${defaulted.name}" has a default.`;
}

function boundFault({ field }: Placed, listSize: ListSize): string | undefined {
  const {
    assumedSize,
    defaultSize,
    maximum,
    slicingArguments = [],
    requireOneSlicingArgument = true,
  } = listSize;
  if (hasGatewayPages(listSize)) return undefined;
  const given = defaultSize ?? assumedSize;
  if (slicingArguments.length === 0)
    return given === undefined ? 'expected an "assumedSize" or "slicingArguments".' : undefined;
  if (maximum === undefined)
    return 'expected a "maximum" beside "slicingArguments": the most items that may be asked for.';
  if (given !== undefined && given > maximum)
    return `expected at most the "maximum" of ${maximum} items when no slicing argument is given, got ${given}.`;
  const isAlwaysGiven = field.args.some(
    ({ name, type }) => slicingArguments.includes(name) && isNonNullType(type),
  );
  if (given !== undefined || requireOneSlicingArgument || isAlwaysGiven) return undefined;
  return 'expected an "assumedSize", or "requireOneSlicingArgument: true": without an argument nothing says how long the list is.';
}
