import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { type CachePolicy, cachingOf, stricter } from './policy.ts';

/** The policy of a query of a document, that of its strictest part; undefined: it is kept nowhere. */
export type CachePolicyOf = (
  document: DocumentNode,
  operationName: string | null | undefined,
) => CachePolicy | undefined;

/** Of what says nothing: it allows everything that the others do. */
const freest: CachePolicy = { maxAgeSeconds: Number.POSITIVE_INFINITY, scope: 'public' };

/**
 * Policies of valid documents by what the schema declares: each field by itself, else by its object type. A field for which
 * neither says anything keeps the whole answer out of caches, so what nobody thought of is never kept. All that is
 * written counts, whatever @skip and @include will say. Worked out once for each operation while its document lives.
 */
export function createCachePolicies(schema: GraphQLSchema): CachePolicyOf {
  const known = new WeakMap<DocumentNode, Map<string, CachePolicy | undefined>>();
  return (document, operationName) => {
    const ofDocument = known.get(document) ?? new Map<string, CachePolicy | undefined>();
    known.set(document, ofDocument);
    const name = operationName ?? '';
    if (!ofDocument.has(name)) ofDocument.set(name, policyFrom(schema, document, operationName));
    return ofDocument.get(name);
  };
}

function policyFrom(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): CachePolicy | undefined {
  const operation = getOperationAST(document, operationName);
  const root = schema.getQueryType();
  if (!root || operation?.operation !== OperationTypeNode.QUERY) return undefined;
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  const walk: Walk = { schema, fragments, seen: new Set(), policy: freest };
  visitSelections(walk, operation.selectionSet, root);
  return walk.policy && Number.isFinite(walk.policy.maxAgeSeconds) ? walk.policy : undefined;
}

/** `policy` is undefined as soon as something may not be kept. */
interface Walk {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Fragments that have been walked. */
  readonly seen: Set<string>;
  policy: CachePolicy | undefined;
}

function visitSelections(walk: Walk, { selections }: SelectionSetNode, parent: GraphQLCompositeType): void {
  for (const selection of selections) {
    if (!walk.policy) return;
    switch (selection.kind) {
      case Kind.FIELD:
        visitField(walk, selection.name.value, selection.selectionSet, parent);
        break;
      case Kind.INLINE_FRAGMENT:
        visitFragment(walk, selection.typeCondition?.name.value, selection.selectionSet, parent);
        break;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = walk.fragments.get(selection.name.value);
        if (!fragment || walk.seen.has(selection.name.value)) break;
        walk.seen.add(selection.name.value);
        visitFragment(walk, fragment.typeCondition.name.value, fragment.selectionSet, parent);
      }
    }
  }
}

function visitFragment(
  walk: Walk,
  condition: string | undefined,
  selectionSet: SelectionSetNode,
  parent: GraphQLCompositeType,
): void {
  const type = condition === undefined ? parent : walk.schema.getType(condition);
  if (isCompositeType(type)) visitSelections(walk, selectionSet, type);
}

function visitField(
  walk: Walk,
  name: string,
  selectionSet: SelectionSetNode | undefined,
  parent: GraphQLCompositeType,
): void {
  // It says what the others say, too.
  if (name === '__typename') return;
  for (const type of isAbstractType(parent) ? walk.schema.getPossibleTypes(parent) : [parent])
    if (isObjectType(type)) take(walk, type, type.getFields()[name]);
  const field = fieldOf(parent, name);
  const type = field && getNamedType(field.type);
  if (selectionSet && isCompositeType(type)) visitSelections(walk, selectionSet, type);
}

function fieldOf(parent: GraphQLCompositeType, name: string): GraphQLField<unknown, unknown> | undefined {
  return isInterfaceType(parent) || !isUnionType(parent) ? parent.getFields()[name] : undefined;
}

/** What the schema says of itself (`__schema`) is no field of the type. */
function take(walk: Walk, type: GraphQLObjectType, field: GraphQLField<unknown, unknown> | undefined): void {
  const declared = field && { ...cachingOf(type), ...cachingOf(field) };
  const policy = declared?.cache === 'parent' ? freest : declared?.cache;
  if (!policy || !walk.policy) {
    walk.policy = undefined;
    return;
  }
  walk.policy = stricter(walk.policy, declared?.isGuarded ? { ...policy, scope: 'private' } : policy);
}
