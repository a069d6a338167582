import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLAbstractType,
  GraphQLBoolean,
  type GraphQLField,
  GraphQLID,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSkipDirective,
  GraphQLString,
  getDirectiveValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  Kind,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  typeFromAST,
  type ValidatedExecutionArgs,
  visit,
} from 'graphql';

/** An output type taken apart, so that completing a value asks nothing of it. */
export type Shape = { readonly isNonNull: boolean } & (
  | {
      readonly kind: 'leaf';
      readonly type: GraphQLLeafType;
      /** The `typeof` of values that are sent as they are. */
      readonly sentAsIs: 'string' | 'boolean' | undefined;
    }
  | { readonly kind: 'object'; readonly type: GraphQLObjectType }
  | { readonly kind: 'abstract'; readonly type: GraphQLAbstractType }
  | { readonly kind: 'list'; readonly item: Shape }
);

/** One field of an answer: what is known of it before it is resolved. */
export interface FieldPlan {
  /** Its name in the answer. */
  readonly key: string;
  /** The names in the answer from the root to it, joined by '.'. */
  readonly place: string;
  /** All places of the document that ask for it here; the first gives the arguments. */
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
  readonly shape: Shape;
  /** Whether it is `__typename`, whose value is the parent type's name. */
  readonly isTypename: boolean;
  /** Its number in its plan. */
  readonly index: number;
  readonly selections: Map<GraphQLObjectType, Selection>;
}

/** The fields of one object, in the order of the answer. */
export interface Selection {
  readonly fields: readonly FieldPlan[];
  /** The members of an object that is sent: `__proto__` is a name like any other there. */
  readonly create: () => Record<string, unknown>;
  /** Where its objects are counted: see Tally. */
  readonly place: string;
  /** Its number in its plan; undefined when the plan has no room to remember it. */
  index: number | undefined;
}

/**
 * How one operation is executed, for one outcome of its conditions (@skip, @include). It grows as data reaches its parts,
 * never ahead of them: fragments that double at each level cost what they select, not what they could.
 */
export interface Plan {
  readonly room: PlanRoom;
  /** Numbers its fields. */
  fields: number;
  /** The places of the selections that it remembers, by their number. */
  readonly places: string[];
  root: Selection | undefined;
}

/** How many fields the plans of one document may still remember. */
export interface PlanRoom {
  left: number;
}

type Validated = Pick<ValidatedExecutionArgs, 'schema' | 'fragments' | 'variableValues'>;

/** The root's selection of a plan. */
export function rootSelection(
  plan: Plan,
  args: Validated,
  type: GraphQLObjectType,
  selectionSet: SelectionSetNode,
): Selection {
  if (plan.root) return plan.root;
  const selection = selectionFrom(plan, args, { type, above: '' }, [selectionSet]);
  if (remember(plan, selection)) plan.root = selection;
  return selection;
}

/** What is selected on an object of `type` below a field. Throws what a condition throws that has no value. */
export function subselection(
  plan: Plan,
  args: Validated,
  field: FieldPlan,
  type: GraphQLObjectType,
): Selection {
  const known = field.selections.get(type);
  if (known) return known;
  const sets = field.nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
  const selection = selectionFrom(plan, args, { type, above: field.place }, sets);
  if (remember(plan, selection)) field.selections.set(type, selection);
  return selection;
}

function remember({ room, places }: Plan, selection: Selection): boolean {
  if (room.left < selection.fields.length) return false;
  room.left -= selection.fields.length;
  selection.index = places.push(selection.place) - 1;
  return true;
}

/** The names of the variables that decide conditions anywhere in a document. */
export function conditionVariables(document: DocumentNode): readonly string[] {
  const names = new Set<string>();
  visit(document, {
    [Kind.DIRECTIVE]: (directive: DirectiveNode) => {
      const isCondition = ['skip', 'include'].includes(directive.name.value);
      const value = isCondition ? directive.arguments?.[0]?.value : undefined;
      if (value?.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

function selectionFrom(
  plan: Plan,
  args: Validated,
  { type, above }: { readonly type: GraphQLObjectType; readonly above: string },
  sets: readonly SelectionSetNode[],
): Selection {
  const nodesByKey = new Map<string, [FieldNode, ...FieldNode[]]>();
  const spread = new Set<string>();
  for (const set of sets) collect(args, type, set, nodesByKey, spread);
  const prefix = above === '' ? '' : `${above}.`;
  const fields = [...nodesByKey].flatMap(
    ([key, nodes]) => fieldPlan(plan, args, { parentType: type, key, place: prefix + key }, nodes) ?? [],
  );
  const create = nodesByKey.has('__proto__') ? () => Object.create(null) : () => ({});
  return { fields, create, place: `${above} ${type.name}`, index: undefined };
}

/** GraphQL specification, section 6.3.2, CollectFields. */
function collect(
  args: Validated,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  nodesByKey: Map<string, [FieldNode, ...FieldNode[]]>,
  spread: Set<string>,
): void {
  for (const selection of selections) {
    if (!isIncluded(selection, args)) continue;
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      const nodes = nodesByKey.get(key);
      if (nodes) nodes.push(selection);
      else nodesByKey.set(key, [selection]);
      continue;
    }
    const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
    const fragment = isSpread ? args.fragments[selection.name.value]?.definition : selection;
    if (!fragment || (isSpread && spread.has(selection.name.value)) || !fits(fragment, args, type)) continue;
    if (isSpread) spread.add(selection.name.value);
    collect(args, type, fragment.selectionSet, nodesByKey, spread);
  }
}

type Conditional = Parameters<typeof getDirectiveValues>[1];

function isIncluded(node: Conditional, { variableValues }: Validated): boolean {
  if (!node.directives?.length) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variableValues)?.['if'] === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variableValues)?.['if'] !== false;
}

function fits(
  { typeCondition }: { readonly typeCondition?: Parameters<typeof typeFromAST>[1] | undefined },
  { schema }: Validated,
  type: GraphQLObjectType,
): boolean {
  if (!typeCondition) return true;
  const condition = typeFromAST(schema, typeCondition);
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
}

/** Undefined for a field that there is not: validation lets none pass. */
function fieldPlan(
  plan: Plan,
  { schema }: Validated,
  where: Pick<FieldPlan, 'parentType' | 'key' | 'place'>,
  nodes: [FieldNode, ...FieldNode[]],
): FieldPlan | undefined {
  const definition = schema.getField(where.parentType, nodes[0].name.value);
  if (!definition) return undefined;
  const isTypename = definition === TypeNameMetaFieldDef;
  const shape = shapeOf(definition.type);
  plan.fields += 1;
  const index = plan.fields;
  return { ...where, nodes, definition, shape, isTypename, index, selections: new Map() };
}

/** What the scalars of the specification send unchanged; others may send anything for anything. */
const sentAsIs: ReadonlyMap<GraphQLLeafType, 'string' | 'boolean'> = new Map<
  GraphQLLeafType,
  'string' | 'boolean'
>([
  [GraphQLString, 'string'],
  [GraphQLID, 'string'],
  [GraphQLBoolean, 'boolean'],
]);

function shapeOf(type: GraphQLOutputType): Shape {
  if (isNonNullType(type)) return { ...shapeOf(type.ofType), isNonNull: true };
  const isNonNull = false;
  if (isListType(type)) return { isNonNull, kind: 'list', item: shapeOf(type.ofType) };
  if (isLeafType(type)) return { isNonNull, kind: 'leaf', type, sentAsIs: sentAsIs.get(type) };
  if (isAbstractType(type)) return { isNonNull, kind: 'abstract', type };
  return { isNonNull, kind: 'object', type };
}
