import {
  constants,
  type ELDHistogram,
  monitorEventLoopDelay,
  type PerformanceNodeEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Figures of the process itself. prom-client's own collector is not used: it cannot be ended. */
export interface ProcessMetrics {
  /** Reads the figures of this moment into the registry. */
  readonly sample: () => void;
  /** Ends the observers. Idempotent. */
  readonly close: () => void;
}

/** How often the event loop's delay is looked at, in milliseconds. */
const lagResolutionMs = 10;

/** In nanoseconds. */
const lagFigures: readonly {
  readonly figure: string;
  readonly read: (delay: ELDHistogram) => number;
}[] = [
  { figure: 'mean', read: (delay) => delay.mean },
  { figure: 'p50', read: (delay) => delay.percentile(50) },
  { figure: 'p90', read: (delay) => delay.percentile(90) },
  { figure: 'p99', read: (delay) => delay.percentile(99) },
  { figure: 'max', read: (delay) => delay.max },
];

const gcKinds: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/**
 * Event loop delay, memory, CPU time and garbage collection, under the names that prom-client gives them, so that
 * dashboards for Node work. The event loop's delay is that since the last sample, without the time between two looks.
 */
export function createProcessMetrics(registry: Registry): ProcessMetrics {
  const sampleLag = createLagGauges(registry);
  const sampleMemory = createMemoryGauges(registry);
  const sampleCpu = createCpuCounters(registry);
  const observer = observeCollections(registry);
  return {
    sample: () => {
      sampleLag.sample();
      sampleMemory();
      sampleCpu();
    },
    close: () => {
      sampleLag.close();
      observer.disconnect();
    },
  };
}

function createLagGauges(registry: Registry) {
  const delay = monitorEventLoopDelay({ resolution: lagResolutionMs });
  delay.enable();
  const gauges = lagFigures.map(({ figure, read }) => {
    const name = `nodejs_eventloop_lag_${figure}_seconds`;
    return { metric: gauge(registry, name, `Delay of the event loop, ${figure}.`), read };
  });
  return {
    sample: () => {
      // Nothing has been measured within the first moments: the mean would be NaN.
      if (delay.count === 0) return;
      // Node measures from look to look: on time is the resolution, and that much is no delay.
      for (const { metric, read } of gauges)
        metric.set(Math.max(0, read(delay) / 1e9 - lagResolutionMs / 1000));
      delay.reset();
    },
    close: () => {
      delay.disable();
    },
  };
}

function createMemoryGauges(registry: Registry): () => void {
  const resident = gauge(registry, 'process_resident_memory_bytes', 'Resident memory.');
  const heapTotal = gauge(registry, 'nodejs_heap_size_total_bytes', 'Size of the heap.');
  const heapUsed = gauge(registry, 'nodejs_heap_size_used_bytes', 'Used part of the heap.');
  const external = gauge(registry, 'nodejs_external_memory_bytes', 'Memory of buffers and native objects.');
  return () => {
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heapTotal.set(memory.heapTotal);
    heapUsed.set(memory.heapUsed);
    external.set(memory.external);
  };
}

function createCpuCounters(registry: Registry): () => void {
  const registers = [registry];
  const user = new Counter({ name: 'process_cpu_user_seconds_total', help: 'CPU time as user.', registers });
  const system = new Counter({
    name: 'process_cpu_system_seconds_total',
    help: 'CPU time as system.',
    registers,
  });
  gauge(registry, 'process_start_time_seconds', 'Start of the process, since the Unix epoch.').set(
    performance.timeOrigin / 1000,
  );
  return () => {
    const usage = process.cpuUsage();
    // A counter cannot be set, only counted up from its reset.
    user.reset();
    user.inc(usage.user * 1e-6);
    system.reset();
    system.inc(usage.system * 1e-6);
  };
}

function observeCollections(registry: Registry): PerformanceObserver {
  const durations = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses for garbage collection, by kind.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1],
    registers: [registry],
  });
  const observer = new PerformanceObserver((list) => {
    const collections = list.getEntries() as PerformanceNodeEntry[]; // as: what Node gives for entries of type gc
    for (const { detail, duration } of collections)
      durations.observe({ kind: gcKinds.get(detail.kind) ?? 'other' }, duration / 1000);
  });
  observer.observe({ entryTypes: ['gc'] });
  return observer;
}

function gauge(registry: Registry, name: string, help: string): Gauge {
  return new Gauge({ name, help, registers: [registry] });
}
