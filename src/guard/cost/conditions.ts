import {
  type DirectiveNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';

/** Values of the variables in `@include` and `@skip`; of one that is missing both sides of a condition are taken. */
export type Outcome = ReadonlyMap<string, boolean>;

/** Names of an operation's variables that decide conditions anywhere in its document, each once. */
export function conditionVariables(
  document: DocumentNode,
  { variableDefinitions = [] }: OperationDefinitionNode,
): readonly string[] {
  const declared = new Set(variableDefinitions.map(({ variable }) => variable.name.value));
  const names = new Set<string>();
  visit(document, {
    Directive: (directive) => {
      const condition = conditionOf(directive);
      if (condition?.kind !== Kind.VARIABLE || !declared.has(condition.name.value)) return;
      names.add(condition.name.value);
    },
  });
  return [...names];
}

/** Whether a selection is answered; true as well when its condition has no value. */
export function isIncluded({ directives = [] }: SelectionNode, outcome: Outcome): boolean {
  for (const directive of directives) {
    const condition = conditionOf(directive);
    const value =
      condition?.kind === Kind.VARIABLE
        ? outcome.get(condition.name.value)
        : condition?.kind === Kind.BOOLEAN
          ? condition.value
          : undefined;
    if (value === (directive.name.value === 'skip')) return false;
  }
  return true;
}

function conditionOf({ name, arguments: given }: DirectiveNode) {
  if (name.value !== 'skip' && name.value !== 'include') return undefined;
  return given?.find((argument) => argument.name.value === 'if')?.value;
}
