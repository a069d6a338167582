import {
  type DirectiveNode,
  type FieldNode,
  GraphQLDeferDirective,
  type GraphQLObjectType,
  GraphQLStreamDirective,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { isApplied, type Work } from './collect-fields.ts';
import { isIncluded, type Outcome } from './conditions.ts';
import { countOf, type Evaluation, type Place } from './formula.ts';
import { fragmentOf, type OperationParts } from './operation-parts.ts';
import { times } from './saturating.ts';

/** Whether a list may come item by item: `@stream`, whatever variable decides it. */
export function isStreamed(nodes: readonly FieldNode[]): boolean {
  return nodes.some((node) => asked(node, GraphQLStreamDirective.name) !== undefined);
}

/** Whether a fragment may come later: `@defer`, whatever variable decides it. */
export function isDeferred(selection: Exclude<SelectionNode, FieldNode>): boolean {
  return asked(selection, GraphQLDeferDirective.name) !== undefined;
}

/**
 * How often an object of a type asks for a fragment later. A fragment counts again for each `@defer` that it stands below,
 * as it is executed. Takes from `work`, and gives up with whatever it has once there is none left.
 */
export function countDeferred(
  parts: OperationParts,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  outcome: Outcome,
  work: Work,
): number {
  let count = 0;
  if (!parts.model.schema.getDirective(GraphQLDeferDirective.name)) return count;
  for (const set of sets) {
    const visited = new Map<string, Set<DirectiveNode | undefined>>();
    const visit = ({ selections }: SelectionSetNode, below: DirectiveNode | undefined): void => {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) continue;
        work.left -= 1;
        if (work.left < 0) return;
        if (!isIncluded(selection, outcome)) continue;
        const { selectionSet, condition } = fragmentOf(parts, selection);
        if (!isApplied(parts.model, condition, type)) continue;
        const own = asked(selection, GraphQLDeferDirective.name);
        if (selection.kind === Kind.FRAGMENT_SPREAD) {
          const seen = visited.get(selection.name.value) ?? new Set();
          if (seen.has(undefined) || seen.has(own ?? below)) continue;
          visited.set(selection.name.value, seen.add(own ?? below));
        }
        if (own) count += 1;
        visit(selectionSet, own ?? below);
      }
    };
    visit(set, undefined);
  }
  return count;
}

/** The most parts that an answer may have beside its first: fragments that come later, and lists that come item by item. */
export function deferredParts(evaluation: Evaluation, root: Place): number {
  const known = new Map<Place, number>();
  const below = (place: Place): number => {
    const remembered = known.get(place);
    if (remembered !== undefined) return remembered;
    let most = 0;
    for (const { fields } of place.cases) {
      let count = 0;
      for (const field of fields) {
        if (field.isStreamed) count += 1;
        if (field.place) count += times(countOf(evaluation, field), below(field.place));
      }
      most = Math.max(most, count);
    }
    known.set(place, place.deferred + most);
    return place.deferred + most;
  };
  return below(root);
}

function asked({ directives = [] }: SelectionNode, name: string): DirectiveNode | undefined {
  return directives.find((directive) => directive.name.value === name && !isOff(directive));
}

function isOff({ arguments: given = [] }: DirectiveNode): boolean {
  return given.some(({ name, value }) => name.value === 'if' && value.kind === Kind.BOOLEAN && !value.value);
}
