import { type ConstDirectiveNode, type ConstValueNode, Kind } from 'graphql';

/** Under which name a code-first schema keeps weights in the `extensions` of its elements; src/pothos writes them. */
export const weightsExtension = 'weir';

/** How long a field's lists are: IBM's `@listSize`, and two bounds that a server enforces itself. Sizes are in items. */
export interface ListSize {
  /** Items when no slicing argument is given. */
  readonly assumedSize?: number;
  /**
   * Names of arguments that say how many items are asked for: an integer by its value, a list by its length (as in Apollo's
   * demand control). The largest given one counts.
   */
  readonly slicingArguments?: readonly string[];
  /** Fields of the returned object that are the lists meant, instead of this field itself. */
  readonly sizedFields?: readonly string[];
  /** Whether a client must give exactly one slicing argument. Default true; pricing does not depend on it. */
  readonly requireOneSlicingArgument?: boolean;
  /** Most items that a slicing argument may ask for: larger values never reach the resolver. In SDL: `@listBound`. */
  readonly maximum?: number;
  /** Items when no slicing argument is given; goes before `assumedSize`. */
  readonly defaultSize?: number;
}

/** Sizes of a gateway's pages, in items. */
export interface GatewayPages {
  /** Items when neither `first` nor `last` is given. */
  readonly defaultSize: number;
  /** Most that either may ask for. */
  readonly maxSize: number;
}

/** What resolving a field once asks of an upstream. */
export interface FieldCall {
  readonly upstream: string;
  readonly method: string;
  /** Name of the loader that batches it over all objects of one place; absent: one call for each object. */
  readonly loader?: string;
  /** Most keys of one batch. Default: no bound, so one call. */
  readonly maxBatchSize?: number;
  /**
   * Keys that one object loads: one, or one for each item of the list that the field gives or hands down by `sizedFields`.
   * Default `object`.
   */
  readonly keys?: 'object' | 'items';
  /** Points of one call. Default 1. */
  readonly call?: number;
  /** Points of one key. Default 0. */
  readonly perKey?: number;
}

/** What stands under `extensions.weir` of a type, field, argument or input field. */
export interface Weights {
  /** IBM's `@cost(weight:)`: any finite number, below 0 as well. */
  readonly cost?: number;
  readonly listSize?: ListSize;
  readonly calls?: readonly FieldCall[];
}

/** A schema element, as far as weights are concerned: what graphql-js has in common for all of them. */
export interface WeighedElement {
  readonly extensions?: object | null | undefined;
  readonly astNode?: AnnotatedNode | null | undefined;
  readonly extensionASTNodes?: readonly AnnotatedNode[] | undefined;
}

interface AnnotatedNode {
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
}

/**
 * The weight of a schema element: `extensions.weir.cost`, else `@cost(weight: String!)` of its SDL (IBM GraphQL Cost
 * Directives, section "The Cost Directive"); undefined without either. Throws RangeError for what is no finite number.
 */
export function weightOf(element: WeighedElement, coordinate: string): number | undefined {
  const { cost } = weightsOf(element);
  if (cost !== undefined) return assertFinite(cost, coordinate);
  const weight = argumentsOf(element, 'cost')?.get('weight');
  if (!weight) return undefined;
  const text = 'value' in weight ? String(weight.value).trim() : '';
  return assertFinite(text === '' ? Number.NaN : Number(text), coordinate);
}

/**
 * The list size of a field: `extensions.weir.listSize`, else `@listSize` of its SDL, with the maximum of `@listBound`;
 * undefined without either. Throws RangeError for a size below 0.
 */
export function listSizeOf(field: WeighedElement, coordinate: string): ListSize | undefined {
  const { listSize } = weightsOf(field);
  if (listSize) return assertSizes(listSize, coordinate);
  const given = argumentsOf(field, 'listSize');
  if (!given) return undefined;
  const assumed = given.get('assumedSize');
  const required = given.get('requireOneSlicingArgument');
  const maximum = argumentsOf(field, 'listBound')?.get('maximum');
  return assertSizes(
    {
      ...(maximum?.kind === Kind.INT && { maximum: Number(maximum.value) }),
      ...(assumed?.kind === Kind.INT && { assumedSize: Number(assumed.value) }),
      slicingArguments: namesOf(given.get('slicingArguments')),
      sizedFields: namesOf(given.get('sizedFields')),
      requireOneSlicingArgument: required?.kind !== Kind.BOOLEAN || required.value,
    },
    coordinate,
  );
}

/**
 * Whether a list is as long as the gateway's pages where it says nothing else: `first` and `last` slice it, either may be
 * left out, and nothing is assumed. So are all connections of a code-first schema.
 */
export function hasGatewayPages(listSize: ListSize): boolean {
  const { slicingArguments = [], requireOneSlicingArgument = true, assumedSize } = listSize;
  if (slicingArguments.length === 0 || requireOneSlicingArgument || assumedSize !== undefined) return false;
  return slicingArguments.every((name) => name === 'first' || name === 'last');
}

/** A list size with the gateway's page sizes where they count and it has none of its own. */
export function withGatewayPages(listSize: ListSize, pages: GatewayPages | undefined): ListSize {
  if (!pages || !hasGatewayPages(listSize)) return listSize;
  const { defaultSize = pages.defaultSize, maximum = pages.maxSize } = listSize;
  return { ...listSize, defaultSize, maximum };
}

/** The calls that resolving a field once makes, from `extensions.weir.calls`; none for a field without. */
export function callsOf(field: WeighedElement): readonly FieldCall[] {
  return weightsOf(field).calls ?? [];
}

function weightsOf({ extensions }: WeighedElement): Weights {
  const found = extensions && weightsExtension in extensions ? extensions[weightsExtension] : undefined;
  // What stands there was written by the schema's own code, through this file's types.
  return typeof found === 'object' && found !== null ? (found as Weights) : {};
}

function argumentsOf(
  { astNode, extensionASTNodes = [] }: WeighedElement,
  name: string,
): ReadonlyMap<string, ConstValueNode> | undefined {
  for (const node of [astNode, ...extensionASTNodes]) {
    const directive = node?.directives?.find((candidate) => candidate.name.value === name);
    if (directive) return new Map(directive.arguments?.map((given) => [given.name.value, given.value]));
  }
  return undefined;
}

/** A list of names, or one alone: input coercion makes a list of it (GraphQL specification, section 3.11). */
function namesOf(value: ConstValueNode | undefined): readonly string[] {
  const values = value?.kind === Kind.LIST ? value.values : value ? [value] : [];
  return values.flatMap((item) => (item.kind === Kind.STRING ? item.value : []));
}

function assertFinite(weight: number, coordinate: string): number {
  if (Number.isFinite(weight)) return weight;
  throw new RangeError(
    `${coordinate}: expected a finite number as its cost, for example @cost(weight: "2.5"), got ${weight}.`,
  );
}

function assertSizes(listSize: ListSize, coordinate: string): ListSize {
  for (const name of ['assumedSize', 'maximum', 'defaultSize'] as const) {
    const size = listSize[name];
    if (size === undefined || (Number.isInteger(size) && size >= 0)) continue;
    throw new RangeError(
      `${coordinate}: expected "${name}" of its list size to be a whole number from 0, got ${size}.`,
    );
  }
  return listSize;
}
