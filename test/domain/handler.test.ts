import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CatalogServiceClient,
  CatalogServiceService,
  type WatchPricesResponse,
} from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import type { CallContext } from '../../upstreams/call-scope.ts';
import { createFaults } from '../../upstreams/faults.ts';
import { createHandlers } from '../../upstreams/handler.ts';
import { createOutbox } from '../../upstreams/outbox.ts';
import { createUpstreamServer } from '../../upstreams/server.ts';
import { createStore } from '../../upstreams/store.ts';
import { until } from './upstream-fixture.ts';

type Watch = (context: CallContext) => AsyncGenerator<WatchPricesResponse>;

/** A server whose WatchPrices is `watch`, and a client of it. */
async function serve(watch: Watch): Promise<CatalogServiceClient> {
  const faults = createFaults();
  const store = createStore({ url: 'postgresql://127.0.0.1:1/unused' });
  const { serverStream } = createHandlers({ faults });
  const { watchPrices } = CatalogServiceService;
  const server = await createUpstreamServer({
    services: [
      {
        definition: { watchPrices },
        implementation: { watchPrices: serverStream(watchPrices, (_, context) => watch(context)) },
      },
    ],
    store,
    outbox: createOutbox({ store }),
    faults,
    port: 0,
    graceMs: 0,
  });
  const client = new CatalogServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  onTestFinished(async () => {
    client.close();
    await server.close();
    await store.close();
  });
  return client;
}

/** About 1 KB on the wire. */
function message(n: number): WatchPricesResponse {
  const productId = String(n).padStart(1_000, '0');
  return { sequence: BigInt(n), productId, oldPrice: undefined, newPrice: undefined, changeTime: undefined };
}

describe('serverStream()', () => {
  const MESSAGES = 20_000;

  it('serverStream() pulls from its generator only as far as the reader reads', async () => {
    let pulled = 0;
    const client = await serve(async function* () {
      while (pulled < MESSAGES) yield message(++pulled);
    });
    const call = client.watchPrices({ productIds: [], afterSequence: 0n, withStart: false });
    const messages = call[Symbol.asyncIterator]() as AsyncIterator<WatchPricesResponse>;
    await messages.next();
    // The reader stands still: the pulling comes to rest with what the buffers on the way hold.
    await until(async () => {
      const before = pulled;
      await sleep(200);
      return pulled === before;
    }, 20_000);
    expect(pulled).toBeLessThan(MESSAGES / 10);
    let read = 1;
    while (!(await messages.next()).done) read++;
    expect(read).toBe(MESSAGES);
  });

  it.each(['waits', 'is held by a reader that does not read'])(
    'serverStream() ends its generator when the caller leaves while it %s',
    async (state) => {
      const ended = Promise.withResolvers<unknown>();
      const client = await serve(async function* ({ signal }) {
        try {
          if (state === 'waits') {
            yield message(1);
            await once(signal, 'abort');
          }
          for (let n = 1; ; n++) yield message(n);
        } finally {
          ended.resolve(signal.reason);
        }
      });
      const call = client.watchPrices({ productIds: [], afterSequence: 0n, withStart: false });
      call.on('error', () => {});
      await once(call, 'readable');
      call.cancel();
      expect(await ended.promise).toMatchObject({ name: 'AbortError' });
    },
  );

  it('serverStream() gives its generator the time that the caller has', async () => {
    const client = await serve(async function* ({ deadlineMs }) {
      yield message(deadlineMs === Number.POSITIVE_INFINITY ? 1 : 2);
    });
    const sequenceOf = async (options: { deadline?: number }) => {
      const call = client.watchPrices({ productIds: [], afterSequence: 0n, withStart: false }, options);
      for await (const { sequence } of call as AsyncIterable<WatchPricesResponse>) return sequence;
      return undefined;
    };
    expect(await sequenceOf({})).toBe(1n);
    expect(await sequenceOf({ deadline: Date.now() + 5_000 })).toBe(2n);
  });
});
