import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  getNullableType,
  isListType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  TypeInfo,
  type ValueNode,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { nameNode } from './name-node.ts';

/** How much of a document comes later, each from 0 to 1. */
export interface PartsShape {
  /** Fragments that are there. */
  readonly defer: number;
  /** Fields, put into fragments of their own. */
  readonly wrap: number;
  /** Lists. */
  readonly stream: number;
}

/**
 * The same queries with `@defer` and `@stream` at random places. Streams that the rules of the specification forbid, as
 * of a list that is asked for twice, are left out again.
 */
export function withParts(
  schema: GraphQLSchema,
  document: DocumentNode,
  { defer, wrap, stream }: PartsShape,
  random: () => number,
): DocumentNode {
  let labels = 0;
  const directive = (name: string, given: Readonly<Record<string, ValueNode>>): DirectiveNode => {
    const label = { kind: Kind.STRING, value: `part${labels++}` } as const;
    const all: Readonly<Record<string, ValueNode>> = random() < 0.7 ? { ...given, label } : given;
    const entries = Object.entries(all);
    return {
      kind: Kind.DIRECTIVE,
      name: nameNode(name),
      arguments: entries.map(([key, value]) => ({ kind: Kind.ARGUMENT, name: nameNode(key), value })),
    };
  };
  const later = <Fragment extends Exclude<SelectionNode, FieldNode>>(fragment: Fragment) =>
    random() < defer
      ? { ...fragment, directives: [...(fragment.directives ?? []), directive('defer', {})] }
      : undefined;
  const typeInfo = new TypeInfo(schema);
  const deferred = visit(document, {
    [Kind.FRAGMENT_SPREAD]: later,
    [Kind.INLINE_FRAGMENT]: { leave: later },
    [Kind.SELECTION_SET]: {
      leave: (set) => ({
        ...set,
        selections: set.selections.map((selection) =>
          random() < wrap ? wrapped(selection, directive('defer', {})) : selection,
        ),
      }),
    },
  });
  const streamed = visit(
    deferred,
    visitWithTypeInfo(typeInfo, {
      [Kind.FIELD]: {
        leave: (field) => {
          const type = typeInfo.getType();
          if (!type || !isListType(getNullableType(type)) || random() >= stream) return undefined;
          const initialCount = { kind: Kind.INT, value: String(Math.floor(random() * 4)) } as const;
          const added = directive('stream', random() < 0.8 ? { initialCount } : {});
          return { ...field, directives: [...(field.directives ?? []), added] };
        },
      },
    }),
  );
  return (
    [streamed, withoutClashes(schema, streamed)].find((one) => validate(schema, one).length === 0) ?? deferred
  );
}

function wrapped(selection: SelectionNode, directive: DirectiveNode): SelectionNode {
  const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [selection] };
  return { kind: Kind.INLINE_FRAGMENT, directives: [directive], selectionSet };
}

/** Without the streams of all fields that a complaint is about. */
function withoutClashes(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const clashing = new Set(
    validate(schema, document).flatMap(({ nodes = [] }) =>
      nodes.flatMap((node) => (node.kind === Kind.FIELD ? keyOf(node) : [])),
    ),
  );
  return visit(document, {
    [Kind.FIELD]: (field) =>
      clashing.has(keyOf(field))
        ? { ...field, directives: (field.directives ?? []).filter(({ name }) => name.value !== 'stream') }
        : undefined,
  });
}

function keyOf({ alias, name }: FieldNode): string {
  return (alias ?? name).value;
}
