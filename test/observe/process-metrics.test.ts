import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createProcessMetrics, type ProcessMetrics } from '../../src/observe/process-metrics.ts';

/** For machines that are busy with other things. */
const eventually = { timeout: 20_000 };
const made: ProcessMetrics[] = [];

function processMetricsOf(registry: Registry): ProcessMetrics {
  const metrics = createProcessMetrics(registry);
  made.push(metrics);
  return metrics;
}

async function valueIn(registry: Registry, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values[0]?.value ?? Number.NaN;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

afterEach(() => {
  for (const metrics of made.splice(0)) metrics.close();
});

describe('createProcessMetrics()', () => {
  it('reads memory and CPU time when it samples', async () => {
    const registry = new Registry();
    const { sample } = processMetricsOf(registry);
    expect(await valueIn(registry, 'process_resident_memory_bytes')).toBe(0);
    sample();
    for (const name of [
      'process_resident_memory_bytes',
      'nodejs_heap_size_total_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_external_memory_bytes',
    ])
      expect(await valueIn(registry, name)).toBeGreaterThan(1000);
    const first = await valueIn(registry, 'process_cpu_user_seconds_total');
    expect(first).toBeGreaterThan(0);
    sample();
    // Twice the total would be a counter that adds up its own readings.
    expect(await valueIn(registry, 'process_cpu_user_seconds_total')).toBeLessThan(first * 1.9);
    expect(await valueIn(registry, 'process_start_time_seconds')).toBeCloseTo(
      performance.timeOrigin / 1000,
      0,
    );
  });

  it('measures how late the event loop was since the last sample', async () => {
    const registry = new Registry();
    const { sample } = processMetricsOf(registry);
    const lag = async () => {
      sample();
      return valueIn(registry, 'nodejs_eventloop_lag_max_seconds');
    };
    const blocking = setInterval(block, 1, 60);
    await vi.waitUntil(async () => (await lag()) > 0.04, eventually).finally(() => clearInterval(blocking));
    await vi.waitUntil(async () => (await lag()) < 0.04, eventually);
  });

  it('counts collections by kind, and none after it was closed', async () => {
    const registry = new Registry();
    const metrics = processMetricsOf(registry);
    const majors = async () => (await registry.metrics()).match(/_count\{kind="major"\} (\d+)/)?.[1];
    collectGarbage();
    await vi.waitUntil(majors, eventually);
    metrics.close();
    metrics.close();
    const before = await majors();
    const witness = new Registry();
    processMetricsOf(witness);
    collectGarbage();
    await vi.waitUntil(async () => /kind="major"/.test(await witness.metrics()), eventually);
    expect(await majors()).toBe(before);
  });
});
