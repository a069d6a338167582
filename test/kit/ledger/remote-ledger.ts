import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, intBetween } from '../../../seed/random.ts';
import { publish } from '../streaming-audit/publish.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import {
  type LedgerHarm,
  type LedgerReading,
  type LedgerReport,
  type NumberedTopic,
  runPlan,
} from './ledger-plan.ts';
import { LedgerReader, type readerKinds } from './ledger-reader.ts';

/** A server whose events are numbered by whoever publishes them. */
export interface NumberedServer {
  /** Of the graph; plain http, so that its connections can be led through a proxy. */
  readonly url: URL;
  readonly subscription: string;
  /** A mutation with the variable `number` that makes the subscription emit one event with that number. */
  readonly publish: string;
  /** How the variable takes it. */
  readonly numberAs: (number: number) => unknown;
  /** Where the number stands in the data of an event: names of fields. */
  readonly numberPath: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** Payload of `connection_init`. */
  readonly init: Readonly<Record<string, unknown>> | undefined;
}

/** One run. */
export interface RemoteLedgerOptions {
  readonly server: NumberedServer;
  /** What the readers read by. */
  readonly kinds: readonly (keyof typeof readerKinds)[];
  readonly seed: number;
  /** How long connections are broken, in milliseconds. */
  readonly durationMs: number;
  /** Readers of each kind. Default 2. */
  readonly readersPerKind?: number;
  /** Between two breaks at most, in milliseconds. Default 500. */
  readonly harmEveryMs?: number;
  /** How long the readers have at the end, in milliseconds. Default 10 s. */
  readonly convergeMs?: number;
  readonly signal?: AbortSignal;
  readonly progress?: (line: string) => void;
}

/** A reader stays until it is cut off. */
const stayMs = [600_000, 600_000] as const;
/** What the longest pause of a network is, in milliseconds: shorter than what anybody takes for its end. */
const pauseMostMs = 800;
const publishTimeoutMs = 10_000;

/**
 * Numbered events of any server to real clients whose connections are broken, which is what can be done to a server
 * from outside. They come back at once, with the cursor of their last event where the server gives them one.
 */
export async function runRemoteLedger(options: RemoteLedgerOptions): Promise<LedgerReport> {
  const { server, kinds, seed, readersPerKind = 2, convergeMs = 10_000, progress = () => {} } = options;
  const { url } = server;
  const random = createRandom(seed, 'message', 0);
  await using proxy = await startTcpProxy(Number(url.port) || 80, url.hostname.replace(/^\[|\]$/g, ''));
  const near = new URL(url);
  near.hostname = '127.0.0.1';
  near.port = String(proxy.port);
  const topic = createTopic(server);
  const { subscription: query, headers, init } = server;
  const readings: LedgerReading[] = kinds.flatMap((kind) =>
    Array.from({ length: readersPerKind }, (_, at) => ({
      topic,
      reader: new LedgerReader({
        kind,
        wanted: { query, headers, ...(init && { init }) },
        numberOf: (data) => numberAt(data, server.numberPath),
        hasCursors: false,
        urls: [near.href],
        random: createRandom(seed, 'user', kinds.indexOf(kind) * readersPerKind + at),
        stayMs,
      }),
    })),
  );
  const harms: readonly LedgerHarm[] = [
    { name: 'dropClients', run: async () => proxy.reset() },
    {
      name: 'pauseClients',
      run: async () => {
        proxy.pause();
        await delay(intBetween(random, 50, pauseMostMs));
        proxy.resume();
      },
    },
  ];
  progress(`seed ${seed}: ${readings.length} readers of ${url.href}`);
  // Awaited here: the proxy ends with this function.
  return await runPlan({
    ...options,
    random,
    topics: [topic],
    readings,
    harms,
    convergeMs,
    keepsWriting: true,
  });
}

function createTopic({ url, publish: document, numberAs, headers }: NumberedServer): NumberedTopic {
  let last = 0;
  return {
    get last() {
      return last;
    },
    write: async () => {
      const number = last + 1;
      const variables = { number: numberAs(number) };
      await publish({ url, document, variables, headers, timeoutMs: publishTimeoutMs });
      last = number;
    },
  };
}

function numberAt(data: Record<string, unknown>, path: readonly string[]): number | undefined {
  let value: unknown = data;
  for (const name of path) value = Object(value)[name];
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isInteger(number) ? number : undefined;
}
