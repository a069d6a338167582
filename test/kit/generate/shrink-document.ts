import {
  type ASTNode,
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  validate,
  visit,
} from 'graphql';
import { nameNode } from './name-node.ts';

/** Arguments that bound an answer: without them it may become larger. */
const boundingArguments: ReadonlySet<string> = new Set(['first', 'last']);

const typename: FieldNode = { kind: Kind.FIELD, name: nameNode('__typename') };

/** Every valid document that lacks one thing of this one, the largest things first, with what nothing uses any more. */
export function* smallerDocuments(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
): Generator<DocumentNode> {
  const others = document.definitions.filter(
    (definition) =>
      operationName !== undefined && isOperation(definition) && definition.name?.value !== operationName,
  );
  if (others.length > 0)
    yield withoutUnused({
      ...document,
      definitions: document.definitions.filter((one) => !others.includes(one)),
    });
  for (const { node, replacement } of replacements(document)) {
    const smaller = visit(document, { enter: (other) => (other === node ? replacement : undefined) });
    const clean = withoutUnused(smaller);
    if (validate(schema, clean).length === 0) yield clean;
  }
}

interface Replacement {
  readonly node: ASTNode;
  readonly replacement: ASTNode;
}

/** Outer nodes first: what they lose is most. */
function replacements(document: DocumentNode): Replacement[] {
  const found: (Replacement & { readonly depth: number })[] = [];
  visit(document, {
    enter(node, _key, _parent, path) {
      for (const replacement of smallerForms(node)) found.push({ node, replacement, depth: path.length });
    },
  });
  return found.toSorted((a, b) => a.depth - b.depth);
}

function smallerForms(node: ASTNode): ASTNode[] {
  switch (node.kind) {
    case Kind.SELECTION_SET:
      return node.selections.flatMap((selection, index) => smallerSelections(node, selection, index));
    case Kind.FIELD:
      return [
        ...(node.alias ? [{ ...node, alias: undefined }] : []),
        ...(node.arguments ?? [])
          .filter(({ name }) => !boundingArguments.has(name.value))
          .map((argument) => ({ ...node, arguments: without(node.arguments, argument) })),
        ...withoutDirectives(node),
      ];
    case Kind.INLINE_FRAGMENT:
    case Kind.FRAGMENT_SPREAD:
      return withoutDirectives(node);
    case Kind.OBJECT:
      return node.fields.map((field) => ({ ...node, fields: without(node.fields, field) }));
    case Kind.LIST:
      return [
        node.values.slice(0, node.values.length / 2),
        ...node.values.map((value) => without(node.values, value)),
      ]
        .filter((values) => values.length < node.values.length)
        .map((values) => ({ ...node, values }));
    default:
      return [];
  }
}

function smallerSelections(
  set: SelectionSetNode,
  selection: SelectionNode,
  index: number,
): SelectionSetNode[] {
  const rest = without(set.selections, selection);
  const forms: SelectionSetNode[] = [];
  if (rest.length > 0) forms.push({ ...set, selections: rest });
  else if (selection.kind !== Kind.FIELD || selection.selectionSet)
    forms.push({ ...set, selections: [typename] });
  if (selection.kind === Kind.INLINE_FRAGMENT) {
    forms.push({
      ...set,
      selections: set.selections.toSpliced(index, 1, ...selection.selectionSet.selections),
    });
  }
  return forms;
}

function withoutDirectives<Node extends SelectionNode>(node: Node): Node[] {
  const { directives = [] } = node;
  return directives.map((directive) => ({ ...node, directives: without(directives, directive) }));
}

function without<Item>(items: readonly Item[] | undefined, item: Item): Item[] {
  return items?.filter((other) => other !== item) ?? [];
}

/** Without the fragments and variables that nothing uses any more, whatever used them. */
function withoutUnused(document: DocumentNode): DocumentNode {
  const definitions = document.definitions.filter(isOperation);
  const reached = definitions.map((operation) => reachedFrom(document, operation));
  const fragments = new Set(reached.flatMap(({ fragments }) => fragments));
  return {
    ...document,
    definitions: [
      ...definitions.map((operation, index) => ({
        ...operation,
        variableDefinitions: operation.variableDefinitions?.filter(({ variable }) =>
          reached[index]?.variables.has(variable.name.value),
        ),
      })),
      ...document.definitions.filter((definition) => fragments.has(definition)),
    ],
  };
}

/** The fragments that an operation spreads, and the variables that it and they use. */
export function reachedFrom(document: DocumentNode, operation: OperationDefinitionNode) {
  const fragments: DefinitionNode[] = [];
  const variables = new Set<string>();
  const follow = (definition: DefinitionNode): void => {
    visit(definition, {
      VariableDefinition: () => false,
      Variable: ({ name }) => void variables.add(name.value),
      FragmentSpread: ({ name }) => {
        const fragment = document.definitions.find(
          (other) => other.kind === Kind.FRAGMENT_DEFINITION && other.name.value === name.value,
        );
        if (!fragment || fragments.includes(fragment)) return;
        fragments.push(fragment);
        follow(fragment);
      },
    });
  };
  follow(operation);
  return { fragments, variables };
}

function isOperation(definition: DefinitionNode): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION;
}
