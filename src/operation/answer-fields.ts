import {
  type DocumentNode,
  type FieldNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';

/** The field of the schema behind one place of an answer. */
export interface AnswerField {
  /** `Type.field`. */
  readonly coordinate: string;
  readonly isList: boolean;
}

/**
 * The fields of every place that a document's operations can answer, by response names joined by a dot. Fields that
 * stand at one place for several types give the first that is found. Each fragment is read once for each place.
 */
export function answerFields(
  schema: GraphQLSchema,
  document: DocumentNode,
): ReadonlyMap<string, AnswerField> {
  const fields = new Map<string, AnswerField>();
  const visited = new Set<string>();

  function visit({ selections }: SelectionSetNode, type: GraphQLNamedType | undefined, prefix: string): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) visitField(selection, type, prefix);
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        visitOn(selection.typeCondition, selection, type, prefix);
      else visitSpread(selection.name.value, type, prefix);
    }
  }

  function visitField(
    { name, alias, selectionSet }: FieldNode,
    type: GraphQLNamedType | undefined,
    prefix: string,
  ): void {
    if (!isObjectType(type) && !isInterfaceType(type)) return;
    const definition = type.getFields()[name.value];
    if (!definition) return;
    const path = prefix + (alias ?? name).value;
    if (!fields.has(path)) {
      const isList = isListType(getNullableType(definition.type));
      fields.set(path, { coordinate: `${type.name}.${name.value}`, isList });
    }
    if (selectionSet) visit(selectionSet, getNamedType(definition.type), `${path}.`);
  }

  function visitSpread(name: string, type: GraphQLNamedType | undefined, prefix: string): void {
    const place = `${prefix} ${name}`;
    if (visited.has(place)) return;
    visited.add(place);
    const found = document.definitions.find(
      (definition) => definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name,
    );
    if (found?.kind === Kind.FRAGMENT_DEFINITION) visitOn(found.typeCondition, found, type, prefix);
  }

  function visitOn(
    condition: Parameters<typeof typeFromAST>[1] | undefined,
    { selectionSet }: { readonly selectionSet: SelectionSetNode },
    type: GraphQLNamedType | undefined,
    prefix: string,
  ): void {
    const narrowed = condition?.kind === Kind.NAMED_TYPE ? typeFromAST(schema, condition) : type;
    visit(selectionSet, narrowed, prefix);
  }

  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    visit(definition.selectionSet, schema.getRootType(definition.operation) ?? undefined, '');
  }
  return fields;
}
