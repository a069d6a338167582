import type { ServerWritableStream } from '@grpc/grpc-js';
import SchemaBuilder from '@pothos/core';
import RelayPlugin from '@pothos/plugin-relay';
import { describe, expect, it } from 'vitest';
import {
  createGateway,
  createLog,
  type OperationContext,
  topicSource,
  type WeirConfig,
  weirPluginName,
} from '../../src/index.ts';
import { FeedReader } from '../kit/events/feed-reader.ts';
import { openSubscriber } from '../kit/events/raw-subscriber.ts';
import type { FeedEvent } from '../kit/events/schema.ts';
import { startRedisServer } from '../kit/redis-server.ts';
import { probe, serveProbe } from '../upstream/probe.ts';

const text = 'x'.repeat(10_000);
/** 20 MB: far more than all buffers between a service and a reader hold. */
const total = 2000;

/** A service with numbered events that writes them, once it is told to begin, as fast as it may; `onWritten` is told of each. */
async function serveNumbers(onWritten: (number: number) => void = () => {}) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  let written = 0;
  /** Since when a stream may not write; undefined while it may. */
  let heldSinceMs: number | undefined;
  const service = await serveProbe({
    serverStream: (call: ServerWritableStream<string, string>) => {
      let number = Number(call.request);
      const write = () => {
        heldSinceMs = undefined;
        while (number < total) {
          number += 1;
          written = Math.max(written, number);
          onWritten(number);
          if (call.write(JSON.stringify({ number, text }))) continue;
          heldSinceMs = performance.now();
          call.once('drain', write);
          return;
        }
      };
      void begun.then(write);
    },
  });
  return {
    service,
    begin,
    get written() {
      return written;
    },
    /** Resolves when a stream was held back for so long on end: while somebody reads, a drain comes at once. */
    untilHeld: async (forMs = 400) => {
      while (heldSinceMs === undefined || performance.now() - heldSinceMs < forMs) await turn();
      return written;
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

type Numbers = Awaited<ReturnType<typeof serveNumbers>>;

/** `numbers` is a topic that the service feeds, `plain` a stream of the service for each who asks. */
function buildSchema() {
  const builder = new SchemaBuilder<{ Context: OperationContext<'probe'>; DefaultFieldNullability: false }>({
    plugins: [RelayPlugin, weirPluginName],
    // The shop's schema brings the plugin that asks for it, in the types of this program.
    scopeAuth: { authScopes: () => ({}) },
    defaultFieldNullability: false,
    relay: { nodeQueryOptions: false, nodesQueryOptions: false },
  });
  const NumberType = builder.objectRef<FeedEvent>('FeedEvent').implement({
    fields: (t) => ({ number: t.exposeInt('number'), text: t.exposeString('text') }),
  });
  const source = topicSource<FeedEvent>({
    key: 'numbers',
    mode: 'log',
    audience: 'public',
    open: async function* (upstreams, after) {
      yield { sequence: after ?? 0, payload: null };
      const messages = upstreams['probe']?.serverStream(probe.serverStream, String(after ?? 0)) ?? [];
      for await (const payload of messages) yield { sequence: numberOf(payload), payload };
    },
    read: (payload) => JSON.parse(Buffer.from(payload).toString('utf8')),
  });
  const resolve = (event: FeedEvent) => event;
  builder.queryType({ fields: (t) => ({ hello: t.string({ resolve: () => 'world' }) }) });
  builder.subscriptionType({
    fields: (t) => ({
      numbers: t.field({ type: NumberType, subscribe: () => source, resolve }),
      plain: t.field({
        type: NumberType,
        subscribe: async function* (_root, _args, { upstreams }) {
          for await (const message of upstreams.probe.serverStream(probe.serverStream, '0'))
            yield JSON.parse(message) as FeedEvent; // as: what the service writes
        },
        resolve,
      }),
    }),
  });
  return builder.toSchema();
}

function numberOf(message: string): number {
  return Number(/\d+/.exec(message)?.[0]);
}

async function openGateway({ service }: Numbers, config: Partial<WeirConfig> = {}) {
  const gateway = createGateway(
    {
      schema: buildSchema(),
      upstreams: { probe: { target: service.target } },
      budget: { mode: 'off' },
      limits: { operationTimeoutMs: 30_000 },
      server: { port: 0, adminPort: 0 },
      realtime: { drainWindowMs: 0 },
      ...config,
    },
    { log: createLog('silent') },
  );
  const { url } = await gateway.start();
  return { url: new URL(url), [Symbol.asyncDispose]: () => gateway.close() };
}

const numbersQuery = 'subscription { numbers { number text } }';

describe('flow control', () => {
  it('holds the service back while the topic takes nothing, and loses nothing by it', async () => {
    await using redis = await startRedisServer();
    // Not when the reader has some of them: by then a machine that is busy with others may have written all.
    const numbers = await serveNumbers((number) => {
      if (number === 100) redis.pause();
    });
    await using _service = numbers.service;
    await using gateway = await openGateway(numbers, { redis: { url: redis.url } });
    const reader = new FeedReader({ url: gateway.url, transport: 'ws', query: numbersQuery });
    await reader.open();
    await reader.untilLive();
    numbers.begin();
    const written = await numbers.untilHeld();
    expect(written).toBeLessThan(total / 2);
    redis.resume();
    await reader.until(total);
    expect(reader.ledger).toEqual({ count: total, lost: 0, repeated: 0, gaps: 0 });
    reader.close();
  });

  it('holds the service back while the one reader of its stream reads nothing, and loses nothing by it', async () => {
    const numbers = await serveNumbers();
    await using _service = numbers.service;
    await using gateway = await openGateway(numbers);
    const seen: number[] = [];
    let rest = '';
    const { socket, close } = await openSubscriber({
      url: gateway.url,
      transport: 'sse',
      query: 'subscription { plain { number text } }',
      onData: (chunk) => {
        const part = rest + chunk.toString('latin1');
        rest = part.slice(part.lastIndexOf('\n'));
        for (const [, number] of part.slice(0, -rest.length).matchAll(/"number":(\d+),/g))
          seen.push(Number(number));
      },
    });
    socket.pause();
    numbers.begin();
    const written = await numbers.untilHeld();
    expect(written).toBeLessThan(total / 2);
    socket.resume();
    while (seen.length < total) await turn();
    expect(seen).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    close();
  });

  it('does not hold the service back for a reader of a topic who reads nothing', async () => {
    const numbers = await serveNumbers();
    await using _service = numbers.service;
    await using gateway = await openGateway(numbers);
    const options = { url: gateway.url, transport: 'ws', query: numbersQuery } as const;
    const [stalled, reader] = [new FeedReader(options), new FeedReader(options)];
    await Promise.all([stalled.open(), reader.open()]);
    await Promise.all([stalled.untilLive(), reader.untilLive()]);
    stalled.pause();
    numbers.begin();
    await reader.until(total);
    expect(numbers.written).toBe(total);
    expect(reader.ledger).toEqual({ count: total, lost: 0, repeated: 0, gaps: 0 });
    stalled.resume();
    expect(await stalled.ended()).toEqual({ closeCode: 1013, isComplete: false });
    reader.close();
  });
});
