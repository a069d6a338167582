import {
  type GraphQLAbstractType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputObjectType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  getNullableType,
  isAbstractType,
  isCompositeType,
  isInputObjectType,
  isIntrospectionType,
  isLeafType,
  isListType,
  isObjectType,
  valueFromASTUntyped,
} from 'graphql';
import { introspectionSizes } from './introspection-sizes.ts';
import {
  callsOf,
  type FieldCall,
  type GatewayPages,
  type ListSize,
  listSizeOf,
  weightOf,
  withGatewayPages,
} from './weights.ts';

/** Defaults of a cost model. */
export interface CostModelOptions {
  /** Items of a list that nothing sizes. Default Infinity: such a list has no bound. */
  readonly defaultListSize?: number | undefined;
  /** Sizes of the pages that connections have where they say nothing else. Default: none, such a list is not sized. */
  readonly pages?: GatewayPages | undefined;
}

/** What pricing needs to know of an argument or input field. */
export interface InputFacts {
  readonly name: string;
  /** Paid once when a value is given, however long a list it is. */
  readonly weight: number;
  readonly isList: boolean;
  /** As JSON; undefined without a default. */
  readonly defaultValue: unknown;
  /** Of an input object, or a list of them. */
  readonly inputType: GraphQLInputObjectType | undefined;
}

/** What pricing needs to know of one field of one object type. */
export interface FieldFacts {
  readonly name: string;
  /** The same for fields that cannot be told apart by their price. */
  readonly profile: number;
  /** Of one call: `@cost`, else 1 for composite types and 0 for leaves. */
  readonly callWeight: number;
  /** Of one item's type; of an abstract type the largest of its object types. IBM GraphQL Cost Directives. */
  readonly itemWeight: number;
  /** Points of one item whatever its type is: `@cost` of the field; undefined without. */
  readonly ownPoints: number | undefined;
  readonly isList: boolean;
  readonly type: GraphQLNamedType;
  readonly listSize: ListSize | undefined;
  readonly args: readonly InputFacts[];
  readonly calls: readonly FieldCall[];
}

/** The weights of one schema, read once. */
export interface CostModel {
  readonly schema: GraphQLSchema;
  readonly defaultListSize: number;
  /** Undefined for a field that the type lacks. */
  readonly field: (type: GraphQLObjectType, name: string) => FieldFacts | undefined;
  /** Whether all object types that an object of `type` may have have the field, at the same price. */
  readonly isAlike: (type: GraphQLNamedType, name: string) => boolean;
  readonly weightOfType: (type: GraphQLNamedType) => number;
  /** The object types that an object there may have. */
  readonly possibleTypes: (type: GraphQLNamedType) => readonly GraphQLObjectType[];
  readonly inputFields: (type: GraphQLInputObjectType) => readonly InputFacts[];
  readonly directiveArguments: (directive: string) => readonly InputFacts[];
}

/**
 * Reads all weights of a schema (see weights.ts). Throws RangeError for a weight or size that is none, and for a
 * `defaultListSize` below 0.
 */
export function createCostModel(schema: GraphQLSchema, options: CostModelOptions = {}): CostModel {
  const { defaultListSize = Number.POSITIVE_INFINITY, pages } = options;
  if (!(defaultListSize >= 0)) {
    throw new RangeError(`Expected "defaultListSize" to be a number from 0, got ${defaultListSize}.`);
  }
  const types = Object.values(schema.getTypeMap());
  const weights = new Map(types.map((type) => [type, typeWeight(schema, type)]));
  const read: Reading = {
    schema,
    weights,
    pages,
    profiles: new Map(),
    introspection: introspectionSizes(schema),
  };
  const fields = new Map(types.filter(isObjectType).map((type) => [type, fieldsOf(read, type)]));
  const inputs = new Map(types.filter(isInputObjectType).map((type) => [type, inputFieldsOf(type)]));
  const directives = new Map(
    schema.getDirectives().map(({ name, args }) => [name, args.map((arg) => inputFacts(arg, `@${name}`))]),
  );
  const alike = new Map<GraphQLNamedType, ReadonlySet<string>>(
    types.filter(isAbstractType).map((type) => [type, alikeFields(schema, type, fields)]),
  );
  return {
    schema,
    defaultListSize,
    isAlike: (type, name) => alike.get(type)?.has(name) ?? false,
    field: (type, name) => fields.get(type)?.get(name),
    weightOfType: (type) => weights.get(type) ?? 0,
    possibleTypes: (type) => possibleTypes(schema, type),
    inputFields: (type) => inputs.get(type) ?? [],
    directiveArguments: (directive) => directives.get(directive) ?? [],
  };
}

