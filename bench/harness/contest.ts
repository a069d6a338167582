import { type Client, createClient, type PreparedRequest } from './client.ts';
import type { Usage } from './probe.ts';
import { type Interval, medianInterval, quantile } from './statistics.ts';

/** A server under test. */
export interface Contestant {
  readonly name: string;
  readonly url: URL;
  readonly usage: () => Promise<Usage>;
  /** Runs when it is warm, before the first slice. */
  readonly profile: () => Promise<unknown>;
  /** The next request to send. */
  readonly next: () => PreparedRequest;
  /** Opens what loads it with so many requests at a time. Default: {@link createClient}. */
  readonly openClient?: (url: URL, connections: number) => Promise<Pick<Client, 'load' | 'close'>>;
}

/** How long and how hard to load. */
export interface ContestOptions {
  /** All measured slices together. */
  readonly seconds: number;
  readonly connections: number;
  /** Upstream calls so far. */
  readonly countCalls: () => Promise<number>;
  readonly onCycle?: (done: number, inAll: number) => void;
  readonly signal: AbortSignal;
}

/** What was measured of one server. */
export type ContestResult = {
  readonly name: string;
  readonly cpuUsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
  readonly callsPerOperation: number;
  /** CPU per request against the first contestant's of the same cycle. */
  readonly ratioToFirst: Interval;
};

interface Slice {
  readonly cpuUsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly calls: number;
  readonly timesMs: readonly number[];
}

const minCycles = 15;
const warmUpRounds = 4;
const warmUpMs = 750;

/**
 * Cycles and the length of a slice for `seconds` in all: slices of half a second (of a whole one, half as many pairs gave
 * intervals twice as wide), shorter where 15 cycles need it.
 */
export function planSlices(seconds: number, contestants: number): { cycles: number; sliceMs: number } {
  const cycles = Math.max(minCycles, Math.round((seconds * 2) / contestants));
  return { cycles, sliceMs: Math.max(100, (seconds * 1000) / (cycles * contestants)) };
}

/**
 * Loads the contestants in turn, a short slice each, so that whatever else the machine does meets all of them; who
 * begins changes with each cycle. A wrong answer fails it.
 */
export async function runContest(
  contestants: readonly Contestant[],
  options: ContestOptions,
): Promise<readonly ContestResult[]> {
  const runners = contestants.map((contestant) => ({ ...contestant, slices: [] as Slice[] }));
  const { cycles, sliceMs } = planSlices(options.seconds, runners.length);
  for (let round = 0; round < warmUpRounds; round += 1)
    for (const runner of runners) await runSlice(runner, warmUpMs, options);
  for (const { profile } of runners) await profile();
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    for (const index of runners.keys()) {
      const runner = runners[(index + cycle) % runners.length];
      runner?.slices.push(await runSlice(runner, sliceMs, options));
    }
    options.onCycle?.(cycle + 1, cycles);
  }
  const first = runners[0]?.slices ?? [];
  return Promise.all(
    runners.map(async ({ name, slices, usage }) => resultOf(name, slices, first, await usage())),
  );
}

/** On connections of its own, opened before it counts: servers close those that wait for some seconds. */
async function runSlice(
  { url, usage, next, openClient = createClient }: Contestant,
  sliceMs: number,
  { connections, countCalls, signal }: ContestOptions,
): Promise<Slice> {
  signal.throwIfAborted();
  const client = await openClient(url, connections);
  try {
    const callsBefore = await countCalls();
    const before = await usage();
    const startMs = performance.now();
    const timesMs = await client.load(next, sliceMs);
    const seconds = (performance.now() - startMs) / 1000;
    const after = await usage();
    return {
      cpuUsPerRequest: (after.cpuUs - before.cpuUs) / timesMs.length,
      requestsPerSecond: timesMs.length / seconds,
      calls: (await countCalls()) - callsBefore,
      timesMs,
    };
  } finally {
    client.close();
  }
}

function resultOf(
  name: string,
  slices: readonly Slice[],
  first: readonly Slice[],
  { rssBytes }: Usage,
): ContestResult {
  const timesMs = slices.flatMap((slice) => slice.timesMs).sort((a, b) => a - b);
  const medianOf = (figure: (slice: Slice) => number) => medianInterval(slices.map(figure))[1];
  const ratios = slices.map(
    (slice, cycle) => slice.cpuUsPerRequest / (first[cycle]?.cpuUsPerRequest ?? Number.NaN),
  );
  return {
    name,
    cpuUsPerRequest: medianOf((slice) => slice.cpuUsPerRequest),
    requestsPerSecond: medianOf((slice) => slice.requestsPerSecond),
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
    rssMb: rssBytes / 2 ** 20,
    callsPerOperation: slices.reduce((sum, { calls }) => sum + calls, 0) / timesMs.length,
    ratioToFirst: medianInterval(ratios),
  };
}
