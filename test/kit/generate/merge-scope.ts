import {
  type ArgumentNode,
  type GraphQLCompositeType,
  type GraphQLField,
  getNamedType,
  isLeafType,
  isObjectType,
} from 'graphql';

/** A field with its arguments, as it stands at a place of the answer. */
export interface FieldUse {
  readonly parent: GraphQLCompositeType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly arguments: readonly ArgumentNode[];
  /** Its name and arguments as printed: what makes two fields one. */
  readonly signature: string;
  /** The arguments' values as they will count; what is left out is undefined. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Objects that one parent has of it: 1, or the length of the list. */
  readonly rows: number;
  /** Rows of the page, when the field is a connection. */
  readonly pageRows: number | undefined;
}

/** A response name of a place, with every field that stands for it and the scope of what is selected below. */
export interface Place {
  readonly uses: FieldUse[];
  readonly scope: MergeScope;
}

/**
 * What has been selected at one place of the answer, whatever selection set or fragment it came from: that all of it can be
 * merged is what "Field Selection Merging" (GraphQL specification, section 5.3.2) asks for.
 */
export type MergeScope = Map<string, Place>;

/** Whether a field may stand there under this response name. Stricter than the specification, never laxer. */
export function fits(scope: MergeScope, name: string, use: FieldUse): boolean {
  return scope.get(name)?.uses.every((other) => areMergeable(other, use)) ?? true;
}

/** Notes a field that {@link fits}, and gives the scope of what is selected below it. */
export function addUse(scope: MergeScope, name: string, use: FieldUse): MergeScope {
  return addUses(scope, name, [use]);
}

/** Whether all that a fragment selects may stand there. */
export function fitsAll(scope: MergeScope, fragment: MergeScope): boolean {
  return [...fragment].every(([name, place]) => {
    const there = scope.get(name);
    if (!there) return true;
    return place.uses.every((use) => fits(scope, name, use)) && fitsAll(there.scope, place.scope);
  });
}

/** Notes all that a fragment selects. */
export function addAll(scope: MergeScope, fragment: MergeScope): void {
  for (const [name, place] of fragment) addAll(addUses(scope, name, place.uses), place.scope);
}

function addUses(scope: MergeScope, name: string, uses: readonly FieldUse[]): MergeScope {
  const place: Place = scope.get(name) ?? { uses: [], scope: new Map() };
  place.uses.push(...uses);
  scope.set(name, place);
  return place.scope;
}

/** Two fields that are one, or two leaves of one type that no object can both have. */
function areMergeable(a: FieldUse, b: FieldUse): boolean {
  if (`${a.field.type}` !== `${b.field.type}`) return false;
  if (a.signature === b.signature) return true;
  const areLeaves = isLeafType(getNamedType(a.field.type)) && isLeafType(getNamedType(b.field.type));
  return areLeaves && isObjectType(a.parent) && isObjectType(b.parent) && a.parent !== b.parent;
}