interface Reading {
  readonly schema: GraphQLSchema;
  readonly weights: ReadonlyMap<GraphQLNamedType, number>;
  /** Numbers of what has been read, by all that counts of it. */
  readonly profiles: Map<string, number>;
  readonly introspection: ReadonlyMap<string, number>;
  readonly pages: GatewayPages | undefined;
}

function possibleTypes(schema: GraphQLSchema, type: GraphQLNamedType): readonly GraphQLObjectType[] {
  if (isAbstractType(type)) return schema.getPossibleTypes(type);
  return isObjectType(type) ? [type] : [];
}

function typeWeight(schema: GraphQLSchema, type: GraphQLNamedType): number {
  if (!isAbstractType(type)) return weightOf(type, type.name) ?? defaultWeight(type);
  const weights = schema.getPossibleTypes(type).map((possible) => typeWeight(schema, possible));
  return weights.length > 0 ? Math.max(...weights) : 1;
}

function defaultWeight(type: GraphQLType): number {
  return isLeafType(getNamedType(type)) ? 0 : 1;
}

function fieldsOf(read: Reading, type: GraphQLObjectType): ReadonlyMap<string, FieldFacts> {
  const metaFields =
    type === read.schema.getQueryType()
      ? ['__schema', '__type'].flatMap((name) => read.schema.getField(type, name) ?? [])
      : [];
  const fields = [...Object.values(type.getFields()), ...metaFields];
  return new Map(fields.map((field) => [field.name, fieldFacts(read, field, `${type.name}.${field.name}`)]));
}

/** An object that describes the schema is made of what is in memory: tools that read all of it should be able to. */
const introspectionPoints = 1 / 256;

function isIntrospection(type: GraphQLNamedType): boolean {
  return isIntrospectionType(type) && isCompositeType(type);
}

function fieldFacts(read: Reading, field: GraphQLField<unknown, unknown>, coordinate: string): FieldFacts {
  const type = getNamedType(field.type);
  const weight = weightOf(field, coordinate);
  const facts = {
    name: field.name,
    callWeight: weight ?? defaultWeight(type),
    itemWeight: read.weights.get(type) ?? 0,
    ownPoints: weight ?? (isIntrospection(type) ? introspectionPoints : undefined),
    isList: isListType(getNullableType(field.type)),
    listSize: listSizeFrom(read, field, coordinate),
    args: field.args.map((arg) => inputFacts(arg, coordinate)),
    calls: callsOf(field),
  };
  return { ...facts, type, profile: profileOf(read, [type.name, isCompositeType(type), facts]) };
}

function listSizeFrom(
  { introspection, pages }: Reading,
  field: GraphQLField<unknown, unknown>,
  coordinate: string,
): ListSize | undefined {
  const listSize = listSizeOf(field, coordinate);
  if (listSize) return withGatewayPages(listSize, pages);
  const assumedSize = introspection.get(coordinate);
  return assumedSize === undefined ? undefined : { assumedSize };
}

/** Names of the fields that all object types of an abstract type have with the same profile. */
function alikeFields(
  schema: GraphQLSchema,
  type: GraphQLAbstractType,
  fields: ReadonlyMap<GraphQLObjectType, ReadonlyMap<string, FieldFacts>>,
): ReadonlySet<string> {
  const [first, ...others] = schema.getPossibleTypes(type).map((one) => fields.get(one));
  const common = [...(first?.values() ?? [])].filter(({ name, profile }) =>
    others.every((one) => one?.get(name)?.profile === profile),
  );
  return new Set(['__typename', ...common.map(({ name }) => name)]);
}

function profileOf({ profiles }: Reading, parts: readonly unknown[]): number {
  const key = JSON.stringify(parts, (_, part) => {
    // Of an input type its name says all there is; no JSON has large integers.
    return isInputObjectType(part) ? part.name : typeof part === 'bigint' ? `${part}n` : part;
  });
  const known = profiles.get(key);
  if (known !== undefined) return known;
  profiles.set(key, profiles.size);
  return profiles.size - 1;
}

function inputFieldsOf(type: GraphQLInputObjectType): readonly InputFacts[] {
  return Object.values(type.getFields()).map((field) => inputFacts(field, type.name));
}

function inputFacts(input: GraphQLArgument | GraphQLInputField, owner: string): InputFacts {
  const type = getNamedType(input.type);
  return {
    name: input.name,
    weight: weightOf(input, `${owner}.${input.name}`) ?? defaultWeight(type),
    isList: isListType(getNullableType(input.type)),
    defaultValue: defaultValueOf(input),
    inputType: isInputObjectType(type) ? type : undefined,
  };
}

function defaultValueOf({
  default: given,
  defaultValue,
  astNode,
}: GraphQLArgument | GraphQLInputField): unknown {
  if (given) return given.literal ? valueFromASTUntyped(given.literal) : given.value;
  return astNode?.defaultValue ? valueFromASTUntyped(astNode.defaultValue) : defaultValue;
}
