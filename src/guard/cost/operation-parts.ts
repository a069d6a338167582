import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { CostModel, FieldFacts } from './cost-model.ts';

/** One operation of a document, ready to be compiled. */
export interface OperationParts {
  readonly model: CostModel;
  readonly operation: OperationDefinitionNode;
  readonly rootType: GraphQLObjectType;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/** The parts of one operation; throws RangeError when the document has none of that name, or the schema no type for it. */
export function operationPartsFrom(
  model: CostModel,
  document: DocumentNode,
  operationName: string | null | undefined,
): OperationParts {
  const operation = getOperationAST(document, operationName);
  if (!operation) {
    throw new RangeError(
      `Expected one operation ${operationName ? `"${operationName}" ` : ''}in the document.`,
    );
  }
  const rootType = model.schema.getRootType(operation.operation);
  if (!rootType) throw new RangeError(`Expected a schema with a ${operation.operation} type.`);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return { model, operation, rootType, fragments };
}

/** The selection set that a fragment stands for, and the name of the type that it is for; undefined: any. */
export function fragmentOf(
  { fragments }: OperationParts,
  selection: Exclude<SelectionNode, FieldNode>,
): { readonly selectionSet: SelectionSetNode; readonly condition: string | undefined } {
  if (selection.kind === Kind.INLINE_FRAGMENT) {
    return { selectionSet: selection.selectionSet, condition: selection.typeCondition?.name.value };
  }
  const fragment = fragments.get(selection.name.value);
  if (!fragment)
    throw new RangeError(`Expected the document to define the fragment "${selection.name.value}".`);
  return { selectionSet: fragment.selectionSet, condition: fragment.typeCondition.name.value };
}

/** What is known of a field; undefined for `__typename`, which is free. Throws RangeError where there is none. */
export function factsOf(model: CostModel, type: GraphQLObjectType, name: string): FieldFacts | undefined {
  if (name === '__typename') return undefined;
  const facts = model.field(type, name);
  if (!facts)
    throw new RangeError(
      `Expected a document that is valid for the schema: ${type.name} has no field "${name}".`,
    );
  return facts;
}
