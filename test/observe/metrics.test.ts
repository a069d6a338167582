import { afterEach, describe, expect, it } from 'vitest';
import { errorTable } from '../../src/errors.ts';
import { createMetrics, type MeasuredOperation, type Metrics } from '../../src/observe/metrics.ts';
import { createTimeline, maxTimelineEntries, type Timeline } from '../../src/observe/timeline.ts';
import { createFakeClock } from '../kit/fake-clock.ts';

const method = '/tiny.v1.Things/BatchGet';
const made: Metrics[] = [];

function metricsOf(options: Partial<Parameters<typeof createMetrics>[0]> = {}): Metrics {
  const metrics = createMetrics({ upstreams: () => ({}), ...options });
  made.push(metrics);
  return metrics;
}

function timelineOf(fill: (timeline: Timeline) => void = () => {}): Timeline {
  const timeline = createTimeline(createFakeClock());
  fill(timeline);
  return timeline;
}

function operation(changes: Partial<MeasuredOperation> = {}): MeasuredOperation {
  return {
    variant: 'web',
    type: 'query',
    outcome: 'ok',
    codes: [],
    durationMs: 20,
    price: undefined,
    deprecated: undefined,
    timeline: timelineOf(),
    ...changes,
  };
}

const batch = (loader: string, keys = 3) => ({
  loader,
  keys,
  duplicates: 2,
  calls: 1,
  durationMs: 5,
  missing: 1,
  foreign: 0,
  repeated: 4,
});
const call = (code: string, name = method) => ({
  upstream: 'things',
  method: name,
  kind: 'unary' as const,
  durationMs: 5,
  code,
});

async function linesOf(metrics: Metrics, prefix: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(prefix));
}

afterEach(() => {
  for (const metrics of made.splice(0)) metrics.close();
});

