import fc from 'fast-check';
import { type DocumentNode, type GraphQLSchema, getVariableValues, Kind } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import {
  type Agreement,
  casesOf,
  firstDifference,
  isNeverLower,
  type PriceDifference,
  type PriceEngine,
} from '../../kit/cost-difference.ts';
import { type PriceBatch, priceBatches } from '../../kit/cost-generate.ts';

const compiled: PriceEngine = (schema, defaultListSize) => {
  const model = createCostModel(schema, { defaultListSize });
  return (document) => {
    const plan = compilePrice(model, document);
    return (variables) => plan.estimate(variables && coerce(schema, document, variables));
  };
};

function coerce(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
) {
  const declared = definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
  );
  const { variableValues, errors } = getVariableValues(schema, declared, variables);
  if (errors) throw new AggregateError(errors);
  return variableValues.coerced;
}

/** The first difference in batches of random seed, with that seed; undefined parts: none. */
function check(batches: number, arbitrary: fc.Arbitrary<PriceBatch>, agrees?: Agreement) {
  let cases = 0;
  let difference: PriceDifference | undefined;
  const property = fc.property(arbitrary, (batch) => {
    cases += casesOf(batch);
    difference = firstDifference(batch, compiled, agrees);
    return difference === undefined;
  });
  const { failed, errorInstance, seed, counterexamplePath: path } = fc.check(property, { numRuns: batches });
  if (failed && !difference) throw new Error(`seed ${seed}, path ${path}`, { cause: errorInstance });
  return { cases, found: difference && { ...difference, seed, path } };
}

describe('compilePrice()', { timeout: 180_000 }, () => {
  it('prices 50,000 generated cases as the reference model does', () => {
    // About 330 cases each.
    const { cases, found } = check(160, priceBatches());
    expect(found).toBeUndefined();
    expect(cases).toBeGreaterThanOrEqual(50_000);
  });

  it('is never below the reference model when an operation has too many cases', () => {
    let higher = 0;
    const { found } = check(6, priceBatches({ hasManyConditions: true }), (got, expected, work) => {
      if (got.points > expected.points) higher += 1;
      return isNeverLower(got, expected, work);
    });
    expect(found).toBeUndefined();
    expect(higher).toBeGreaterThan(0);
  });
});
