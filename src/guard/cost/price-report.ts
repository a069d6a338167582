import {
  countOf,
  type Evaluation,
  type FieldUse,
  fieldCosts,
  inputsOf,
  type Place,
  sumCosts,
} from './formula.ts';
import type { Formula } from './priced-operation.ts';

/** Nodes of one report; what is further down is in the totals only. */
const maxNodes = 2_000;

/** The price of one field, with those below it. */
export interface PriceNode {
  /** Response names from the root, joined by `.`; empty for the operation itself. */
  readonly path: string;
  /** Type of one item; of the operation its root type. */
  readonly type: string;
  /** Points of one item without its children; of a mutation its base. */
  readonly own: number;
  /** Items on one parent object at most; 1 for what is no list. */
  readonly count: number;
  /** Points of arguments and directives for one parent object; may be below 0. */
  readonly inputs: number;
  /** Points for one parent object: count x (own + children) + inputs. */
  readonly total: number;
  /** Objects that were answered there, all together; undefined without a tally, and for leaves. */
  readonly actual: number | undefined;
  /** Fields of one item; of an abstract type those of its dearest object type. */
  readonly children: readonly PriceNode[];
}

/** What a report adds to the fields themselves. */
export interface ReportRoot {
  readonly typename: string;
  readonly ownPoints: number;
  readonly total: number;
  /** From {@link countsByPath}. */
  readonly counts: ReadonlyMap<string, number> | undefined;
}

/** The tree of an operation's fields with their points. At most 2,000 nodes, the first ones in document order. */
export function createPriceReport(evaluation: Evaluation, { root }: Formula, facts: ReportRoot): PriceNode {
  let left = maxNodes;

  function childrenOf(place: Place | undefined, path: string): readonly PriceNode[] {
    const children: PriceNode[] = [];
    for (const field of place ? dearestFields(evaluation, place) : []) {
      left -= 1;
      if (left < 0) break;
      children.push(nodeFrom(field, path === '' ? field.key : `${path}.${field.key}`));
    }
    return children;
  }

  function nodeFrom(field: FieldUse, path: string): PriceNode {
    return {
      path,
      type: field.typename,
      own: field.ownPoints ?? field.itemWeight,
      count: countOf(evaluation, field),
      inputs: inputsOf(evaluation, field),
      total: fieldCosts(evaluation, field).points,
      actual: field.place && facts.counts ? (facts.counts.get(path) ?? 0) : undefined,
      children: childrenOf(field.place, path),
    };
  }

  return {
    path: '',
    type: facts.typename,
    own: facts.ownPoints,
    count: 1,
    inputs: 0,
    total: facts.total,
    actual: facts.counts ? 1 : undefined,
    children: childrenOf(root, ''),
  };
}

/** Counts of a tally by path alone, whatever the type was. */
export function countsByPath(counts: Iterable<readonly [string, number]>): ReadonlyMap<string, number> {
  const byPath = new Map<string, number>();
  for (const [key, count] of counts) {
    const path = key.slice(0, key.indexOf(' '));
    byPath.set(path, (byPath.get(path) ?? 0) + count);
  }
  return byPath;
}

function dearestFields(evaluation: Evaluation, { cases }: Place): readonly FieldUse[] {
  let fields: readonly FieldUse[] = [];
  let points = Number.NEGATIVE_INFINITY;
  for (const one of cases) {
    const sum = sumCosts(evaluation, one.priced).points;
    if (sum <= points) continue;
    points = sum;
    fields = one.fields;
  }
  return fields;
}
