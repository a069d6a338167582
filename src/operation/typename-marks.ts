import {
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidatedExecutionArgs,
  visit,
} from 'graphql';

/** An operation whose every object tells the name of its type by the member {@link mark}, which no client asked for. */
export interface Marked
  extends Pick<ValidatedExecutionArgs, 'operation' | 'fragments' | 'fragmentDefinitions'> {
  readonly mark: string;
}

/** The keys that lead to a value of an answer from its root. */
export type AnswerPath = readonly (string | number)[];

/** Told of one object of an answer: the response names that lead to it, joined by '.', a space and its type. */
export type CountObject = (place: string) => void;

/** Asks for the type of every object below the root, in a copy of the operation that keeps all places of errors. */
export function withTypenames({
  operation,
  fragments,
  fragmentDefinitions,
}: Pick<ValidatedExecutionArgs, 'operation' | 'fragments' | 'fragmentDefinitions'>): Marked {
  const definitions = Object.entries(fragmentDefinitions);
  const mark = unusedName([operation, ...definitions.map(([, definition]) => definition)]);
  const marked = new Map(definitions.map(([name, definition]) => [name, markBelowFields(definition, mark)]));
  const fragmentOf = ([name, details]: [string, ValidatedExecutionArgs['fragments'][string]]) => [
    name,
    { ...details, definition: marked.get(name) ?? details.definition },
  ];
  return {
    mark,
    operation: markBelowFields(operation, mark),
    fragmentDefinitions: Object.fromEntries(marked),
    fragments: Object.fromEntries(Object.entries(fragments).map(fragmentOf)),
  };
}

type Executable = OperationDefinitionNode | FragmentDefinitionNode;

function unusedName(definitions: readonly Executable[]): string {
  const names = new Set<string>();
  for (const definition of definitions)
    visit(definition, { [Kind.NAME]: ({ value }) => void names.add(value) });
  let name = '__typenameOf';
  while (names.has(name)) name += '_';
  return name;
}

function markBelowFields<Definition extends Executable>(definition: Definition, mark: string): Definition {
  const selection = {
    kind: Kind.FIELD,
    alias: { kind: Kind.NAME, value: mark },
    name: { kind: Kind.NAME, value: '__typename' },
  } as const;
  const withMark = (set: SelectionSetNode) => ({ ...set, selections: [selection, ...set.selections] });
  return visit(definition, {
    [Kind.FIELD]: {
      leave: (field) => field.selectionSet && { ...field, selectionSet: withMark(field.selectionSet) },
    },
  });
}

/**
 * Takes the marks out of data that stands at `path` of an answer, and tells of each object that had one. `data` itself
 * has none when it is the root, or what comes later for an object that was told of already.
 */
export function takeMarks(data: unknown, path: AnswerPath, mark: string, count: CountObject): void {
  const place = path.filter((key) => typeof key === 'string').join('.');
  if (Array.isArray(data)) takeFromItems(data, place, mark, count);
  else if (isObject(data)) {
    if (mark in data) takeFromValue(data, place, mark, count);
    else takeFromMembers(data, place, mark, count);
  }
}

function takeFromItems(items: readonly unknown[], place: string, mark: string, count: CountObject): void {
  for (const item of items) takeFromValue(item, place, mark, count);
}

/** What has no mark is a leaf, and may be anything at all. */
function takeFromValue(value: unknown, place: string, mark: string, count: CountObject): void {
  if (Array.isArray(value)) takeFromItems(value, place, mark, count);
  else if (isObject(value) && mark in value) {
    count(`${place} ${value[mark]}`);
    delete value[mark];
    takeFromMembers(value, place, mark, count);
  }
}

function takeFromMembers(
  members: Record<string, unknown>,
  place: string,
  mark: string,
  count: CountObject,
): void {
  const prefix = place === '' ? '' : `${place}.`;
  for (const key in members) {
    const value = members[key];
    if (typeof value === 'object') takeFromValue(value, prefix + key, mark, count);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
