import {
  doTypesOverlap,
  type FragmentSpreadNode,
  type GraphQLCompositeType,
  type InlineFragmentNode,
  isCompositeType,
  Kind,
  type NamedTypeNode,
} from 'graphql';
import { type CompleteFragment, type Draft, freshName, hasRoomFor, type Site } from './draft.ts';
import type { Select } from './fields.ts';
import { addAll, fitsAll, type MergeScope } from './merge-scope.ts';
import { nameNode } from './name-node.ts';

/** An inline fragment on a type that the site's objects can have, or without a type. */
export function drawInlineFragment(draft: Draft, site: Site, select: Select): InlineFragmentNode {
  const type = draft.draw.chance(0.15) ? undefined : draft.draw.pick(overlappingTypes(draft, site.type));
  return {
    kind: Kind.INLINE_FRAGMENT,
    ...(type && { typeCondition: namedType(type) }),
    selectionSet: select({ ...site, depth: site.depth + 1, type: type ?? site.type }),
  };
}

/** A named fragment, one that is there or a new one; undefined when it does not go with what is selected already. */
export function drawFragmentSpread(draft: Draft, site: Site, select: Select): FragmentSpreadNode | undefined {
  const { draw, settings, fragments } = draft;
  const known = fragments.filter(
    ({ type, depth, objectsEach, scope }) =>
      doTypesOverlap(draft.schema, type, site.type) &&
      site.depth + depth <= settings.maxDepth &&
      hasRoomFor(draft, objectsEach * site.objects) &&
      fitsAll(site.scope, scope),
  );
  if (known.length > 0 && draw.chance(0.5)) {
    const fragment = draw.pick(known);
    draft.objects += fragment.objectsEach * site.objects;
    return spread(site, fragment);
  }
  const fragment = drawFragment(draft, site, select);
  if (!fitsAll(site.scope, fragment.scope)) return undefined;
  fragments.push(fragment);
  return spread(site, fragment);
}

/** Made by itself, as it may stand in several places: whether it goes with the rest is seen when it is complete. */
function drawFragment(draft: Draft, site: Site, select: Select): CompleteFragment {
  const type = draft.draw.pick(overlappingTypes(draft, site.type));
  const scope: MergeScope = new Map();
  const name = freshName(draft, 'Fragment');
  const before = draft.objects;
  const selectionSet = select({ ...site, depth: site.depth + 1, type, scope });
  const typeCondition = namedType(type);
  return {
    definition: { kind: Kind.FRAGMENT_DEFINITION, name: nameNode(name), typeCondition, selectionSet },
    type,
    scope,
    depth: depthOf(scope),
    objectsEach: (draft.objects - before) / site.objects,
  };
}

function spread(site: Site, { definition, scope }: CompleteFragment): FragmentSpreadNode {
  addAll(site.scope, scope);
  return { kind: Kind.FRAGMENT_SPREAD, name: definition.name };
}

function overlappingTypes({ schema }: Draft, parent: GraphQLCompositeType): GraphQLCompositeType[] {
  const types = Object.values(schema.getTypeMap()).filter(isCompositeType);
  return types.filter((type) => !type.name.startsWith('__') && doTypesOverlap(schema, parent, type));
}

function depthOf(scope: MergeScope): number {
  return 1 + Math.max(0, ...[...scope.values()].map((place) => depthOf(place.scope)));
}

function namedType({ name }: GraphQLCompositeType): NamedTypeNode {
  return { kind: Kind.NAMED_TYPE, name: nameNode(name) };
}
