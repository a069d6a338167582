import fc from 'fast-check';
import { OperationTypeNode, parse, print } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../schema/index.ts';
import { createRandom } from '../../seed/random.ts';
import { withIncrementalDirectives } from '../../src/guard/documents/incremental-directives.ts';
import type { CostExtension } from '../../src/operation/charge.ts';
import { generatedLimits, reportEstimates } from '../kit/estimates.ts';
import { type PartsShape, withParts } from '../kit/generate/ask-in-parts.ts';
import { type GeneratedOperation, operations } from '../kit/generate-operation.ts';
import { askInParts, type JsonObject, mergedParts, partsAccepts } from '../kit/parts.ts';
import { createCursorBook } from '../kit/reference/cursor-book.ts';
import { shopOperations } from '../kit/reference/shop-operations.ts';
import { type Shop, startShop } from '../kit/shop.ts';

/** Another seed asks other things. */
const seed = 20_261_123;
const operationCount = 500;
const timeoutMs = 180_000;
const maxDeferredParts = 10_000;

const served = withIncrementalDirectives(schema);

/** How much comes later, by turns: hardly anything, about half, and nearly everything. */
const shapes: readonly PartsShape[] = [
  { defer: 0.3, wrap: 0.05, stream: 0.3 },
  { defer: 0.6, wrap: 0.3, stream: 0.6 },
  { defer: 0.9, wrap: 0.7, stream: 0.9 },
];

let shop: Shop;
let authorization: string;

beforeAll(async () => {
  shop = await startShop({
    limits: { ...generatedLimits, maxDeferredParts },
    environment: { WEIR_BUDGET_MODE: 'measure' },
  });
  authorization = `Bearer ${await shop.tokenOf('user-1', 'orders:read payments:read chat:read users:read')}`;
});

afterAll(() => shop?.close());

function generated(count: number): readonly GeneratedOperation[] {
  const shopOptions = shopOperations(createCursorBook());
  // What a caller has left moves by itself.
  const weights = { ...shopOptions.weights, 'Query.rateLimit': 0 };
  const options = { ...shopOptions, weights, kind: OperationTypeNode.QUERY };
  const all = fc.sample(operations(schema, options), { seed, numRuns: count });
  return all.map((operation, index) => {
    const next = createRandom(seed, 'message', index);
    const shape = shapes[index % shapes.length] ?? { defer: 0, wrap: 0, stream: 0 };
    const document = withParts(served, parse(operation.document), shape, next);
    return { ...operation, document: print(document) };
  });
}

async function ask({ document, operationName, variables }: GeneratedOperation, accept: string) {
  const { parts } = await askInParts(
    shop.url,
    { query: document, operationName, variables },
    { accept, authorization },
  );
  return { parts, ...mergedParts(parts) };
}

function costOf(extensions: unknown): CostExtension | undefined {
  return (extensions as { cost?: CostExtension } | undefined)?.cost;
}

describe('generated queries that ask for parts', () => {
  it(
    `are answered with the same data, at the same price and with no more calls than estimated, ${operationCount} times`,
    async () => {
      const all = generated(operationCount);
      const answered: { operation: GeneratedOperation; cost: CostExtension | undefined }[] = [];
      const different: string[] = [];
      let inParts = 0;
      let clean = 0;
      let later = 0;
      let moreCalls = 0;
      const work = all.values();
      const lane = async () => {
        for (const operation of work) {
          const whole = await ask(operation, 'application/json');
          for (const accept of Object.values(partsAccepts)) {
            const answer = await ask(operation, accept);
            const cost = costOf(answer.extensions);
            const plain = costOf(whole.extensions);
            answered.push({ operation, cost });
            // Nearly everything later is more than there may be at times.
            if (JSON.stringify(answer.errors).includes('DIRECTIVE_LIMIT')) continue;
            if (answer.parts.length > 1) inParts += 1;
            later += answer.parts.length - 1;
            if (whole.errors.length > 0 || answer.errors.length > 0) {
              if ((whole.errors.length === 0) !== (answer.errors.length === 0))
                different.push(JSON.stringify(operation));
              continue;
            }
            clean += 1;
            if ((cost?.actualUpstreamCalls ?? 0) > (plain?.actualUpstreamCalls ?? 0)) moreCalls += 1;
            const isEqual =
              JSON.stringify(sorted(answer.data)) === JSON.stringify(sorted(whole.data)) &&
              cost?.actualQueryCost === plain?.actualQueryCost &&
              cost?.requestedQueryCost === plain?.requestedQueryCost;
            if (!isEqual) different.push(JSON.stringify({ operation, cost, plain }));
          }
        }
      };
      await Promise.all(Array.from({ length: 6 }, lane));
      const report = reportEstimates(answered);
      expect(different.slice(0, 3)).toEqual([]);
      expect(report.faults.slice(0, 3)).toEqual([]);
      // Such a test can pass by asking for nothing.
      expect(inParts).toBeGreaterThan(operationCount);
      expect(clean).toBeGreaterThan(operationCount);
      expect(later).toBeGreaterThan(operationCount * 2);
      // What comes later shares the batches of what comes first, but for rare turns of the event loop.
      expect(moreCalls).toBeLessThan(operationCount / 50);
    },
    timeoutMs,
  );
});

/** Members come in the order of their parts. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
