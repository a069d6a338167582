import fc from 'fast-check';
import {
  buildSchema,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  Kind,
  OperationTypeNode,
  parse,
  print,
  typeFromAST,
  type VariableDefinitionNode,
  visit,
} from 'graphql';
import { drawCostSchema } from './cost-generate-schema.ts';
import { createDraw, type Draw } from './generate/draw.ts';
import { drawInput, omitted, type ValueSources } from './generate/input-values.ts';
import { operations } from './generate-operation.ts';

type VariableSet = Readonly<Record<string, unknown>> | null;

/** Operations of one schema, each with several sets of variables: what one schema costs to build is shared. */
export interface PriceBatch {
  readonly sdl: string;
  readonly schema: GraphQLSchema;
  readonly defaultListSize: number;
  readonly operations: readonly PricedOperation[];
}

export interface PricedOperation {
  /** Valid for the schema. */
  readonly document: DocumentNode;
  /** As JSON, of the declared types; null: nothing is known of them. */
  readonly variableSets: readonly VariableSet[];
}

const operationsPerBatch = 16;
const drawnVariableSets = 20;

const sources: ValueSources = {
  Int: (draw) => draw.pick([-5, -1, 0, 1, 2, 3, 7, 20]),
  Text: (draw) => draw.pick(['', 'text']),
  // Input objects within themselves, kept small.
  'Filter.self': (draw) => draw.pick([{}, { next: { on: null } }, { self: { min: 1 }, all: [{}] }]),
  'Order.back': (draw) => draw.pick([{}, { min: null }, { next: null, self: {} }]),
};

/** Shared by all conditions of an operation, so that they exclude each other. Never null: no operation runs then. */
const conditionVariables: readonly (readonly [name: string, declaration: string])[] = [
  ['x', 'Boolean!'],
  ['y', 'Boolean = true'],
  ['z', 'Boolean! = false'],
];

/** How the conditions of an operation are drawn. */
interface Conditions {
  readonly variables: readonly (readonly [name: string, declaration: string])[];
  /** Probability that a selection has @skip, and that it has @include. */
  readonly share: number;
}

const fewConditions: Conditions = { variables: conditionVariables, share: 0.12 };

/** So many that pricing every case of an operation is too much work for an engine. */
const manyConditions: Conditions = {
  variables: [
    ...conditionVariables,
    ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'Boolean!'] as const),
  ],
  share: 0.3,
};

/** Batches of random schemas and operations, the same for the same seed. */
export function priceBatches({ hasManyConditions = false } = {}): fc.Arbitrary<PriceBatch> {
  return new BatchArbitrary(hasManyConditions ? manyConditions : fewConditions);
}

/** A class because fast-check asks for one. Batches do not shrink: `firstDifference` does, for the one that failed. */
class BatchArbitrary extends fc.Arbitrary<PriceBatch> {
  readonly #conditions: Conditions;

  constructor(conditions: Conditions) {
    super();
    this.#conditions = conditions;
  }

