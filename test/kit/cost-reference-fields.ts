import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getOperationAST,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { GivenVariables, PriceCase } from './cost-reference-case.ts';

export function findOperation(document: DocumentNode, name?: string | null): OperationDefinitionNode {
  const operation = getOperationAST(document, name);
  if (!operation) throw new Error(`expected one operation ${name ?? ''}`);
  return operation;
}

/**
 * All values that the Boolean variables of conditions can have together: one value for a variable that is known, both
 * for each of the others, the same throughout the operation.
 */
export function booleanCases(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: GivenVariables | null,
): readonly ReadonlyMap<string, boolean>[] {
  let cases: readonly ReadonlyMap<string, boolean>[] = [new Map()];
  for (const name of conditionVariables(document, operation)) {
    const value = variables?.[name];
    const values = typeof value === 'boolean' ? [value] : [true, false];
    cases = cases.flatMap((known) => values.map((value) => new Map([...known, [name, value]])));
  }
  return cases;
}

/** CollectFields of the GraphQL specification (6.3.2): the nodes of each response name, on one object type. */
export function collectFields(
  { question, booleans, work }: PriceCase,
  type: GraphQLObjectType,
  selected: readonly SelectionSetNode[],
): ReadonlyMap<string, readonly FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  const collect = (selection: SelectionNode): void => {
    work.selections += 1;
    if (!isIncluded(selection, booleans)) return;
    if (selection.kind === Kind.FIELD) {
      const responseName = selection.alias?.value ?? selection.name.value;
      fields.set(responseName, [...(fields.get(responseName) ?? []), selection]);
      return;
    }
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      if (visited.has(selection.name.value)) return;
      visited.add(selection.name.value);
    }
    const fragment =
      selection.kind === Kind.FRAGMENT_SPREAD
        ? findFragment(question.document, selection.name.value)
        : selection;
    const condition = fragment.typeCondition?.name.value;
    if (condition === undefined || applies(question.schema, condition, type))
      fragment.selectionSet.selections.forEach(collect);
  };
  for (const set of selected) set.selections.forEach(collect);
  return fields;
}

function applies(schema: GraphQLSchema, condition: string, type: GraphQLObjectType): boolean {
  const named = schema.getType(condition);
  return named === type || (isAbstractType(named) && schema.isSubType(named, type));
}

function isIncluded(selection: SelectionNode, booleans: ReadonlyMap<string, boolean>): boolean {
  return (selection.directives ?? []).every((directive) => {
    const value = conditionOf(directive);
    if (!value) return true;
    const isTrue = value.kind === Kind.VARIABLE ? booleans.get(value.name.value) : value.value;
    return directive.name.value === 'include' ? isTrue : !isTrue;
  });
}

/** The `if` of `@include` and `@skip`; undefined for other directives. */
function conditionOf(directive: DirectiveNode) {
  if (directive.name.value !== 'include' && directive.name.value !== 'skip') return undefined;
  const value = directive.arguments?.find(({ name }) => name.value === 'if')?.value;
  if (value?.kind !== Kind.VARIABLE && value?.kind !== Kind.BOOLEAN)
    throw new Error(`@${directive.name.value}: expected a Boolean, got ${value?.kind}`);
  return value;
}

function conditionVariables(document: DocumentNode, operation: OperationDefinitionNode): ReadonlySet<string> {
  const declared = new Set(operation.variableDefinitions?.map(({ variable }) => variable.name.value));
  const names = new Set<string>();
  visit(document, {
    Directive(directive) {
      const value = conditionOf(directive);
      if (value?.kind === Kind.VARIABLE && declared.has(value.name.value)) names.add(value.name.value);
    },
  });
  return names;
}

function findFragment(document: DocumentNode, name: string): FragmentDefinitionNode {
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === name) return definition;
  throw new Error(`expected a fragment ${name}`);
}
