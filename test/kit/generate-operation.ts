import fc from 'fast-check';
import {
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
  print,
  type SelectionSetNode,
  validate,
} from 'graphql';
import type { Draft } from './generate/draft.ts';
import { createDraw, type Draw } from './generate/draw.ts';
import { createInputEncoder, type Variables } from './generate/encode-input.ts';
import { drawField } from './generate/fields.ts';
import { omitted } from './generate/input-values.ts';
import { nameNode } from './generate/name-node.ts';
import { drawSelectionSet } from './generate/selections.ts';
import { type OperationOptions, type Settings, settingsFrom } from './generate/settings.ts';
import { reachedFrom, smallerDocuments } from './generate/shrink-document.ts';

/** An operation as a client sends it. */
export interface GeneratedOperation {
  /** Valid by every rule of graphql-js. */
  readonly document: string;
  /** Which operation of the document is meant; undefined when it is the only one. */
  readonly operationName: string | undefined;
  /** As JSON: the variables of that operation which have a value. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Random valid operations for a schema, the same for the same seed. A failing one shrinks by what its document can do
 * without, so that the counterexample is short. `fc.sample(operations(schema), { seed, numRuns })` gives a list.
 */
export function operations(
  schema: GraphQLSchema,
  options: OperationOptions = {},
): fc.Arbitrary<GeneratedOperation> {
  return new OperationArbitrary(schema, settingsFrom(options));
}

/** A class because fast-check asks for one. */
class OperationArbitrary extends fc.Arbitrary<GeneratedOperation> {
  readonly #schema: GraphQLSchema;
  readonly #settings: Settings;

  constructor(schema: GraphQLSchema, settings: Settings) {
    super();
    this.#schema = schema;
    this.#settings = settings;
  }

  override generate(random: fc.Random): fc.Value<GeneratedOperation> {
    return new fc.Value(drawOperation(this.#schema, createDraw(random), this.#settings), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is GeneratedOperation {
    return true;
  }

  override shrink(operation: GeneratedOperation): fc.Stream<fc.Value<GeneratedOperation>> {
    const document = parse(operation.document, { noLocation: true });
    const smaller = smallerDocuments(this.#schema, document, operation.operationName);
    return fc.stream(smaller).map((shrunk) => new fc.Value(withDocument(operation, shrunk), undefined));
  }
}

/** Draws one operation, with others beside it that are not meant. */
function drawOperation(schema: GraphQLSchema, draw: Draw, settings: Settings): GeneratedOperation {
  const variables: Variables = new Map();
  const encoder = createInputEncoder(draw, variables, settings.shape.variable);
  const draft: Draft = { schema, draw, settings, encoder, fragments: [], objects: 0, names: 0 };
  const count = draw.chance(0.85) ? 1 : draw.between(1, settings.shape.maxOperations);
  const isNamed = count > 1 || draw.chance(0.7);
  const drawn = Array.from({ length: count }, (_, index) => {
    draft.objects = 0;
    return operationNode(settings.kind, drawRoot(draft), isNamed ? `Operation${index + 1}` : undefined);
  });
  const document = completeDocument(draft, drawn, variables);
  const faults = validate(schema, document);
  if (faults.length > 0)
    throw new Error(`Made an invalid document: ${faults.join('; ')}\n${print(document)}`);
  const operationName = count > 1 ? draw.pick(drawn).name?.value : undefined;
  const values = Object.fromEntries([...variables].map(([name, { value }]) => [name, value]));
  return withDocument({ document: '', operationName, variables: values }, document);
}

/** A subscription has one field at its root, and nothing that could leave it out (specification, section 5.2.4). */
function drawRoot(draft: Draft): SelectionSetNode {
  const { schema, settings } = draft;
  const type = schema.getRootType(settings.kind);
  if (!type) throw new TypeError(`Expected a schema with a ${settings.kind} type, got one without.`);
  const site = { type, depth: 1, objects: 1, pageRows: undefined, path: [], scope: new Map() };
  if (settings.kind !== 'subscription') return drawSelectionSet(draft, site);
  const field = drawField(draft, site, (inner) => drawSelectionSet(draft, inner));
  if (!field)
    throw new TypeError('Expected a field with a weight above 0 in the subscription type, got none.');
  return { kind: Kind.SELECTION_SET, selections: [field] };
}

function operationNode(
  kind: OperationTypeNode,
  selectionSet: SelectionSetNode,
  name: string | undefined,
): OperationDefinitionNode {
  return {
    kind: Kind.OPERATION_DEFINITION,
    operation: kind,
    ...(name !== undefined && { name: nameNode(name) }),
    selectionSet,
  };
}

/** The operations with the fragments they spread, and the declarations of the variables they use. */
function completeDocument(
  { fragments }: Draft,
  drawn: readonly OperationDefinitionNode[],
  variables: Variables,
): DocumentNode {
  const all: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [...drawn, ...fragments.map(({ definition }) => definition)],
  };
  const reached = drawn.map((operation) => reachedFrom(all, operation));
  const declared = drawn.map((operation, index): OperationDefinitionNode => {
    const used = [...(reached[index]?.variables ?? [])].flatMap((name) => variables.get(name) ?? []);
    return { ...operation, variableDefinitions: used.map(({ definition }) => definition) };
  });
  const spread = new Set(reached.flatMap((one) => one.fragments));
  return { ...all, definitions: [...declared, ...spread] };
}

/** The operation with another document; variables that it does not declare are left out. */
function withDocument(
  { operationName, variables }: GeneratedOperation,
  document: DocumentNode,
): GeneratedOperation {
  const operation = document.definitions.find(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (operationName === undefined || definition.name?.value === operationName),
  );
  const declared = operation?.kind === Kind.OPERATION_DEFINITION ? operation.variableDefinitions : [];
  const values = (declared ?? []).flatMap(({ variable: { name } }) => {
    const value = variables[name.value];
    return value === omitted ? [] : [[name.value, value] as const];
  });
  return { document: print(document), operationName, variables: Object.fromEntries(values) };
}
