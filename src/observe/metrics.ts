import { Counter, Histogram, Registry } from 'prom-client';
import { errorTable } from '../errors.ts';
import { type BudgetSample, createBudgetGauges } from './budget-gauges.ts';
import { createChildren, otherLabel } from './children.ts';
import { createDeprecationMetrics } from './deprecation-metrics.ts';
import { createDocumentMetrics, type DocumentMetrics } from './document-metrics.ts';
import type { OperationRecord } from './operation-record.ts';
import { createPriceMetrics } from './price-metrics.ts';
import { createProcessMetrics } from './process-metrics.ts';
import { createRevocationGauges, type RevocationSample } from './revocation-gauges.ts';
import { createSubscriptionMetrics, type SubscriptionMetrics } from './subscription-metrics.ts';
import { createTimelineMetrics, durationBuckets } from './timeline-metrics.ts';
import { createUpstreamGauges, type UpstreamSamples } from './upstream-gauges.ts';

/** What the metrics of one gateway read and how large they may grow. */
export interface MetricsOptions {
  /** The upstreams at the moment of a scrape. */
  readonly upstreams: () => UpstreamSamples;
  /** Subscriptions that are delivered at the moment of a scrape. Default: none. */
  readonly subscriptions?: () => number;
  /** Version of the model that prices are made by. */
  readonly priceModel?: string;
  /** How shared budgets stand at the moment of a scrape; absent where they are not shared. */
  readonly budgets?: (() => BudgetSample) | undefined;
  /** Revocations at the moment of a scrape; absent where there are none. */
  readonly revocations?: (() => RevocationSample) | undefined;
  /** Most label sets of one kind (operations, calls, batches), from 1; what is new past them counts as `other`. Default 500. */
  readonly maxLabelSets?: number;
}

/** What an operation's metrics are made of. */
export type MeasuredOperation = Pick<
  OperationRecord,
  'variant' | 'type' | 'outcome' | 'codes' | 'durationMs' | 'timeline' | 'price' | 'deprecated'
>;

/** The metrics of one gateway, in a registry of their own. */
export interface Metrics {
  /** Counts an operation that has ended, with its calls and batches. Costs a few microseconds. */
  readonly operation: (record: MeasuredOperation) => void;
  readonly subscription: SubscriptionMetrics;
  readonly documents: DocumentMetrics;
  /** Everything in the Prometheus text format 0.0.4. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
  /** Ends what observes the process. Idempotent. */
  readonly close: () => void;
}

const defaultMaxLabelSets = 500;

/** Metrics that count from zero; whoever makes them closes them. Every name begins with `weir_`, but those of the process. */
export function createMetrics(options: MetricsOptions): Metrics {
  const {
    upstreams,
    subscriptions = () => 0,
    budgets,
    revocations,
    priceModel = '',
    maxLabelSets = defaultMaxLabelSets,
  } = options;
  const registry = new Registry();
  const operation = createOperationMetrics(registry, maxLabelSets);
  const timeline = createTimelineMetrics(registry, maxLabelSets);
  const price = createPriceMetrics(registry, maxLabelSets, priceModel);
  const deprecation = createDeprecationMetrics(registry, maxLabelSets);
  const subscription = createSubscriptionMetrics(registry, maxLabelSets, subscriptions);
  const sampleUpstreams = createUpstreamGauges(registry, upstreams);
  const sampleBudgets = budgets && createBudgetGauges(registry, budgets);
  const sampleRevocations = revocations && createRevocationGauges(registry, revocations);
  const processMetrics = createProcessMetrics(registry);
  return {
    operation: (record) => {
      operation(record);
      if (record.price !== undefined) price(record, record.price);
      if (record.deprecated !== undefined) deprecation(record.deprecated);
      if (record.timeline !== undefined) timeline(record.timeline);
    },
    subscription,
    documents: createDocumentMetrics(registry),
    text: async () => {
      sampleUpstreams();
      sampleBudgets?.();
      sampleRevocations?.();
      processMetrics.sample();
      return registry.metrics();
    },
    contentType: registry.contentType,
    close: processMetrics.close,
  };
}

function createOperationMetrics(registry: Registry, maxLabelSets: number) {
  const registers = [registry];
  const total = new Counter({
    name: 'weir_operations_total',
    help: 'Operations that have ended.',
    labelNames: ['variant', 'type', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'weir_operation_duration_seconds',
    help: 'From the start of an operation to its complete answer.',
    labelNames: ['variant', 'type'],
    buckets: durationBuckets,
    registers,
  });
  const childOf = createChildren(maxLabelSets, (variant, type, outcome) => ({
    total: total.labels({ variant, type, outcome }),
    duration: durations.labels({ variant, type }),
  }));
  const countErrors = createErrorCounter(registry);
  return ({ variant, type, outcome, durationMs, codes }: MeasuredOperation): void => {
    const child = childOf(variant, type, outcome);
    child.total.inc();
    child.duration.observe(durationMs / 1000);
    countErrors(codes);
  };
}

/** The table of codes is closed, and all of them are there from the first scrape. */
function createErrorCounter(registry: Registry): (codes: readonly string[]) => void {
  const errors = new Counter({
    name: 'weir_errors_total',
    help: 'Errors in answers, by extensions.code.',
    labelNames: ['code'],
    registers: [registry],
  });
  for (const code of [...Object.keys(errorTable), otherLabel]) errors.inc({ code }, 0);
  return (codes) => {
    for (const code of codes) errors.inc({ code: Object.hasOwn(errorTable, code) ? code : otherLabel });
  };
}
