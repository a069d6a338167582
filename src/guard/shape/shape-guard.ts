import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { ShapeLimitName, ShapeLimits } from './limits.ts';
import { bracesPerLevel } from './token-guard.ts';

/** How much is below a selection set, through fragments. */
interface Extent {
  /** Fields within each other. */
  readonly fields: number;
  /** Braces and spreads within each other. */
  readonly braces: number;
  /** Each spread counts those of its fragment. */
  readonly aliases: number;
}

interface Walk {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly maxBraces: number;
  /** By fragment; one that is still being walked has nothing below it, for a cycle is left to validation. */
  readonly extents: Map<string, Extent>;
}

const nothing: Extent = { fields: 0, braces: 0, aliases: 0 };

/** What is nested too deep to go on. */
const tooDeep: Extent = { ...nothing, braces: Number.POSITIVE_INFINITY };

/**
 * The first bound that a parsed document goes beyond through its fragments: depth, aliases, root fields. Linear in the
 * size of the document, whose every selection set is walked once: a fragment's extent is the same wherever it is spread.
 */
export function excessOfSelections(document: DocumentNode, limits: ShapeLimits): ShapeLimitName | undefined {
  const operations = document.definitions.filter(isOperation);
  const walk: Walk = {
    fragments: fragmentsOf(document),
    maxBraces: limits.maxDepth * bracesPerLevel,
    extents: new Map(),
  };
  let aliases = 0;
  for (const { operation, selectionSet } of operations) {
    const extent = extentOf(walk, selectionSet, 1);
    if (extent.fields > limits.maxDepth || extent.braces > walk.maxBraces) return 'maxDepth';
    aliases += extent.aliases;
    if (aliases > limits.maxAliases) return 'maxAliases';
    const rootFields = rootNames(walk.fragments, selectionSet).size;
    if (operation === OperationTypeNode.MUTATION && rootFields > limits.maxRootMutations)
      return 'maxRootMutations';
    if (rootFields > limits.maxRootFields) return 'maxRootFields';
  }
  return undefined;
}

function isOperation(definition: { readonly kind: Kind }): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION;
}

function fragmentsOf({ definitions }: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

/** `braces`: where the set itself stands; a walk that is too deep goes no further, so that the stack is bounded. */
function extentOf(walk: Walk, { selections }: SelectionSetNode, braces: number): Extent {
  if (braces > walk.maxBraces) return tooDeep;
  let fields = 0;
  let below = 0;
  let aliases = 0;
  for (const selection of selections) {
    const extent = extentOfSelection(walk, selection, braces + 1);
    fields = Math.max(fields, extent.fields);
    below = Math.max(below, extent.braces);
    aliases += extent.aliases;
  }
  return { fields, braces: below + 1, aliases };
}

function extentOfSelection(walk: Walk, selection: SelectionNode, braces: number): Extent {
  if (selection.kind === Kind.FIELD) return extentOfField(walk, selection, braces);
  if (selection.kind === Kind.INLINE_FRAGMENT) return extentOf(walk, selection.selectionSet, braces);
  return extentOfFragment(walk, selection.name.value, braces);
}

function extentOfField(walk: Walk, { alias, selectionSet }: FieldNode, level: number): Extent {
  const { fields, braces, aliases } = selectionSet ? extentOf(walk, selectionSet, level) : nothing;
  return { fields: fields + 1, braces, aliases: aliases + (alias ? 1 : 0) };
}

function extentOfFragment(walk: Walk, name: string, braces: number): Extent {
  const known = walk.extents.get(name);
  if (known) return known;
  const fragment = walk.fragments.get(name);
  if (!fragment) return nothing;
  walk.extents.set(name, nothing);
  const extent = extentOf(walk, fragment.selectionSet, braces);
  walk.extents.set(name, extent);
  return extent;
}

/** The names that the root's fields have in the answer: fields of one name are one field of it. */
function rootNames(
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  root: SelectionSetNode,
): ReadonlySet<string> {
  const names = new Set<string>();
  const spread = new Set<string>();
  const open = [root];
  for (let set = open.pop(); set; set = open.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) names.add((selection.alias ?? selection.name).value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet);
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) open.push(fragment.selectionSet);
      }
    }
  }
  return names;
}
