import { type DocumentNode, type FieldNode, GraphQLError, type GraphQLSchema, Kind, visit } from 'graphql';

/** Root fields that tell the schema; `__typename` tells only what a client has asked for (GraphQL specification, section 4). */
const schemaFields: ReadonlySet<string> = new Set(['__schema', '__type']);

/** Errors of documents that ask for the schema, as if it had no such fields. */
export type IntrospectionErrors = (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[];

/** Finds out once for each document whether it asks for the schema. */
export function createIntrospectionErrors(): IntrospectionErrors {
  const known = new WeakMap<DocumentNode, readonly FieldNode[]>();
  return (schema, document) => {
    const fields = known.get(document) ?? fieldsOf(document);
    known.set(document, fields);
    const type = schema.getQueryType()?.name;
    return fields.map(
      (node) =>
        new GraphQLError(`Cannot query field "${node.name.value}" on type "${type}".`, { nodes: node }),
    );
  };
}

function fieldsOf(document: DocumentNode): readonly FieldNode[] {
  const found: FieldNode[] = [];
  visit(document, {
    [Kind.FIELD]: (node) => {
      if (schemaFields.has(node.name.value)) found.push(node);
    },
  });
  return found;
}
