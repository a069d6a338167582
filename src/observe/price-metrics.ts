import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { createChildren } from './children.ts';
import type { OperationRecord, RecordedPrice } from './operation-record.ts';

const pointsBuckets = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Metrics of prices; the function that is returned counts those of one operation. */
export function createPriceMetrics(
  registry: Registry,
  maxLabelSets: number,
  modelVersion: string,
): (operation: Pick<OperationRecord, 'variant' | 'type'>, price: RecordedPrice) => void {
  const registers = [registry];
  const model = { name: 'weir_price_model_info', help: 'Version of the model that prices are made by.' };
  new Gauge({ ...model, labelNames: ['version'], registers }).set({ version: modelVersion }, 1);
  const labelNames = ['variant', 'type'] as const;
  const estimated = new Histogram({
    name: 'weir_operation_points_estimated',
    help: 'Price of an operation before it ran, in points.',
    labelNames,
    buckets: pointsBuckets,
    registers,
  });
  const actual = new Histogram({
    name: 'weir_operation_points_actual',
    help: 'Price of what an operation used, in points.',
    labelNames,
    buckets: pointsBuckets,
    registers,
  });
  const refused = new Counter({
    name: 'weir_budget_refusals_total',
    help: 'Operations that budgets refused, or would have where they only measure.',
    labelNames: ['variant', 'code'],
    registers,
  });
  const childOf = createChildren(maxLabelSets, (variant, type) => ({
    estimated: estimated.labels({ variant, type }),
    actual: actual.labels({ variant, type }),
  }));
  return ({ variant, type }, price) => {
    const child = childOf(variant, type);
    // What has no bound has no number in a sum.
    child.estimated.observe(Math.min(price.estimatePoints, Number.MAX_SAFE_INTEGER));
    if (price.actualPoints !== undefined)
      child.actual.observe(Math.min(price.actualPoints, Number.MAX_SAFE_INTEGER));
    if (price.refused !== undefined) refused.inc({ variant, code: price.refused });
  };
}
