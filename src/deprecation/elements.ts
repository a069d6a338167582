import {
  type DocumentNode,
  type ExecutableDefinitionNode,
  type GraphQLArgument,
  type GraphQLEnumValue,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** What can be deprecated; as text it is its schema coordinate, such as `Type.field(argument:)`. */
export type SchemaElement =
  | GraphQLField<unknown, unknown>
  | GraphQLArgument
  | GraphQLInputField
  | GraphQLEnumValue;

/** Told of each element that is found, as often as it is. */
export type Found = (element: SchemaElement) => void;

/** Every element of a schema, those of introspection aside. */
export function elementsOf(schema: GraphQLSchema): readonly SchemaElement[] {
  return Object.values(schema.getTypeMap()).flatMap((type): readonly SchemaElement[] => {
    if (type.name.startsWith('__')) return [];
    if (isEnumType(type)) return type.getValues();
    if (isInputObjectType(type)) return Object.values(type.getFields());
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => [field, ...field.args]);
  });
}

/** The definitions of a document that an operation consists of: itself, and the fragments that it spreads. */
export function definitionsOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly ExecutableDefinitionNode[] {
  const own = separateOperations(document)[operation.name?.value ?? ''];
  return (own?.definitions ?? []) as readonly ExecutableDefinitionNode[]; // as: separateOperations keeps no others
}

/** Finds what definitions of a document name: whether `@skip` leaves it out or not, and in literals and defaults too. */
export function findWritten(
  schema: GraphQLSchema,
  definitions: readonly ExecutableDefinitionNode[],
  found: Found,
): void {
  const info = new TypeInfo(schema);
  const tell = (element: SchemaElement | null | undefined) => {
    if (element) found(element);
  };
  const visitor = visitWithTypeInfo(info, {
    Field: () => tell(info.getFieldDef()),
    Argument: () => tell(info.getArgument()),
    EnumValue: () => tell(info.getEnumValue()),
    ObjectField: ({ name }) => {
      const type = info.getParentInputType();
      if (isInputObjectType(type)) tell(type.getFields()[name.value]);
    },
  });
  for (const definition of definitions) visit(definition, visitor);
}

/** Finds what a value of JSON gives to a variable: fields of input objects, and values of enums by their names. */
export function findGiven(type: GraphQLInputType, value: unknown, found: Found): void {
  if (isNonNullType(type)) {
    findGiven(type.ofType, value, found);
  } else if (isListType(type)) {
    // One item alone is a list of it (GraphQL specification, section 3.11).
    for (const item of Array.isArray(value) ? value : [value]) findGiven(type.ofType, item, found);
  } else if (isEnumType(type) && typeof value === 'string') {
    const element = type.getValue(value);
    if (element) found(element);
  } else if (isInputObjectType(type) && typeof value === 'object' && value !== null) {
    for (const field of Object.values(type.getFields())) {
      const member: unknown = Object.hasOwn(value, field.name)
        ? (value as Record<string, unknown>)[field.name] // as: it has this member
        : undefined;
      if (member === undefined) continue;
      found(field);
      findGiven(field.type, member, found);
    }
  }
}

/** Every element that values of a type may give, whatever they are. */
export function elementsBelow(type: GraphQLInputType): ReadonlySet<SchemaElement> {
  const below = new Set<SchemaElement>();
  const collect = (current: GraphQLNamedInputType): void => {
    if (isEnumType(current)) for (const value of current.getValues()) below.add(value);
    if (!isInputObjectType(current)) return;
    for (const field of Object.values(current.getFields())) {
      if (below.has(field)) continue;
      below.add(field);
      collect(getNamedType(field.type));
    }
  };
  collect(getNamedType(type));
  return below;
}
