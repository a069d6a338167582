import fc from 'fast-check';
import { type DocumentNode, getVariableValues, Kind, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { compileCoarse } from '../../../src/guard/cost/coarse-formula.ts';
import { createCostModel } from '../../../src/guard/cost/cost-model.ts';
import { placeCosts } from '../../../src/guard/cost/formula.ts';
import type { Variables } from '../../../src/guard/cost/input-cost.ts';
import { operationPartsFrom } from '../../../src/guard/cost/operation-parts.ts';
import { compilePrice } from '../../../src/guard/cost/price-plan.ts';
import { coarseCalls } from '../../../src/guard/cost/upstream-calls.ts';
import { type PriceBatch, priceBatches } from '../../kit/cost-generate.ts';
import { librarySchema } from '../../kit/library-schema.ts';

/** About 270 cases each. */
const batches = 30;

describe('compileCoarse()', () => {
  it('is never below the exact price', { timeout: 120_000 }, () => {
    let isEverAbove = false;
    const isNeverBelow = fc.property(priceBatches(), (batch) => {
      const model = createCostModel(batch.schema, { defaultListSize: batch.defaultListSize });
      for (const [document, variables] of casesOf(batch)) {
        const exact = compilePrice(model, document).estimate(variables);
        const parts = operationPartsFrom(model, document, undefined);
        const root = compileCoarse(parts, new Map());
        const coarse = placeCosts({ model, variables, shared: new Map() }, root);
        const rootWeight = model.weightOfType(parts.rootType);
        const mutations = parts.operation.operation === 'mutation' ? (root.cases[0]?.fields.length ?? 0) : 0;
        isEverAbove ||= coarse.fieldCost > exact.fieldCost;
        expect(Math.max(0, rootWeight + coarse.typeCost)).toBeGreaterThanOrEqual(exact.typeCost);
        expect(coarse.fieldCost).toBeGreaterThanOrEqual(exact.fieldCost);
        expect(Math.max(1, 10 * mutations + coarse.points)).toBeGreaterThanOrEqual(exact.points);
      }
    });
    fc.assert(isNeverBelow, { numRuns: batches });
    expect(isEverAbove).toBe(true);
  });

  it('counts upstream calls without batches', () => {
    const model = createCostModel(librarySchema());
    const document = parse(
      '{ items(first: 9) { edges { node { author { name } ... on Book { shelf { label } } } } } }',
    );
    const root = compileCoarse(operationPartsFrom(model, document, undefined), new Map());
    expect(coarseCalls({ model, variables: {}, shared: new Map() }, root).calls).toBe(1 + 9 + 9);
  });

  it('throws RangeError for fragments that contain themselves', () => {
    const model = createCostModel(librarySchema());
    const compile = (text: string) => () =>
      compileCoarse(operationPartsFrom(model, parse(text), undefined), new Map());
    expect(compile('{ shelf { ...F } } fragment F on Shelf { books { shelf { ...F } } }')).toThrow(
      'Expected fragments that do not contain themselves.',
    );
    // Spread in itself at one place it adds nothing.
    expect(compile('{ shelf { ...F } } fragment F on Shelf { label ...F }')).not.toThrow();
  });
});

function casesOf({ schema, operations }: PriceBatch): readonly (readonly [DocumentNode, Variables])[] {
  return operations.flatMap(({ document, variableSets }) =>
    variableSets.map((given) => {
      const [definition] = document.definitions;
      const declared = definition?.kind === Kind.OPERATION_DEFINITION ? definition.variableDefinitions : [];
      const variables = given && getVariableValues(schema, declared ?? [], given).variableValues?.coerced;
      return [document, variables ?? null] as const;
    }),
  );
}
