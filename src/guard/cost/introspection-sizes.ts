import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql';

/**
 * How long the lists of the introspection types are at most, by `Type.field`: a schema knows its own size. GraphQL
 * specification, section 4.2 (Schema Introspection Schema).
 */
export function introspectionSizes(schema: GraphQLSchema): ReadonlyMap<string, number> {
  const types = Object.values(schema.getTypeMap());
  const directives = schema.getDirectives();
  const fields = types.flatMap((type) => fieldsOf(type));
  return new Map([
    ['__Schema.types', types.length],
    ['__Schema.directives', directives.length],
    ['__Type.fields', largest(types, (type) => fieldsOf(type).length)],
    ['__Type.interfaces', largest(types, (type) => interfacesOf(type).length)],
    ['__Type.possibleTypes', largest(types, (type) => possibleTypesOf(schema, type).length)],
    ['__Type.enumValues', largest(types, (type) => (isEnumType(type) ? type.getValues().length : 0))],
    ['__Type.inputFields', largest(types, (type) => inputFieldsOf(type).length)],
    ['__Field.args', largest(fields, ({ args }) => args.length)],
    ['__Directive.args', largest(directives, ({ args }) => args.length)],
    ['__Directive.locations', largest(directives, ({ locations }) => locations.length)],
  ]);
}

function largest<Item>(items: readonly Item[], sizeOf: (item: Item) => number): number {
  return items.reduce((size, item) => Math.max(size, sizeOf(item)), 0);
}

function fieldsOf(type: GraphQLNamedType) {
  return isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
}

function interfacesOf(type: GraphQLNamedType) {
  return isObjectType(type) || isInterfaceType(type) ? type.getInterfaces() : [];
}

function possibleTypesOf(schema: GraphQLSchema, type: GraphQLNamedType) {
  return isInterfaceType(type) || isUnionType(type) ? schema.getPossibleTypes(type) : [];
}

function inputFieldsOf(type: GraphQLNamedType) {
  return isInputObjectType(type) ? Object.values(type.getFields()) : [];
}
