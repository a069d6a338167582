import { join } from 'node:path';
import { NoDeprecatedCustomRule, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readStoredDocuments } from '../../src/cli/stored-documents.ts';
import { createBudgetPolicy } from '../../src/guard/budget/policy.ts';
import { createCostModel } from '../../src/guard/cost/cost-model.ts';
import { compilePrice } from '../../src/guard/cost/price-plan.ts';
import { anonymousPrincipal } from '../../src/identity/principal.ts';
import { shopVariant, shopVariants } from '../kit/shop-variants.ts';

const documents = (
  await Promise.all(
    shopVariants.map(async ({ name: variant, schema, pages }) => {
      const stored = await readStoredDocuments(join(import.meta.dirname, `../../documents/${variant}`));
      const model = createCostModel(schema, { pages });
      return stored.map((document) => ({ ...document, variant, schema, model }));
    }),
  )
).flat();
const ceiling = createBudgetPolicy()(anonymousPrincipal('test'), 'web').operationLimitPoints;

describe('the stored documents', () => {
  it('are some', () => {
    expect(documents.length).toBeGreaterThanOrEqual(10);
  });

  it.each(documents)('$variant/$name is valid, and never costs more than one operation may', (stored) => {
    const { document, schema, model } = stored;
    expect(validate(schema, document)).toEqual([]);
    const { points, upstreamCalls } = compilePrice(model, document).estimate(null);
    expect(points).toBeLessThanOrEqual(ceiling);
    expect(upstreamCalls).toBeLessThan(10);
  });

  it.each(documents)('$variant/$name uses nothing that is deprecated', ({ document, schema }) => {
    expect(validate(schema, document, [NoDeprecatedCustomRule])).toEqual([]);
  });

  it('could use something that is', () => {
    const { schema } = shopVariant('web');
    const [error] = validate(schema, parse('{ product(id: "x") { mediaId } }'), [NoDeprecatedCustomRule]);
    expect(error?.message).toMatch(
      /^The field Product\.mediaId is deprecated\. .* Removed after 2027-06-01\.$/,
    );
  });
});
