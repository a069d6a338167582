import fc from 'fast-check';
import { buildSchema, OperationTypeNode } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { costDirectives } from '../kit/cost-directives.ts';
import { answersOf, generatedLimits, postForCost, reportEstimates } from '../kit/estimates.ts';
import { operations } from '../kit/generate-operation.ts';
import { createCursorBook } from '../kit/reference/cursor-book.ts';
import { shopOperations } from '../kit/reference/shop-operations.ts';
import { type Shop, startShop } from '../kit/shop.ts';
import { shopVariant } from '../kit/shop-variants.ts';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

const { schema } = shopVariant('web');

/** Another seed asks other things. `npm run bench -- estimates` asks 20,000. */
const seed = 20_261_104;
const operationCount = 3000;
const timeoutMs = 120_000;

describe('the price of a generated query', () => {
  let shop: Shop;
  beforeAll(async () => {
    // Nothing is refused, and everything is told.
    shop = await startShop({ limits: generatedLimits, environment: { WEIR_BUDGET_MODE: 'measure' } });
  });
  afterAll(() => shop?.close());

  it(
    `is never below what it uses, nor are its calls, ${operationCount} times`,
    async () => {
      const scope = 'orders:read payments:read chat:read users:read';
      const authorization = `Bearer ${await shop.tokenOf('user-1', scope)}`;
      const options = { ...shopOperations(createCursorBook()), kind: OperationTypeNode.QUERY };
      const all = fc.sample(operations(schema, options), { seed, numRuns: operationCount });
      const report = reportEstimates(
        await answersOf(all, 8, (operation) => postForCost(shop.url, operation, authorization)),
      );
      expect(report.faults).toEqual([]);
      // Such a test can pass by asking for nothing, and by estimates that are far too high.
      expect(report.unpriced).toBeLessThan(operationCount / 20);
      expect(report.below).toBeGreaterThan(operationCount / 4);
      expect(report.exact).toBeGreaterThan(operationCount / 20);
      expect(report.exactCalls).toBeGreaterThan(operationCount / 4);
      // The services have received what was told, and the few calls that an answer with errors did not wait for.
      expect(shop.calls.length).toBeGreaterThanOrEqual(report.calls);
      expect(shop.calls.length).toBeLessThan(report.calls * 1.01);
      expect(report.usedShare).toBeGreaterThan(0.1);
    },
    timeoutMs,
  );
});

describe('a resolver that gives more than its bound', () => {
  /** As a schema that nothing holds to its sizes: the plugin of the schema builder would. */
  const unheld = buildSchema(`${costDirectives}
    type Query { things: [Thing!]! @listSize(assumedSize: 3) }
    type Thing { id: ID }`);

  it.each([
    [3, 0],
    [4, 1],
  ])('is caught: %i of 3 things are %i faults', async (count, faults) => {
    const things = () => Array.from({ length: count }, (_, id) => ({ id }));
    Object.assign(unheld.getQueryType()?.getFields()['things'] ?? {}, { resolve: things });
    await using tiny = await openTinyGateway({ schema: unheld, budget: { mode: 'measure' } });
    const operation = { document: '{ things { id } }', operationName: undefined, variables: {} };
    const cost = await postForCost(tiny.url, operation);
    expect(cost?.requestedQueryCost).toBe(3);
    expect(reportEstimates([{ operation, cost }]).faults).toHaveLength(faults);
  });
});
