import { startTcpProxy } from '../../test/kit/tcp-proxy.ts';
import { startInstance, startPublisher } from './feed-instances.ts';
import { ReturningReader, returningKinds } from './returning-client.ts';

/** How large a herd comes to an instance, and how fast that takes it. */
export interface HerdOptions {
  readonly redisUrl: string;
  /** Of each kind. */
  readonly clients: number;
  readonly maxConnectsPerSecond: number;
  readonly eventsPerSecond: number;
  readonly progress?: (line: string) => void;
}

/** What came of it. */
export interface HerdOutcome {
  /** When each client was let in, in milliseconds since the kill, in order. */
  readonly inMs: readonly number[];
  /** Clients that have given up for good. */
  readonly gaveUp: number;
  /** How often somebody was sent away. */
  readonly refused: number;
  /** Of the clients that come back with a cursor. */
  readonly lost: number;
  readonly repeated: number;
  readonly published: number;
}

/**
 * Unmodified clients with their defaults behind a balancer that leads to one instance of two. That one is killed (SIGKILL), the
 * balancer leads to the other one, and all clients come there by themselves.
 */
export async function runHerd(options: HerdOptions): Promise<HerdOutcome> {
  const { redisUrl, clients, maxConnectsPerSecond, progress } = options;
  await using stack = new AsyncDisposableStack();
  const first = await startInstance(stack, { redisUrl });
  const second = await startInstance(stack, { redisUrl, maxConnectsPerSecond });
  const balancer = stack.use(await startTcpProxy(Number(first.url.port)));
  const url = new URL(first.url);
  url.port = String(balancer.port);
  const publisher = startPublisher(second.url, options.eventsPerSecond);
  stack.defer(async () => void (await publisher.stop()));
  const readers = returningKinds.flatMap((kind) =>
    Array.from({ length: clients }, () => new ReturningReader(kind, url)),
  );
  stack.defer(() => {
    for (const reader of readers) reader.close();
  });
  await Promise.all(readers.map((reader) => reader.until(1)));
  progress?.(`${readers.length} clients are subscribed`);
  const killedMs = performance.now();
  balancer.retarget(Number(second.url.port));
  first.child.process.kill('SIGKILL');
  const moments = await Promise.all(readers.map((reader) => reader.in(killedMs)));
  const inMs = moments.filter((ms) => ms !== undefined).map((ms) => ms - killedMs);
  progress?.(`${inMs.length} are in after ${Math.round(Math.max(...inMs))} ms`);
  const refused = await refusedBy(second.metricsUrl);
  const published = await publisher.stop();
  const resuming = readers.filter(({ resumes, failure }) => resumes && failure === undefined);
  await Promise.all(resuming.map((reader) => reader.until(published)));
  const sum = (of: (reader: ReturningReader) => number) => resuming.reduce((all, one) => all + of(one), 0);
  return {
    inMs: inMs.sort((a, b) => a - b),
    gaveUp: readers.length - inMs.length,
    refused,
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    published,
  };
}

async function refusedBy(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  const counts = text.matchAll(/^weir_connects_refused_total\{[^}]*\} (\d+)$/gm);
  return Array.from(counts, ([, count]) => Number(count)).reduce((all, one) => all + one, 0);
}