describe('createMetrics()', () => {
  it('counts operations by variant, type and outcome, with their durations in seconds', async () => {
    const metrics = metricsOf();
    metrics.operation(operation());
    metrics.operation(operation({ durationMs: 300 }));
    metrics.operation(operation({ variant: 'mobile', type: 'mutation', outcome: 'partial' }));
    expect(await linesOf(metrics, 'weir_operations_total')).toEqual([
      'weir_operations_total{variant="web",type="query",outcome="ok"} 2',
      'weir_operations_total{variant="mobile",type="mutation",outcome="partial"} 1',
    ]);
    const durations = await linesOf(metrics, 'weir_operation_duration_seconds');
    expect(durations).toContain(
      'weir_operation_duration_seconds_bucket{le="0.01",variant="web",type="query"} 0',
    );
    expect(durations).toContain(
      'weir_operation_duration_seconds_bucket{le="0.025",variant="web",type="query"} 1',
    );
    expect(durations).toContain('weir_operation_duration_seconds_sum{variant="web",type="query"} 0.32');
  });

  it('counts an operation that was refused before it had a timeline', async () => {
    const metrics = metricsOf();
    metrics.operation(
      operation({
        type: 'unknown',
        outcome: 'refused',
        timeline: undefined,
        codes: ['GRAPHQL_PARSE_FAILED'],
      }),
    );
    expect(await linesOf(metrics, 'weir_operations_total')).toEqual([
      'weir_operations_total{variant="web",type="unknown",outcome="refused"} 1',
    ]);
  });

  it('counts calls by upstream, method and code, and shares one duration among the codes', async () => {
    const metrics = metricsOf();
    const timeline = timelineOf(({ call: add }) => {
      for (const code of ['OK', 'OK', 'UNAVAILABLE']) add(call(code));
    });
    metrics.operation(operation({ timeline }));
    expect(await linesOf(metrics, 'weir_upstream_calls_total')).toEqual([
      `weir_upstream_calls_total{upstream="things",method="${method}",code="OK"} 2`,
      `weir_upstream_calls_total{upstream="things",method="${method}",code="UNAVAILABLE"} 1`,
    ]);
    expect(await linesOf(metrics, 'weir_upstream_call_duration_seconds_count')).toEqual([
      `weir_upstream_call_duration_seconds_count{upstream="things",method="${method}"} 3`,
    ]);
  });

  it('counts batches, their keys, duplicates and anomalies by loader', async () => {
    const metrics = metricsOf();
    const timeline = timelineOf(({ batch: add }) => {
      add(batch('rows', 3));
      add(batch('rows', 40));
    });
    metrics.operation(operation({ timeline }));
    expect(await linesOf(metrics, 'weir_batches_total')).toEqual(['weir_batches_total{loader="rows"} 2']);
    const keys = await linesOf(metrics, 'weir_batch_keys');
    expect(keys).toContain('weir_batch_keys_bucket{le="5",loader="rows"} 1');
    expect(keys).toContain('weir_batch_keys_bucket{le="50",loader="rows"} 2');
    expect(keys).toContain('weir_batch_keys_sum{loader="rows"} 43');
    expect(await linesOf(metrics, 'weir_batch_duplicates_total')).toEqual([
      'weir_batch_duplicates_total{loader="rows"} 4',
    ]);
    expect(await linesOf(metrics, 'weir_batch_anomalies_total')).toEqual([
      'weir_batch_anomalies_total{loader="rows",kind="missing"} 2',
      'weir_batch_anomalies_total{loader="rows",kind="foreign"} 0',
      'weir_batch_anomalies_total{loader="rows",kind="repeated"} 8',
    ]);
  });

  it('has every code of the error table from the start, and one place for any other', async () => {
    const metrics = metricsOf();
    expect(await linesOf(metrics, 'weir_errors_total')).toEqual(
      [...Object.keys(errorTable), 'other'].map((code) => `weir_errors_total{code="${code}"} 0`),
    );
    metrics.operation(operation({ codes: ['NOT_FOUND', 'NOT_FOUND', 'constructor', 'MADE_UP'] }));
    const errors = await linesOf(metrics, 'weir_errors_total');
    expect(errors).toHaveLength(Object.keys(errorTable).length + 1);
    expect(errors).toContain('weir_errors_total{code="NOT_FOUND"} 2');
    expect(errors).toContain('weir_errors_total{code="other"} 2');
  });

  it.each([
    [2, 0],
    [3, 0],
    [4, 1],
    [50, 47],
  ])('of %d methods, when 3 label sets are allowed, counts %d as other', async (methods, others) => {
    const metrics = metricsOf({ maxLabelSets: 3 });
    const timeline = timelineOf(({ call: add }) => {
      for (let index = 0; index < methods; index += 1) add(call('OK', `/tiny.v1.Things/Get${index}`));
    });
    metrics.operation(operation({ timeline }));
    const lines = await linesOf(metrics, 'weir_upstream_calls_total');
    expect(lines).toHaveLength(Math.min(methods, 4));
    const other = 'weir_upstream_calls_total{upstream="other",method="other",code="other"}';
    expect(lines.filter((line) => line.startsWith(other))).toEqual(others > 0 ? [`${other} ${others}`] : []);
  });

  it('says how many calls and batches did not fit their timeline', async () => {
    const metrics = metricsOf();
    const timeline = timelineOf(({ call: add, batch: addBatch }) => {
      for (let index = 0; index < maxTimelineEntries + 3; index += 1) add(call('OK'));
      for (let index = 0; index < maxTimelineEntries + 1; index += 1) addBatch(batch('rows'));
    });
    metrics.operation(operation({ timeline }));
    expect(await linesOf(metrics, 'weir_timeline_dropped_total')).toEqual([
      'weir_timeline_dropped_total{kind="call"} 3',
      'weir_timeline_dropped_total{kind="batch"} 1',
    ]);
  });

  it('reads the upstreams anew at each scrape', async () => {
    let connectivity = 'idle';
    const metrics = metricsOf({
      upstreams: () => ({ things: { connectivity, inFlight: 4, waiting: 2, liveStreams: 1 } }),
    });
    expect(await linesOf(metrics, 'weir_upstream_state')).toContain(
      'weir_upstream_state{upstream="things",state="idle"} 1',
    );
    connectivity = 'failing';
    expect(await linesOf(metrics, 'weir_upstream_state')).toEqual([
      'weir_upstream_state{upstream="things",state="idle"} 0',
      'weir_upstream_state{upstream="things",state="connecting"} 0',
      'weir_upstream_state{upstream="things",state="ready"} 0',
      'weir_upstream_state{upstream="things",state="failing"} 1',
      'weir_upstream_state{upstream="things",state="closed"} 0',
    ]);
    const text = await metrics.text();
    expect(text).toContain('weir_upstream_calls_in_flight{upstream="things"} 4');
    expect(text).toContain('weir_upstream_calls_waiting{upstream="things"} 2');
    expect(text).toContain('weir_upstream_live_streams{upstream="things"} 1');
  });

  it('shares nothing between two gateways of one process', async () => {
    const metrics = metricsOf();
    const others = metricsOf();
    metrics.operation(operation());
    expect(await linesOf(others, 'weir_operations_total')).toEqual([]);
  });

  it('names its format', () => {
    expect(metricsOf().contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('counts what operations were priced at, what they used, and whom budgets refused', async () => {
    const metrics = metricsOf();
    const price = { estimatePoints: 41, actualPoints: 13, upstreamCalls: 3, refused: undefined };
    metrics.operation(operation({ price }));
    metrics.operation(operation({ price: { ...price, actualPoints: undefined, refused: 'RATE_LIMITED' } }));
    const text = await metrics.text();
    expect(text).toContain('weir_operation_points_estimated_sum{variant="web",type="query"} 82');
    expect(text).toContain('weir_operation_points_actual_count{variant="web",type="query"} 1');
    expect(text).toContain('weir_operation_points_actual_sum{variant="web",type="query"} 13');
    expect(text).toContain('weir_budget_refusals_total{variant="web",code="RATE_LIMITED"} 1');
  });

  it('tells how shared budgets stand, and why subscriptions ended', async () => {
    const sample = {
      breaker: 'open',
      failures: 3,
      fallbacks: { local: 2 },
      unsettled: 1,
      dropped: 0,
      heldPoints: 40,
      localReservations: 9,
      sharedReservations: 5,
      nodes: 2,
    };
    const metrics = metricsOf({ budgets: () => sample, subscriptions: () => 7 });
    metrics.subscription.ended('ws', 'slow');
    metrics.subscription.refused('sse', 'rate');
    const text = await metrics.text();
    for (const line of [
      'weir_budget_breaker{state="open"} 1',
      'weir_budget_breaker{state="closed"} 0',
      'weir_budget_fallbacks{policy="local"} 2',
      'weir_budget_held_points 40',
      'weir_budget_nodes 2',
      'weir_subscription_ends_total{transport="ws",reason="slow"} 1',
      'weir_connects_refused_total{transport="sse",reason="rate"} 1',
      'weir_subscriptions 7',
    ])
      expect(text).toContain(line);
    expect(await metricsOf().text()).not.toContain('weir_budget_nodes');
  });
});
