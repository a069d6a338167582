import {
  type ASTNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  type InputValueDefinitionNode,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql';
import { cachingOf } from '../caching/policy.ts';
import {
  type GatewayPages,
  type ListSize,
  listSizeOf,
  type WeighedElement,
  weightOf,
  withGatewayPages,
} from '../guard/cost/weights.ts';

/** IBM GraphQL Cost Directives, sections "The Cost Directive" and "The List Size Directive", and those that are our own. */
const directiveDefinitions = {
  cache: `"""
How long an answer with a field may be kept, and by whom: "public" or "private". Of a type: with those of its fields that
say nothing else. The strictest of an answer counts. Weir's own.
"""
directive @cache(maxAgeSeconds: Int!, scope: String!) on FIELD_DEFINITION | OBJECT`,
  cost: `"""What an element costs, in points: a number as text (IBM GraphQL Cost Directives)."""
directive @cost(weight: String!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR`,
  listSize: `"""
How long the lists of a field are: by the largest slicing argument given, else as assumed (IBM GraphQL Cost Directives).
"""
directive @listSize(
  assumedSize: Int
  slicingArguments: [String!]
  sizedFields: [String!]
  requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION`,
  listBound: `"""
The most items that a slicing argument may ask for. What is above it is refused, so nothing costs more: with it, prices
without variables are the same from this text as in the server. Weir's own.
"""
directive @listBound(maximum: Int!) on FIELD_DEFINITION`,
} as const;

type DirectiveName = keyof typeof directiveDefinitions;

/** A directive that is to stand in the text. */
interface Insertion {
  /** Offset in the text without any of them. */
  readonly at: number;
  readonly name: DirectiveName;
  /** `name: value` by name. */
  readonly arguments: Readonly<Record<string, string>>;
}

/**
 * The schema as SDL, sorted by name, with its prices as IBM's `@cost` and `@listSize` (and `@listBound`), and with what may
 * be cached as `@cache`, all of which printSchema of graphql-js leaves out. `pages` are the gateway's page sizes: the assumed size of each connection that has none of its own.
 */
export function printPricedSchema(schema: GraphQLSchema, pages?: GatewayPages): string {
  const sorted = lexicographicSortSchema(schema);
  const text = printSchema(sorted);
  const insertions = parse(text).definitions.flatMap((node) => definitionInsertions(sorted, node, pages));
  const used = new Set(insertions.map(({ name }) => name));
  const definitions = [...used].filter((name) => !sorted.getDirective(name)).sort();
  return [...definitions.map((name) => directiveDefinitions[name]), `${inserted(text, insertions)}\n`].join(
    '\n\n',
  );
}

function inserted(text: string, insertions: readonly Insertion[]): string {
  let result = '';
  let from = 0;
  for (const { at, name, arguments: given } of insertions.toSorted((a, b) => a.at - b.at)) {
    const values = Object.entries(given).map(([argument, value]) => `${argument}: ${value}`);
    result += `${text.slice(from, at)} @${name}(${values.join(', ')})`;
    from = at;
  }
  return result + text.slice(from);
}

function definitionInsertions(
  schema: GraphQLSchema,
  node: DefinitionNode,
  pages: GatewayPages | undefined,
): Insertion[] {
  switch (node.kind) {
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.ENUM_TYPE_DEFINITION:
      return costInsertions(headOf(node), schema.getType(node.name.value), node.name.value);
    case Kind.INPUT_OBJECT_TYPE_DEFINITION: {
      const type = schema.getType(node.name.value);
      const fields = isInputObjectType(type) ? type.getFields() : {};
      return inputInsertions(node.fields, (name) => fields[name], node.name.value);
    }
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_DEFINITION: {
      const type = schema.getType(node.name.value);
      const fields = isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
      return [
        ...costInsertions(headOf(node), type, node.name.value),
        ...cacheInsertions(headOf(node), type),
        ...(node.fields ?? []).flatMap((field) =>
          fieldInsertions(field, fields[field.name.value], node.name.value, pages),
        ),
      ];
    }
    default:
      return [];
  }
}

function fieldInsertions(
  node: FieldDefinitionNode,
  field: GraphQLField<unknown, unknown> | undefined,
  owner: string,
  pages: GatewayPages | undefined,
): Insertion[] {
  const coordinate = `${owner}.${node.name.value}`;
  const listSize = field && listSizeOf(field, coordinate);
  const find = (name: string) => field?.args.find((argument) => argument.name === name);
  return [
    ...inputInsertions(node.arguments, find, coordinate),
    ...costInsertions(endOf(node), field, coordinate),
    ...cacheInsertions(endOf(node), field),
    ...(listSize ? sizeInsertions(endOf(node), withGatewayPages(listSize, pages)) : []),
  ];
}

function inputInsertions(
  nodes: readonly InputValueDefinitionNode[] | undefined,
  find: (name: string) => WeighedElement | undefined,
  owner: string,
): Insertion[] {
  return (nodes ?? []).flatMap((node) =>
    costInsertions(endOf(node), find(node.name.value), `${owner}, ${node.name.value}`),
  );
}

function costInsertions(at: number, element: WeighedElement | undefined, coordinate: string): Insertion[] {
  const weight = element && weightOf(element, coordinate);
  return weight === undefined ? [] : [{ at, name: 'cost', arguments: { weight: `"${weight}"` } }];
}

function cacheInsertions(at: number, element: { readonly extensions: object } | undefined): Insertion[] {
  const { cache } = element ? cachingOf(element) : {};
  if (cache === undefined || cache === 'parent') return [];
  const { maxAgeSeconds, scope } = cache;
  return [{ at, name: 'cache', arguments: { maxAgeSeconds: String(maxAgeSeconds), scope: `"${scope}"` } }];
}

function sizeInsertions(at: number, listSize: ListSize): Insertion[] {
  const { maximum } = listSize;
  const size = { at, name: 'listSize', arguments: sizeArguments(listSize) } as const;
  return maximum === undefined
    ? [size]
    : [size, { at, name: 'listBound', arguments: { maximum: String(maximum) } }];
}

/** Only what differs from the directive's defaults. */
function sizeArguments(listSize: ListSize): Readonly<Record<string, string>> {
  const { slicingArguments = [], sizedFields = [], requireOneSlicingArgument = true } = listSize;
  const isOptional = slicingArguments.length > 0 && !requireOneSlicingArgument;
  const assumedSize = listSize.defaultSize ?? listSize.assumedSize;
  return {
    ...(assumedSize !== undefined && { assumedSize: String(assumedSize) }),
    ...(slicingArguments.length > 0 && { slicingArguments: textList(slicingArguments) }),
    ...(sizedFields.length > 0 && { sizedFields: textList(sizedFields) }),
    ...(isOptional && { requireOneSlicingArgument: 'false' }),
  };
}

function textList(texts: readonly string[]): string {
  return `[${texts.map((text) => `"${text}"`).join(', ')}]`;
}

/** Where the head of a type ends: before its members. */
function headOf(
  node: Extract<
    DefinitionNode,
    { readonly name: ASTNode; readonly directives?: readonly ASTNode[] | undefined }
  >,
): number {
  const interfaces = 'interfaces' in node ? (node.interfaces ?? []) : [];
  return Math.max(...[node.name, ...interfaces, ...(node.directives ?? [])].map(endOf));
}

/** The parser leaves no node without its place unless it is told to. */
function endOf({ loc }: Pick<ASTNode, 'loc'>): number {
  return loc?.end ?? 0;
}
