import fc from 'fast-check';
import { type DocumentNode, type GraphQLSchema, getVariableValues, Kind } from 'graphql';
import { expect, it } from 'vitest';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import {
  casesOf,
  firstDifference,
  type PriceDifference,
  type PriceEngine,
} from '../../kit/cost-difference.ts';
import { priceBatches } from '../../kit/cost-generate.ts';

/** About 270 cases each. */
const batches = 200;

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

it('compilePrice() prices 50,000 generated cases as the reference model does', { timeout: 180_000 }, () => {
  let cases = 0;
  let difference: PriceDifference | undefined;
  const isSame = fc.property(priceBatches(), (batch) => {
    cases += casesOf(batch);
    difference = firstDifference(batch, compiled);
    return difference === undefined;
  });
  const { seed, counterexamplePath: path } = fc.check(isSame, { numRuns: batches });
  expect({ difference, ...(difference && { seed, path }) }).toEqual({});
  expect(cases).toBeGreaterThanOrEqual(50_000);
});
