import { type FieldNode, type GraphQLObjectType, isAbstractType, Kind, type SelectionSetNode } from 'graphql';
import { isIncluded, type Outcome } from './conditions.ts';
import type { CostModel } from './cost-model.ts';
import { fragmentOf, type OperationParts } from './operation-parts.ts';

/** How many selections may still be looked at. */
export interface Work {
  left: number;
}

/**
 * The fields of an object of one type by response name: GraphQL specification, section 6.3.2, CollectFields. Gives up,
 * with whatever it has, once there is no work left.
 */
export function collectFields(
  parts: OperationParts,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  outcome: Outcome,
  work: Work,
): ReadonlyMap<string, readonly [FieldNode, ...FieldNode[]]> {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const spread = new Set<string>();

  function collect({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      work.left -= 1;
      if (work.left < 0) return;
      if (!isIncluded(selection, outcome)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const nodes = fields.get(key);
        if (nodes) nodes.push(selection);
        else fields.set(key, [selection]);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spread.has(selection.name.value)) continue;
        spread.add(selection.name.value);
      }
      const { selectionSet, condition } = fragmentOf(parts, selection);
      if (isApplied(parts.model, condition, type)) collect(selectionSet);
    }
  }

  sets.forEach(collect);
  return fields;
}

/** Object types to which the same fragments of a place apply. */
export type Region = readonly [GraphQLObjectType, ...GraphQLObjectType[]];

/** Parts the object types of a place into regions, by the type conditions of all fragments there. */
export function regionsFrom(
  parts: OperationParts,
  types: readonly GraphQLObjectType[],
  sets: readonly SelectionSetNode[],
  work: Work,
): readonly Region[] {
  const [first, ...others] = types;
  if (!first) return [];
  const conditions = others.length > 0 ? conditionsOf(parts, sets, work) : undefined;
  if (!conditions?.size) return [[first, ...others]];
  const regions = new Map<string, [GraphQLObjectType, ...GraphQLObjectType[]]>();
  for (const type of types) {
    let applying = '';
    for (const condition of conditions) applying += isApplied(parts.model, condition, type) ? '1' : '0';
    const region = regions.get(applying);
    if (region) region.push(type);
    else regions.set(applying, [type]);
  }
  return [...regions.values()];
}

function conditionsOf(
  parts: OperationParts,
  sets: readonly SelectionSetNode[],
  work: Work,
): ReadonlySet<string> {
  const conditions = new Set<string>();
  const visited = new Set<SelectionSetNode>();
  const visit = (set: SelectionSetNode): void => {
    if (visited.has(set)) return;
    visited.add(set);
    for (const selection of set.selections) {
      work.left -= 1;
      if (selection.kind === Kind.FIELD) continue;
      if (work.left < 0) return;
      const { selectionSet, condition } = fragmentOf(parts, selection);
      if (condition !== undefined) conditions.add(condition);
      visit(selectionSet);
    }
  };
  sets.forEach(visit);
  return conditions;
}

/** Whether a fragment with this type condition, if any, is for objects of a type. */
export function isApplied(
  { schema }: CostModel,
  condition: string | undefined,
  type: GraphQLObjectType,
): boolean {
  if (condition === undefined || condition === type.name) return true;
  const named = schema.getType(condition);
  return isAbstractType(named) && schema.isSubType(named, type);
}

/**
 * How many fields an operation asks for when all of its fragments are written out, but for those that stand in one
 * place more than once; Infinity when fragments contain themselves. Conditions and types are not looked at.
 */
export function countFields(parts: OperationParts): number {
  const known = new Map<FieldNode, number>();

  function below(set: SelectionSetNode): number {
    let count = 0;
    const visited = new Set<SelectionSetNode>();
    const visit = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          count += 1 + (selection.selectionSet ? ofField(selection, selection.selectionSet) : 0);
          continue;
        }
        const { selectionSet } = fragmentOf(parts, selection);
        if (visited.has(selectionSet)) continue;
        visited.add(selectionSet);
        visit(selectionSet);
      }
    };
    visit(set);
    return count;
  }

  function ofField(node: FieldNode, set: SelectionSetNode): number {
    const remembered = known.get(node);
    if (remembered !== undefined) return remembered;
    // What is met again while it is counted contains itself.
    known.set(node, Number.POSITIVE_INFINITY);
    const count = below(set);
    known.set(node, count);
    return count;
  }

  return below(parts.operation.selectionSet);
}
