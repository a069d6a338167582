import {
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** The part of a resolver's `info` that a mask is made of. */
export interface MaskInfo {
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
}

/** Read masks of whole operations, for one schema. */
export interface ReadMasks {
  /**
   * The paths (google.protobuf.FieldMask, sorted) that the message behind object type `typename` must have filled for
   * all that the operation selects on that type, wherever it does: one mask for each type and operation, so that
   * two places that load one row share one key.
   */
  readonly paths: (info: MaskInfo, typename: string) => readonly string[];
}

/** Where a field's upstream paths stand in its `extensions`; src/pothos writes them there. */
export const needsExtension = 'weirNeeds';

const none: readonly string[] = [];

/** Masks for `schema`, remembered for as long as the parsed operation itself lives. */
export function createReadMasks(schema: GraphQLSchema): ReadMasks {
  const byOperation = new WeakMap<OperationDefinitionNode, Map<string, readonly string[]>>();

  function masksOf(info: MaskInfo): Map<string, readonly string[]> {
    const known = byOperation.get(info.operation);
    if (known) return known;
    const masks = new Map<string, readonly string[]>();
    for (const [typename, needs] of collectNeeds(schema, info)) masks.set(typename, [...needs].sort());
    byOperation.set(info.operation, masks);
    return masks;
  }

  return { paths: (info, typename) => masksOf(info).get(typename) ?? none };
}

type NeedsByType = Map<string, Set<string>>;

function collectNeeds(schema: GraphQLSchema, info: MaskInfo): NeedsByType {
  const needs: NeedsByType = new Map();
  const visited = new Set<string>();

  function visit(selectionSet: SelectionSetNode, typename: string): void {
    for (const selection of selectionSet.selections) {
      switch (selection.kind) {
        case 'Field':
          visitField(typename, selection.name.value, selection.selectionSet);
          break;
        case 'InlineFragment':
          visit(selection.selectionSet, selection.typeCondition?.name.value ?? typename);
          break;
        case 'FragmentSpread':
          visitFragment(selection.name.value);
          break;
      }
    }
  }

  function visitFragment(name: string): void {
    const fragment = info.fragments[name];
    if (!fragment || visited.has(name)) return;
    visited.add(name);
    visit(fragment.selectionSet, fragment.typeCondition.name.value);
  }

  function visitField(typename: string, name: string, selectionSet: SelectionSetNode | undefined): void {
    const parent = schema.getType(typename);
    const field = isCompositeType(parent) && 'getFields' in parent ? parent.getFields()[name] : undefined;
    for (const concrete of concreteTypes(schema, typename)) addNeeds(schema, needs, concrete, name);
    if (field && selectionSet) visit(selectionSet, getNamedType(field.type).name);
  }

  visit(info.operation.selectionSet, schema.getRootType(info.operation.operation)?.name ?? '');
  return needs;
}

function concreteTypes(schema: GraphQLSchema, typename: string): readonly string[] {
  const type = schema.getType(typename);
  if (isAbstractType(type)) return schema.getPossibleTypes(type).map(({ name }) => name);
  return [typename];
}

function addNeeds(schema: GraphQLSchema, needs: NeedsByType, typename: string, fieldName: string): void {
  const type = schema.getType(typename);
  const paths = isObjectType(type) ? type.getFields()[fieldName]?.extensions[needsExtension] : undefined;
  if (!Array.isArray(paths)) return;
  const known = needs.get(typename) ?? new Set();
  for (const path of paths) known.add(String(path));
  needs.set(typename, known);
}
