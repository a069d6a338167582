import fc from 'fast-check';
import {
  type DocumentNode,
  execute,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getVariableValues,
  isCompositeType,
  isListType,
  Kind,
  responsePathAsArray,
} from 'graphql';
import { expect, it } from 'vitest';
import { type CostModel, createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { declaredLengthFrom, lengthOf } from '../../../src/guard/cost/list-length.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import type { Tally } from '../../../src/guard/cost/tally.ts';
import { type PriceBatch, priceBatches } from '../../kit/cost-generate.ts';

/** About 270 operations each. */
const batches = 20;

/** So that no answer grows without end, whatever its size might be. */
const maxItems = 6;
const maxObjects = 3_000;

/** An object of the answer: its type, and the sizes that its field has handed down. */
interface Answered {
  readonly typename: string;
  readonly sizes: ReadonlyMap<string, number>;
}

it('PricePlan.actual() is never above the estimate, whatever was answered', { timeout: 120_000 }, () => {
  let cases = 0;
  let lower = 0;
  let isEverAboveWithMore = false;
  const isNeverAbove = fc.property(priceBatches(), fc.infiniteStream(fc.nat(1_000)), (batch, random) => {
    const draw = () => random.next().value ?? 0;
    const model = createCostModel(batch.schema, { defaultListSize: batch.defaultListSize });
    for (const [document, variables] of operationsOf(batch)) {
      const tally = run(batch.schema, model, document, variables, draw);
      if (!tally) continue;
      const plan = compilePrice(model, document);
      const coerced = coerce(batch.schema, document, variables);
      const estimate = plan.estimate(coerced).points;
      const actual = plan.actual(coerced, tally);
      expect(actual).toBeLessThanOrEqual(estimate);
      expect(actual).toBeGreaterThanOrEqual(1);
      cases += 1;
      if (actual < estimate) lower += 1;
      isEverAboveWithMore ||= plan.actual(coerced, doubled(tally)) > estimate;
    }
  });
  fc.assert(isNeverAbove, { numRuns: batches });
  expect(cases).toBeGreaterThan(batches * 100);
  expect(lower).toBeGreaterThan(cases / 10);
  // Negative control: lists that are longer than their bound are noticed.
  expect(isEverAboveWithMore).toBe(true);
});

function doubled(tally: Tally): Tally {
  return { isCounted: true, entries: () => [...tally.entries()].map(([key, count]) => [key, 2 * count]) };
}

function operationsOf({ operations }: PriceBatch) {
  return operations.flatMap(({ document, variableSets }) =>
    variableSets.flatMap((given) => (given ? [[document, given] as const] : [])),
  );
}

function declaredBy({ definitions }: DocumentNode) {
  const [definition] = definitions;
  return (definition?.kind === Kind.OPERATION_DEFINITION && definition.variableDefinitions) || [];
}

function coerce(schema: GraphQLSchema, document: DocumentNode, given: Readonly<Record<string, unknown>>) {
  const { variableValues, errors } = getVariableValues(schema, declaredBy(document), given);
  if (errors) throw new AggregateError(errors);
  return variableValues.coerced;
}

/** Runs an operation on random data within the declared sizes; undefined when it would answer too much. */
function run(
  schema: GraphQLSchema,
  model: CostModel,
  document: DocumentNode,
  variableValues: Readonly<Record<string, unknown>>,
  draw: () => number,
): Tally | undefined {
  const counts = new Map<string, number>();
  let objects = 0;
  const variables = coerce(schema, document, variableValues);
  const answer: GraphQLFieldResolver<Answered | undefined, unknown> = (source, _args, _context, info) => {
    const type = getNamedType(info.returnType);
    const node = info.fieldNodes[0];
    const facts = model.field(info.parentType, info.fieldName);
    if (!isCompositeType(type) || !node || !facts || draw() < 100) return null;
    const declared = declaredLengthFrom(model, facts, node);
    const length = declared && lengthOf(declared, variables);
    const sizes = new Map<string, number>();
    if (length !== undefined) for (const name of facts.listSize?.sizedFields ?? []) sizes.set(name, length);
    const path = responsePathAsArray(info.path).filter((key) => typeof key === 'string');
    const item = () => {
      objects += 1;
      const types = model.possibleTypes(type);
      const typename = types[draw() % types.length]?.name ?? '';
      const key = `${path.join('.')} ${typename}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return { typename, sizes };
    };
    if (objects > maxObjects) return null;
    if (!facts.isList) return item();
    const own = sizes.size === 0 && !facts.listSize?.sizedFields?.length ? length : undefined;
    const bound = Math.min(maxItems, source?.sizes?.get(info.fieldName) ?? own ?? model.defaultListSize);
    // Of lists in lists the outer one has the size.
    const nullable = getNullableType(info.returnType);
    const isNested = isListType(nullable) && isListType(getNullableType(nullable.ofType));
    return Array.from({ length: draw() % 2 ? bound : draw() % (bound + 1) }, () =>
      isNested ? [item()] : item(),
    );
  };
  const result = execute({
    schema,
    document,
    variableValues,
    fieldResolver: answer,
    typeResolver: (value) => (isAnswered(value) ? value.typename : undefined),
  });
  if (result instanceof Promise || objects > maxObjects) return undefined;
  return { isCounted: true, entries: () => [[' Query', 1] as const, ...counts] };
}

function isAnswered(value: unknown): value is Answered {
  return typeof value === 'object' && value !== null && 'typename' in value;
}
