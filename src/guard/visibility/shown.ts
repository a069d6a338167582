import {
  type GraphQLArgument,
  type GraphQLEnumValue,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';

/** Where an element's variants stand in its `extensions`; src/pothos writes them there. */
export const variantsExtension = 'weirVariants';

/** What may be shown in some variants only; as text it is its schema coordinate, such as `Type.field(argument:)`. */
export type VisibleElement =
  | GraphQLNamedType
  | GraphQLField<unknown, unknown>
  | GraphQLArgument
  | GraphQLInputField
  | GraphQLEnumValue;

/** The variants that show an element; undefined for all. */
export function variantsOf({ extensions }: VisibleElement): readonly string[] | undefined {
  const variants = extensions[variantsExtension];
  return Array.isArray(variants) ? variants.map(String) : undefined;
}

/** Whether a variant shows an element, as far as the element itself says. */
export function isShown(element: VisibleElement, variant: string): boolean {
  return variantsOf(element)?.includes(variant) ?? true;
}

/** Every element of a schema, those of introspection aside. */
export function visibleElements(schema: GraphQLSchema): readonly VisibleElement[] {
  return Object.values(schema.getTypeMap()).flatMap((type): readonly VisibleElement[] =>
    type.name.startsWith('__') ? [] : [type, ...membersOf(type)],
  );
}

function membersOf(type: GraphQLNamedType): readonly VisibleElement[] {
  if (isEnumType(type)) return type.getValues();
  if (isInputObjectType(type)) return Object.values(type.getFields());
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) => [field, ...field.args]);
}
