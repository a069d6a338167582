import { type FieldNode, Kind } from 'graphql';
import type { CostModel, FieldFacts } from './cost-model.ts';
import { givenValue, memberOf, type Variables } from './input-cost.ts';
import { clamp } from './saturating.ts';

/** How many items one use of a field says there are, as far as it is known before the variables. */
export interface DeclaredLength {
  /** The largest of the slicing arguments that are literals or defaults; undefined without one. */
  readonly literal: number | undefined;
  /** Slicing arguments that are variables, with what counts when one is absent. */
  readonly variables: readonly SlicingVariable[];
  /** What counts when no slicing argument is given; undefined when nothing says. */
  readonly unsliced: number | undefined;
  /** What counts for a variable of which nothing is known. */
  readonly unknown: number;
  /** Never more than that. */
  readonly maximum: number;
}

interface SlicingVariable {
  readonly name: string;
  /** Whether the argument is a list, which counts by its length. */
  readonly isList: boolean;
  readonly fallback: number | undefined;
}

/** What `@listSize` says of one use of a field; undefined without one. */
export function declaredLengthFrom(
  model: CostModel,
  facts: FieldFacts,
  node: FieldNode,
): DeclaredLength | undefined {
  const { listSize } = facts;
  if (!listSize) return undefined;
  const { slicingArguments = [], assumedSize, maximum = Number.POSITIVE_INFINITY } = listSize;
  const literals: number[] = [];
  const variables: SlicingVariable[] = [];
  for (const argument of facts.args.filter(({ name }) => slicingArguments.includes(name))) {
    const { isList, defaultValue } = argument;
    const given = node.arguments?.find(({ name }) => name.value === argument.name)?.value;
    const fallback = sliceFrom(defaultValue, isList);
    if (given?.kind === Kind.VARIABLE) {
      variables.push({ name: given.name.value, isList, fallback });
    } else {
      const slice = given ? sliceFrom(givenValue(given, {}), isList) : fallback;
      if (slice !== undefined) literals.push(slice);
    }
  }
  return {
    literal: literals.length > 0 ? Math.max(...literals) : undefined,
    variables,
    unsliced: listSize.defaultSize ?? assumedSize,
    unknown: listSize.maximum ?? assumedSize ?? model.defaultListSize,
    maximum,
  };
}

/** The items that there are at most with these variables; undefined when nothing says. */
export function lengthOf(declared: DeclaredLength, variables: Variables): number | undefined {
  let length = declared.literal;
  for (const variable of declared.variables) {
    const slice = variables === null ? declared.unknown : sliceOf(variable, variables);
    if (slice !== undefined && !(length !== undefined && length >= slice)) length = slice;
  }
  length ??= declared.unsliced;
  return length !== undefined && length > declared.maximum ? declared.maximum : length;
}

/** An absent variable leaves the argument to its default; null is given, and says nothing. */
function sliceOf({ name, isList, fallback }: SlicingVariable, variables: object): number | undefined {
  const value = memberOf(variables, name);
  return value === undefined ? fallback : sliceFrom(value, isList);
}

function sliceFrom(value: unknown, isList: boolean): number | undefined {
  if (value === undefined || value === null) return undefined;
  // One item stands for a list of one: GraphQL specification, section 3.11 (Lists, Input Coercion).
  if (isList) return Array.isArray(value) ? value.length : 1;
  return typeof value === 'number' ? clamp(value) : undefined;
}
