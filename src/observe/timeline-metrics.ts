import { Counter, Histogram, type Registry } from 'prom-client';
import { createChildren } from './children.ts';
import type { BatchRecord, CallRecord, Timeline } from './timeline.ts';

/** Seconds; the longest that an operation may take by default is 5. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const keysBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const anomalyKinds = ['missing', 'foreign', 'repeated'] as const;

/** Metrics of upstream calls and batches; the function that is returned counts those of one timeline. */
export function createTimelineMetrics(
  registry: Registry,
  maxLabelSets: number,
): (timeline: Timeline) => void {
  const call = createCallMetrics(registry, maxLabelSets);
  const batch = createBatchMetrics(registry, maxLabelSets);
  const dropped = createDroppedCounter(registry);
  return (timeline) => {
    for (const entry of timeline.calls) call(entry);
    for (const entry of timeline.batches) batch(entry);
    if (timeline.droppedCalls > 0) dropped.inc({ kind: 'call' }, timeline.droppedCalls);
    if (timeline.droppedBatches > 0) dropped.inc({ kind: 'batch' }, timeline.droppedBatches);
  };
}

function createCallMetrics(registry: Registry, maxLabelSets: number): (record: CallRecord) => void {
  const registers = [registry];
  const total = new Counter({
    name: 'weir_upstream_calls_total',
    help: 'Calls that have ended, by their gRPC status.',
    labelNames: ['upstream', 'method', 'code'],
    registers,
  });
  const durations = new Histogram({
    name: 'weir_upstream_call_duration_seconds',
    help: 'From the wish to call, the wait for a place included, to the end of the call.',
    labelNames: ['upstream', 'method'],
    buckets: durationBuckets,
    registers,
  });
  const childOf = createChildren(maxLabelSets, (upstream, method, code) => ({
    total: total.labels({ upstream, method, code }),
    duration: durations.labels({ upstream, method }),
  }));
  return ({ upstream, method, code, durationMs }) => {
    const child = childOf(upstream, method, code);
    child.total.inc();
    child.duration.observe(durationMs / 1000);
  };
}

function createBatchMetrics(registry: Registry, maxLabelSets: number): (record: BatchRecord) => void {
  const registers = [registry];
  const labelNames = ['loader'] as const;
  const total = new Counter({
    name: 'weir_batches_total',
    help: 'Batches of loaders.',
    labelNames,
    registers,
  });
  const keys = new Histogram({
    name: 'weir_batch_keys',
    help: 'Distinct keys of one batch.',
    labelNames,
    buckets: keysBuckets,
    registers,
  });
  const duplicates = new Counter({
    name: 'weir_batch_duplicates_total',
    help: 'Loads that needed no key of their own.',
    labelNames,
    registers,
  });
  const anomalies = new Counter({
    name: 'weir_batch_anomalies_total',
    help: 'Keys without a row (missing), rows that nobody asked for (foreign) or that came again (repeated).',
    labelNames: ['loader', 'kind'],
    registers,
  });
  const childOf = createChildren(maxLabelSets, (loader) => {
    duplicates.inc({ loader }, 0);
    for (const kind of anomalyKinds) anomalies.inc({ loader, kind }, 0);
    return { labels: { loader }, total: total.labels({ loader }), keys: keys.labels({ loader }) };
  });
  return (record) => {
    const child = childOf(record.loader);
    child.total.inc();
    child.keys.observe(record.keys);
    if (record.duplicates > 0) duplicates.inc(child.labels, record.duplicates);
    for (const kind of anomalyKinds)
      if (record[kind] > 0) anomalies.inc({ ...child.labels, kind }, record[kind]);
  };
}

function createDroppedCounter(registry: Registry): Counter<'kind'> {
  return new Counter({
    name: 'weir_timeline_dropped_total',
    help: 'Calls and batches past the length of their operation’s timeline: counted here and in no other metric.',
    labelNames: ['kind'],
    registers: [registry],
  });
}
