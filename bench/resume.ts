import { FeedReader } from '../test/kit/events/feed-reader.ts';
import type { SubscriberTransport } from '../test/kit/events/raw-subscriber.ts';
import { startRedisServer } from '../test/kit/redis-server.ts';
import { publishRequest, startEventServer, withClient } from './harness/event-server.ts';
import type { Scenario } from './harness/scenario.ts';
import { quantile } from './harness/statistics.ts';

const missed = 300;
const textBytes = 80;
const warmUp = 100;
/** Of each transport, for each second of `--seconds`. */
const timesPerSecond = 10;
const transports = ['ws', 'sse'] as const satisfies readonly SubscriberTransport[];
const query = 'subscription { log { number text } }';

interface Times {
  /** From the operation on. */
  readonly resumeMs: number[];
  /** From the first packet of a new connection on. */
  readonly connectMs: number[];
}

/** A client comes back to what it has missed. */
export const resume: Scenario = {
  description:
    'a client comes back on a new connection and is given the 300 events that it missed, from Redis',
  run: async (options) => {
    await using redis = await startRedisServer();
    await using stack = new AsyncDisposableStack();
    const program = await startEventServer(stack, options, {
      name: 'weir',
      kind: 'weir',
      settings: { redisUrl: redis.url },
    });
    const url = new URL(program.address);
    const cursor = await missEvents(url);
    const times = transports.map((transport) => ({ transport, ...noTimes() }));
    const rounds = Math.max(100, timesPerSecond * options.seconds);
    let before = await program.usage();
    for (let round = -warmUp; round < rounds; round += 1) {
      options.signal.throwIfAborted();
      if (round === 0) before = await program.usage();
      for (const each of times) await resumeOnce(url, each.transport, cursor, round < 0 ? noTimes() : each);
    }
    const { cpuUs } = await program.usage();
    const cpuMsPerResume = (cpuUs - before.cpuUs) / 1000 / rounds / times.length;
    return times.map(({ transport, resumeMs, connectMs }) => ({
      name: `weir-${transport}`,
      events: missed,
      resumes: resumeMs.length,
      cpuMsPerResume,
      ...percentiles('resume', resumeMs),
      ...percentiles('connectAndResume', connectMs),
    }));
  },
};

/** Publishes one event and 300 more, and answers the cursor behind the first. */
async function missEvents(url: URL): Promise<string> {
  const reader = new FeedReader({ transport: 'ws', url, query });
  await reader.open();
  await reader.untilLive();
  const publish = (first: number, count: number) =>
    withClient(url, (client) =>
      client.ask(publishRequest(url, { feed: 'log', first, count, bytes: textBytes })),
    );
  await publish(1, 1);
  await reader.until(1);
  const { cursor } = reader;
  await publish(2, missed);
  await reader.until(missed + 1);
  reader.close();
  if (cursor === undefined) throw new Error('expected a cursor with the first event');
  return cursor;
}

async function resumeOnce(
  url: URL,
  transport: SubscriberTransport,
  cursor: string,
  { resumeMs, connectMs }: Times,
): Promise<void> {
  const reader = new FeedReader({ transport, url, query, resume: cursor }, 1);
  const startMs = performance.now();
  await reader.open();
  const sentMs = performance.now();
  await reader.until(missed + 1);
  const endMs = performance.now();
  reader.close();
  const { ledger } = reader;
  if (ledger.count !== missed || ledger.lost + ledger.repeated + ledger.gaps > 0)
    throw new Error(`expected ${missed} events in order, got ${JSON.stringify(ledger)}`);
  resumeMs.push(endMs - sentMs);
  connectMs.push(endMs - startMs);
}

function noTimes(): Times {
  return { resumeMs: [], connectMs: [] };
}

function percentiles(name: string, timesMs: readonly number[]): Readonly<Record<string, number>> {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return { [`${name}P50Ms`]: quantile(sorted, 0.5), [`${name}P99Ms`]: quantile(sorted, 0.99) };
}