  override generate(random: fc.Random): fc.Value<PriceBatch> {
    const draw = createDraw(random);
    const sdl = drawCostSchema(draw);
    const schema = buildSchema(sdl);
    const drawn = Array.from({ length: operationsPerBatch }, () =>
      drawOperation(draw, random, schema, this.#conditions),
    );
    const defaultListSize = draw.pick([0, 1, 10, Number.POSITIVE_INFINITY]);
    return new fc.Value({ sdl, schema, defaultListSize, operations: drawn }, undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is PriceBatch {
    return false;
  }

  override shrink(): fc.Stream<fc.Value<PriceBatch>> {
    return fc.Stream.nil();
  }
}

function drawOperation(
  draw: Draw,
  random: fc.Random,
  schema: GraphQLSchema,
  conditions: Conditions,
): PricedOperation {
  const kind = draw.chance(0.85) ? OperationTypeNode.QUERY : OperationTypeNode.MUTATION;
  const shape = { maxOperations: 1, maxSelections: 4, repeat: 4, alias: 0.3, directive: 0, variable: 0.3 };
  const generated = operations(schema, {
    kind,
    maxDepth: draw.between(3, 6),
    maxObjects: 30,
    sources,
    shape,
  });
  const { document: source, variables } = generated.generate(random, undefined).value;
  const document = withDirectives(draw, conditions, parse(source, { noLocation: true }));
  const declared = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
  );
  const drawSet = (given: Readonly<Record<string, unknown>>) => drawVariables(draw, schema, declared, given);
  if (declared.length === 0) return { document, variableSets: [{}, null] };
  const drawn = Array.from({ length: drawnVariableSets }, () => drawSet({}));
  return { document, variableSets: [drawSet(variables), ...drawn, null] };
}

/** The document with conditions and other directives strewn in, and the variables that these take declared. */
function withDirectives(draw: Draw, conditions: Conditions, document: DocumentNode): DocumentNode {
  const used = new Map<string, string>();
  const decorated: DocumentNode = visit(document, {
    enter(node) {
      if (node.kind === Kind.FIELD)
        return { ...node, directives: [...drawConditions(draw, conditions, used), ...drawTags(draw, used)] };
      const isFragment = node.kind === Kind.INLINE_FRAGMENT || node.kind === Kind.FRAGMENT_SPREAD;
      return isFragment ? { ...node, directives: drawConditions(draw, conditions, used) } : undefined;
    },
  });
  if (used.size === 0) return decorated;
  const definitions = decorated.definitions.map((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? { ...definition, variableDefinitions: [...(definition.variableDefinitions ?? []), ...declare(used)] }
      : definition,
  );
  return { ...decorated, definitions };
}

function declare(types: ReadonlyMap<string, string>): readonly VariableDefinitionNode[] {
  const declarations = [...types].map(([name, type]) => `$${name}: ${type}`);
  const [definition] = parse(`query (${declarations.join()}) { x }`, { noLocation: true }).definitions;
  return definition?.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [];
}

function drawConditions(
  draw: Draw,
  { variables, share }: Conditions,
  used: Map<string, string>,
): DirectiveNode[] {
  return ['skip', 'include'].flatMap((name) => {
    if (!draw.chance(share)) return [];
    if (draw.chance(0.2)) return directiveFrom(`@${name}(if: ${draw.chance(0.5)})`);
    const [variable, declaration] = draw.pick(variables);
    used.set(variable, declaration);
    return directiveFrom(`@${name}(if: $${variable})`);
  });
}

function drawTags(draw: Draw, used: Map<string, string>): DirectiveNode[] {
  if (!draw.chance(0.1)) return [];
  const level = draw.pick(['', 'level: 1', 'level: null', 'level: $level']);
  const by = draw.pick(['', 'by: { min: 2 }', 'by: null', 'by: { next: { on: $on } }']);
  if (level.includes('$')) used.set('level', 'Int');
  if (by.includes('$')) used.set('on', 'Boolean');
  const given = [level, by].filter((argument) => argument !== '').join();
  return directiveFrom(given === '' ? '@tag' : `@tag(${given})`);
}

function directiveFrom(source: string): DirectiveNode[] {
  const [definition] = parse(`{ x ${source} }`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION) return [];
  return definition.selectionSet.selections.flatMap(({ directives }) => directives ?? []);
}

function drawVariables(
  draw: Draw,
  schema: GraphQLSchema,
  declared: readonly VariableDefinitionNode[],
  given: Readonly<Record<string, unknown>>,
): VariableSet {
  const entries = declared.flatMap(({ variable: { name }, type: node, defaultValue }) => {
    if (Object.hasOwn(given, name.value)) return [[name.value, given[name.value]] as const];
    const type = typeFromAST(schema, node);
    if (!isInputType(type)) throw new TypeError(`expected an input type, got ${print(node)}`);
    const isRequired = isNonNullType(type) && !defaultValue;
    const drawn = drawInput(draw, sources, { coordinate: `$${name.value}`, type, isRequired });
    // The conditions that may be null by their type.
    const isCondition = name.value === 'y';
    return drawn === omitted || (drawn === null && isCondition) ? [] : [[name.value, drawn] as const];
  });
  return Object.fromEntries(entries);
}
