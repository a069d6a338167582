import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  OperationTypeNode,
} from 'graphql';
import { type PathToType, pathsToType } from './paths-to-type.ts';

/** One place in a schema where a caller writes a text: an argument, or a member of an input below one. */
export interface TextPlace {
  /** `Mutation.submitOrder(input.lines.product)` */
  readonly name: string;
  readonly operation: OperationTypeNode;
  /** Whether the text is an id of the graph. */
  readonly isId: boolean;
  readonly document: string;
  /** The variables with this text there, and with a good value in every other place that needs one. */
  readonly variables: (text: string) => Readonly<Record<string, unknown>>;
}

/** A good text for a place, by its name as {@link TextPlace.name} has it. */
export type GoodText = (name: string) => string;

const numbers = new Set(['Int', 'Float', 'Boolean']);

/** All places of a schema where a caller writes a text: at each root field, and at the fields of each type on one way to it. */
export function textPlaces(schema: GraphQLSchema, good: GoodText): readonly TextPlace[] {
  const roots = Object.values(OperationTypeNode).flatMap((operation) => {
    const root = schema.getRootType(operation);
    return root ? [{ operation, type: root, steps: [] }] : [];
  });
  const rootNames = new Set(roots.map(({ type }) => type.name));
  const others = Object.values(schema.getTypeMap()).flatMap((type) => {
    if (!isObjectType(type) || type.name.startsWith('__') || rootNames.has(type.name)) return [];
    // A query, so that asking again and again does nothing.
    const path = pathsToType(schema, type.name).find(
      ({ operation }) => operation === OperationTypeNode.QUERY,
    );
    return path ? [{ operation: path.operation, type, steps: path.steps }] : [];
  });
  return [...roots, ...others].flatMap(({ operation, type, steps }) =>
    Object.keys(type.getFields()).flatMap((field) =>
      placesOf(schema, { operation, type, steps, field }, good),
    ),
  );
}

interface Asked extends Pick<PathToType, 'operation' | 'steps'> {
  readonly type: GraphQLObjectType;
  readonly field: string;
}

function placesOf(schema: GraphQLSchema, asked: Asked, good: GoodText): readonly TextPlace[] {
  const { operation, type, field } = asked;
  const definition = type.getFields()[field];
  if (!definition) return [];
  return definition.args.flatMap((argument) =>
    pathsWithin(argument).map((path) => {
      const isMeant = (one: GraphQLArgument) => isRequiredArgument(one) || one === argument;
      const name = `${type.name}.${field}(${path.join('.')})`;
      return {
        name,
        operation,
        isId: getNamedType(typeBelow(argument, path)).name === 'ID',
        document: documentFor(schema, asked, definition.args.filter(isMeant), good),
        variables: (text: string) =>
          Object.fromEntries(
            definition.args.filter(isMeant).map((one) => {
              const at = [one.name];
              const target = one === argument ? { path, text } : undefined;
              return [one.name, inputOf(one.type, at, `${type.name}.${field}`, good, target)];
            }),
          ),
      };
    }),
  );
}

/** The names from an argument to each text below it. */
function pathsWithin(input: GraphQLArgument | GraphQLInputField): readonly (readonly string[])[] {
  const type = getNamedType(input.type);
  if (isScalarType(type)) return numbers.has(type.name) ? [] : [[input.name]];
  if (!isInputObjectType(type)) return [];
  return Object.values(type.getFields())
    .flatMap(pathsWithin)
    .map((path) => [input.name, ...path]);
}

function typeBelow(
  input: GraphQLArgument | GraphQLInputField,
  [, next, ...rest]: readonly string[],
): GraphQLInputType {
  const type = getNamedType(input.type);
  const below = next !== undefined && isInputObjectType(type) ? type.getFields()[next] : undefined;
  return below && next !== undefined ? typeBelow(below, [next, ...rest]) : input.type;
}

interface Target {
  readonly path: readonly string[];
  readonly text: string;
}

/** A value of a type with the target's text where it belongs, and otherwise what is needed and no more. */
function inputOf(
  type: GraphQLInputType,
  at: readonly string[],
  field: string,
  good: GoodText,
  target: Target | undefined,
): unknown {
  if (isNonNullType(type)) return inputOf(type.ofType, at, field, good, target);
  if (isListType(type)) return [inputOf(type.ofType, at, field, good, target)];
  const isOnWay = target !== undefined && at.every((name, depth) => target.path[depth] === name);
  if (isInputObjectType(type)) {
    const all = Object.values(type.getFields());
    const next = isOnWay ? target.path[at.length] : type.isOneOf ? all[0]?.name : undefined;
    const members = all.filter((one) => one.name === next || (!type.isOneOf && isRequiredInputField(one)));
    return Object.fromEntries(
      members.map((one) => [one.name, inputOf(one.type, [...at, one.name], field, good, target)]),
    );
  }
  if (isOnWay && at.length === target.path.length) return target.text;
  if (!isScalarType(type)) return type.getValues()[0]?.name;
  return type.name === 'Boolean' ? true : numbers.has(type.name) ? 1 : good(`${field}(${at.join('.')})`);
}

function documentFor(
  schema: GraphQLSchema,
  { operation, type, steps, field }: Asked,
  args: readonly GraphQLArgument[],
  good: GoodText,
): string {
  const declared = args.map(({ name, type: argument }) => `$${name}: ${argument}`).join(', ');
  const given = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const asked = `${field}(${given}) ${selectionOf(type.getFields()[field]?.type)}`;
  const below = steps.length === 0 ? asked : `... on ${type.name} { ${asked} }`;
  const selection = steps.reduceRight((inner, { parent, field: name, isChosen }) => {
    const owner = schema.getType(parent);
    const own = isObjectType(owner) ? owner.getFields()[name]?.args.filter(isRequiredArgument) : undefined;
    const values = own?.map((one) => {
      const value = inputOf(one.type, [one.name], `${parent}.${name}`, good, undefined);
      return `${one.name}: ${JSON.stringify(value)}`;
    });
    const text = `${name}${values?.length ? `(${values.join(', ')})` : ''} { ${inner} }`;
    return isChosen ? `... on ${parent} { ${text} }` : text;
  }, below);
  return `${operation}(${declared}) { ${selection} }`;
}

/** Everything that needs no arguments, so that it must be read; of a page its rows. */
function selectionOf(type: Parameters<typeof getNamedType>[0]): string {
  const named = getNamedType(type);
  if (!isCompositeType(named)) return '';
  if (!isObjectType(named)) return '{ __typename }';
  const leaves = Object.values(named.getFields()).flatMap((field) =>
    isLeafType(getNamedType(field.type)) && field.args.length === 0 ? [field.name] : [],
  );
  const rows = named.getFields()['edges'] ? ['edges { cursor }'] : [];
  return `{ ${['__typename', ...leaves, ...rows].join(' ')} }`;
}
