import { type FeedLedger, FeedReader } from '../../test/kit/events/feed-reader.ts';
import type { SubscriberTransport } from '../../test/kit/events/raw-subscriber.ts';
import { feedQuery, startInstance, startPublisher } from './feed-instances.ts';

/** How many connections are sent from one instance to another. */
export interface DrainOptions {
  readonly redisUrl: string;
  /** Of each transport. */
  readonly connections: number;
  readonly windowMs: number;
  readonly eventsPerSecond: number;
  readonly progress?: (line: string) => void;
}

/** What came of it. */
export interface DrainOutcome {
  /** Events that were published, from before the drain until after it. */
  readonly published: number;
  /** Of all readers together. */
  readonly ledger: FeedLedger;
  /** How the first instance ended: 0 when nothing was left open. */
  readonly exit: number | string;
  /** Milliseconds from the signal to the end of the first instance. */
  readonly tookMs: number;
  /** When each reader began to connect again, in milliseconds since the signal, in order. */
  readonly reconnectsMs: readonly number[];
  /** WebSockets by the code that they were closed with. */
  readonly closeCodes: Readonly<Record<string, number>>;
  /** Readers that were told that nothing more would come. */
  readonly completed: number;
}

/** The default of the configuration. */
const maxConnectsPerSecond = 1000;
/** Connections that are opened at once. */
const openingWidth = 50;

/**
 * Readers of one feed at one instance of two, while events are published; the instance is told to stop (SIGTERM), and
 * each reader goes to the other one as soon as it is sent away: its clients would wait, so this is the worst.
 */
export async function runDrain(options: DrainOptions): Promise<DrainOutcome> {
  const { redisUrl, windowMs, connections, progress } = options;
  await using stack = new AsyncDisposableStack();
  const [first, second] = [
    await startInstance(stack, { redisUrl, drainWindowMs: windowMs }),
    await startInstance(stack, { redisUrl, maxConnectsPerSecond }),
  ];
  const transports = ['ws', 'sse'] as const satisfies readonly SubscriberTransport[];
  const readers = transports.flatMap((transport) =>
    Array.from(
      { length: connections },
      () => new FeedReader({ transport, url: first.url, query: feedQuery }),
    ),
  );
  stack.defer(() => {
    for (const reader of readers) reader.close();
  });
  await openAll(readers);
  progress?.(`${readers.length} readers are subscribed`);
  const publisher = startPublisher(second.url, options.eventsPerSecond);
  stack.defer(async () => void (await publisher.stop()));
  await Promise.all(readers.map((reader) => reader.until(1)));
  const startMs = performance.now();
  const moves = readers.map((reader) => move(reader, second.url, startMs));
  first.child.process.kill('SIGTERM');
  const exit = await first.child.ended;
  const tookMs = performance.now() - startMs;
  const moved = await Promise.all(moves);
  progress?.(`all have moved; the first instance ended (${exit}) after ${Math.round(tookMs)} ms`);
  const published = await publisher.stop();
  await Promise.all(readers.map((reader) => reader.until(published)));
  return {
    published,
    ledger: sumLedgers(readers),
    exit,
    tookMs,
    reconnectsMs: moved.map(({ atMs }) => atMs).sort((a, b) => a - b),
    closeCodes: countBy(moved.slice(0, connections).map(({ closeCode }) => String(closeCode ?? 'none'))),
    completed: moved.filter(({ isComplete }) => isComplete).length,
  };
}

/** The most events in any bucket of `bucketMs`, against the mean of the buckets within `windowMs`. */
export function peakToMean(timesMs: readonly number[], windowMs: number, bucketMs: number): number {
  const counts = countBy(timesMs.map((timeMs) => String(Math.floor(timeMs / bucketMs))));
  return Math.max(...Object.values(counts)) / ((timesMs.length * bucketMs) / windowMs);
}

async function openAll(readers: readonly FeedReader[]): Promise<void> {
  for (let from = 0; from < readers.length; from += openingWidth) {
    const some = readers.slice(from, from + openingWidth);
    await Promise.all(some.map((reader) => reader.open()));
    await Promise.all(some.map((reader) => reader.untilLive()));
  }
}

/** Waits until the reader is sent away, and takes it to the other instance. */
async function move(reader: FeedReader, url: URL, startMs: number) {
  const end = await reader.ended();
  const atMs = performance.now() - startMs;
  await reader.open(url);
  return { ...end, atMs };
}

function sumLedgers(readers: readonly FeedReader[]): FeedLedger {
  const sum = { count: 0, lost: 0, repeated: 0, gaps: 0 };
  for (const { ledger } of readers) {
    sum.count += ledger.count;
    sum.lost += ledger.lost;
    sum.repeated += ledger.repeated;
    sum.gaps += ledger.gaps;
  }
  return sum;
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
