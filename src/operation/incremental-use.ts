import {
  type DirectiveNode,
  type FragmentDefinitionNode,
  GraphQLDeferDirective,
  GraphQLError,
  GraphQLStreamDirective,
  getArgumentValues,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type ValidatedExecutionArgs,
  visit,
} from 'graphql';

const directives: ReadonlyMap<string, typeof GraphQLDeferDirective> = new Map(
  [GraphQLDeferDirective, GraphQLStreamDirective].map((directive) => [directive.name, directive]),
);

/** The places of a query that ask for `@defer` or `@stream`; none for mutations and subscriptions, which are answered whole. */
export function incrementalUses({
  operation,
  fragmentDefinitions,
}: Pick<ValidatedExecutionArgs, 'operation' | 'fragmentDefinitions'>): readonly DirectiveNode[] {
  if (operation.operation !== OperationTypeNode.QUERY) return [];
  const uses: DirectiveNode[] = [];
  const seen = new Set<string>();
  const open: (OperationDefinitionNode | FragmentDefinitionNode)[] = [operation];
  for (let definition = open.pop(); definition; definition = open.pop()) {
    visit(definition, {
      [Kind.DIRECTIVE]: (node) => {
        if (directives.has(node.name.value)) uses.push(node);
      },
      [Kind.FRAGMENT_SPREAD]: ({ name }) => {
        const fragment = fragmentDefinitions[name.value];
        if (fragment && !seen.has(name.value)) open.push(fragment);
        seen.add(name.value);
      },
    });
  }
  return uses;
}

/**
 * Whether any of these places asks for it under these variables (`if`). Throws GraphQLError, `BAD_USER_INPUT`, for an
 * `initialCount` below 0.
 */
export function asksForParts(
  uses: readonly DirectiveNode[],
  { variableValues }: Pick<ValidatedExecutionArgs, 'variableValues'>,
): boolean {
  let asks = false;
  for (const node of uses) {
    const directive = directives.get(node.name.value);
    const given = directive ? getArgumentValues(directive, node, variableValues) : {};
    if (Number(given['initialCount'] ?? 0) < 0) throw negative(node, given['initialCount']);
    if (given['if'] !== false) asks = true;
  }
  return asks;
}

function negative(node: DirectiveNode, got: unknown): GraphQLError {
  const message = `Argument "initialCount" of @stream: expected 0 or more, got ${got}.`;
  return new GraphQLError(message, { nodes: node, extensions: { code: 'BAD_USER_INPUT' } });
}
