import {
  type DocumentNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInputType,
  Kind,
  typeFromAST,
  visit,
} from 'graphql';
import { elementsBelow, findWritten, type SchemaElement } from '../deprecation/elements.ts';

/**
 * Schema coordinates of all that a document may use: what it names, the types that it goes through, and whatever the
 * values of its variables may give, for nobody knows them. Empty for what the schema does not know.
 */
export function usedCoordinates(schema: GraphQLSchema, document: DocumentNode): ReadonlySet<string> {
  const used = new Set<string>();
  const add = (element: SchemaElement) => {
    used.add(String(element));
    for (const type of typesOf(element)) used.add(type.name);
  };
  const definitions = document.definitions.filter(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION || definition.kind === Kind.FRAGMENT_DEFINITION,
  );
  findWritten(schema, definitions, add);
  visit(document, {
    NamedType: ({ name }) => void used.add(name.value),
    Directive: ({ name }) => void used.add(`@${name.value}`),
    VariableDefinition: (node) => {
      const type = typeFromAST(schema, node.type);
      if (isInputType(type)) for (const element of elementsBelow(type)) add(element);
    },
  });
  return used;
}

/** Where an element stands, and what it leads to. */
function typesOf(element: SchemaElement): readonly GraphQLNamedType[] {
  const types = [
    'parentType' in element ? element.parentType : undefined,
    'type' in element ? getNamedType(element.type) : undefined,
  ];
  return types.filter((type) => type !== undefined);
}
