import {
  type ArgumentNode,
  type DirectiveNode,
  GraphQLBoolean,
  GraphQLNonNull,
  isInterfaceType,
  isUnionType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Draft, Site } from './draft.ts';
import { drawField, repeatField, type Select } from './fields.ts';
import { drawFragmentSpread, drawInlineFragment } from './fragments.ts';
import { nameNode } from './name-node.ts';

type SelectionKind = 'field' | 'repeat' | 'typename' | 'inlineFragment' | 'fragmentSpread';

const drawByKind = {
  field: drawField,
  repeat: repeatField,
  typename: () => typename,
  inlineFragment: drawInlineFragment,
  fragmentSpread: drawFragmentSpread,
} as const satisfies Record<
  SelectionKind,
  (draft: Draft, site: Site, select: Select) => SelectionNode | undefined
>;

const typename = { kind: Kind.FIELD, name: nameNode('__typename') } as const;

/** A selection set that is valid at the site beside all that is selected there already. */
export function drawSelectionSet(draft: Draft, site: Site): SelectionSetNode {
  const { draw, settings, schema } = draft;
  const { type } = site;
  const kinds = isUnionType(type)
    ? schema.getPossibleTypes(type).length
    : Object.keys(type.getFields()).length;
  const count = draw.between(1, Math.min(settings.shape.maxSelections, kinds + 1));
  const selections = Array.from({ length: count }, () => drawSelection(draft, site));
  const found = selections.filter((selection) => selection !== undefined);
  return { kind: Kind.SELECTION_SET, selections: found.length > 0 ? found : [typename] };
}

function drawSelection(draft: Draft, site: Site): SelectionNode | undefined {
  const { draw, settings } = draft;
  const { field, repeat, typename, inlineFragment, fragmentSpread } = settings.shape;
  const isUnion = isUnionType(site.type);
  // What an abstract type is about stands in the fragments on its types.
  const inline = isUnion ? field : isInterfaceType(site.type) ? 4 * inlineFragment : inlineFragment;
  const isDeep = site.depth >= settings.maxDepth;
  const kind = draw.pickWeighted<SelectionKind>([
    ['field', isUnion ? 0 : field],
    ['repeat', site.scope.size > 0 ? repeat : 0],
    ['typename', typename],
    ['inlineFragment', isDeep ? 0 : inline],
    ['fragmentSpread', isDeep ? 0 : fragmentSpread],
  ]);
  const selection = drawByKind[kind](draft, site, (inner) => drawSelectionSet(draft, inner));
  const directives = drawDirectives(draft);
  return selection && (directives.length > 0 ? { ...selection, directives } : selection);
}

function drawDirectives({ draw, settings, encoder }: Draft): DirectiveNode[] {
  return ['skip', 'include'].flatMap((name): DirectiveNode[] => {
    if (!draw.chance(settings.shape.directive)) return [];
    const type = new GraphQLNonNull(GraphQLBoolean);
    const value = encoder.encode({ type, value: draw.chance(0.5), hasDefault: false, isOneOf: false });
    if (!value) return [];
    const condition: ArgumentNode = { kind: Kind.ARGUMENT, name: nameNode('if'), value };
    return [{ kind: Kind.DIRECTIVE, name: nameNode(name), arguments: [condition] }];
  });
}
