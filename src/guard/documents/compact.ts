import {
  type ArgumentNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  GraphQLDeferDirective,
  GraphQLStreamDirective,
  type InlineFragmentNode,
  Kind,
  print,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

/** A selection that stands for all that are written like it, with what is selected below each of them. */
interface Group {
  readonly first: SelectionNode;
  readonly below: SelectionSetNode[];
}

/** Two uses of one label, or of one streamed list, are a mistake even where they are equal. */
const incremental: ReadonlySet<string> = new Set([GraphQLDeferDirective.name, GraphQLStreamDirective.name]);

/**
 * The same document with every selection that is written twice in one place written once, what is below the two put
 * together: valid exactly where the document is. Components repeat each other's fields, and the validation of graphql-js
 * compares each pair (OverlappingFieldsCanBeMerged): 200 equal fields took it 27 ms, and at 490 it gave up on them.
 * Linear in the document's size.
 */
export function compactDocument(document: DocumentNode): DocumentNode {
  const definitions = document.definitions.map((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION || definition.kind === Kind.FRAGMENT_DEFINITION
      ? { ...definition, selectionSet: compactSets(definition.selectionSet, [definition.selectionSet]) }
      : definition,
  );
  return { ...document, definitions };
}

function compactSets(first: SelectionSetNode, sets: readonly SelectionSetNode[]): SelectionSetNode {
  const groups = new Map<string | SelectionNode, Group>();
  for (const set of sets) collect(set, groups);
  return { ...first, selections: [...groups.values()].map(compactGroup) };
}

function collect({ selections }: SelectionSetNode, groups: Map<string | SelectionNode, Group>): void {
  for (const selection of selections) {
    if (isPlain(selection)) {
      collect(selection.selectionSet, groups);
      continue;
    }
    const key = keyOf(selection);
    const group = groups.get(key) ?? { first: selection, below: [] };
    groups.set(key, group);
    if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet)
      group.below.push(selection.selectionSet);
  }
}

/** `... { a }` is no more than `a`. */
function isPlain(selection: SelectionNode): selection is InlineFragmentNode {
  return selection.kind === Kind.INLINE_FRAGMENT && !selection.typeCondition && !selection.directives?.length;
}

function compactGroup({ first, below: [set, ...rest] }: Group): SelectionNode {
  if (!set || first.kind === Kind.FRAGMENT_SPREAD) return first;
  return { ...first, selectionSet: compactSets(set, [set, ...rest]) };
}

/** Equal for selections that differ in nothing but what is below them. Those that come later are told apart by all. */
function keyOf(selection: SelectionNode): string | SelectionNode {
  if (selection.directives?.some(({ name }) => incremental.has(name.value))) return selection;
  const directives = (selection.directives ?? []).map(directiveText).join(' ');
  if (selection.kind === Kind.FRAGMENT_SPREAD) return `...${selection.name.value} ${directives}`;
  if (selection.kind === Kind.INLINE_FRAGMENT)
    return `... on ${selection.typeCondition?.name.value ?? ''} ${directives}`;
  return `${fieldText(selection)} ${directives}`;
}

/** A leaf and an object of one name stay apart, for one of them is a mistake. */
function fieldText({ alias, name, arguments: given, selectionSet }: FieldNode): string {
  return `${alias?.value ?? ''}:${name.value}(${argumentsText(given)})${selectionSet ? '{}' : ''}`;
}

function directiveText({ name, arguments: given }: DirectiveNode): string {
  return `@${name.value}(${argumentsText(given)})`;
}

/** In what sequence arguments and the fields of an object stand means nothing. */
function argumentsText(given: readonly ArgumentNode[] | undefined): string {
  if (!given?.length) return '';
  return given
    .map(({ name, value }) => `${name.value}:${valueText(value)}`)
    .toSorted()
    .join(',');
}

function valueText(value: ValueNode): string {
  if (value.kind === Kind.LIST) return `[${value.values.map(valueText).join(',')}]`;
  if (value.kind !== Kind.OBJECT) return print(value);
  const fields = value.fields.map(({ name, value: member }) => `${name.value}:${valueText(member)}`);
  return `{${fields.toSorted().join(',')}}`;
}
