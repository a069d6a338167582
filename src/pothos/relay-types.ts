import type { PothosOutputFieldConfig, PothosOutputFieldType, SchemaTypes } from '@pothos/core';

/** The part of a builder's config store in which types are looked up, once all of them are declared. */
export type TypeStore<Types extends SchemaTypes> = Pick<
  PothosSchemaTypes.SchemaBuilder<Types>['configStore'],
  'typeConfigs' | 'getTypeConfig' | 'getFields'
>;

/** Whether a field is a connection: it takes `first` or `last`, and its type has `edges` (Relay Cursor Connections). */
export function isConnectionField<Types extends SchemaTypes>(
  store: TypeStore<Types>,
  { args, type }: PothosOutputFieldConfig<Types>,
): boolean {
  if (!('first' in args || 'last' in args) || type.kind === 'List') return false;
  return fieldTypes(store, typeName(store, type)).has('edges');
}

/** The names of the types that a page is made of besides its rows: edges and page info. */
export function plumbingTypes<Types extends SchemaTypes>(store: TypeStore<Types>): ReadonlySet<string> {
  const names = new Set<string>();
  for (const name of store.typeConfigs.keys()) {
    const types = fieldTypes(store, name);
    const [edges, pageInfo] = [types.get('edges'), types.get('pageInfo')];
    if (edges?.kind !== 'List' || !pageInfo) continue;
    names.add(typeName(store, edges)).add(typeName(store, pageInfo));
  }
  return names;
}

/** Whether a type is that of connections: it has `edges` and `pageInfo`. */
export function isConnectionType<Types extends SchemaTypes>(store: TypeStore<Types>, name: string): boolean {
  const types = fieldTypes(store, name);
  return types.get('edges')?.kind === 'List' && types.has('pageInfo');
}

function fieldTypes<Types extends SchemaTypes>(
  store: TypeStore<Types>,
  name: string,
): ReadonlyMap<string, PothosOutputFieldType<Types>> {
  const { graphqlKind } = store.getTypeConfig(name);
  if (graphqlKind !== 'Object' && graphqlKind !== 'Interface') return new Map();
  const fields = [...store.getFields(name, graphqlKind)];
  return new Map(fields.map(([field, { type }]) => [field, type]));
}

function typeName<Types extends SchemaTypes>(
  store: TypeStore<Types>,
  type: PothosOutputFieldType<Types>,
): string {
  return type.kind === 'List' ? typeName(store, type.type) : store.getTypeConfig(type.ref).name;
}
