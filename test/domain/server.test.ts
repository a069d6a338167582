import { once } from 'node:events';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { service as health, protoPath } from 'grpc-health-check';
import { GrpcReflection } from 'grpc-js-reflection-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CatalogServiceClient,
  CatalogServiceService,
} from '../../upstream-protos/gen/shop/catalog/v1/catalog.ts';
import { createFaults } from '../../upstreams/faults.ts';
import { createOutbox } from '../../upstreams/outbox.ts';
import { createUpstreamServer, type UpstreamServer } from '../../upstreams/server.ts';
import { createStore, type Store } from '../../upstreams/store.ts';
import { createTestDatabase } from '../kit/postgres.ts';
import { answer, refusal, until } from './upstream-fixture.ts';

const SERVICES = [
  'shop.catalog.v1.CatalogService',
  'shop.chat.v1.ChatService',
  'shop.orders.v1.OrderService',
  'shop.payments.v1.PaymentService',
  'shop.users.v1.UserService',
];

async function start(): Promise<{ server: UpstreamServer; store: Store; address: string }> {
  const database = await createTestDatabase('empty');
  const store = createStore({ url: database.url });
  const server = await createUpstreamServer({
    store,
    outbox: createOutbox({ store }),
    faults: createFaults(),
    port: 0,
  });
  onTestFinished(async () => {
    await server.close();
    await store.close();
    await database.drop();
  });
  return { server, store, address: `127.0.0.1:${server.port}` };
}

function catalogAt(address: string): CatalogServiceClient {
  const client = new CatalogServiceClient(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

/** Asks grpc.health.v1 as any prober would. */
async function check(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const { Check } = health;
  if (!Check) throw new Error(`No Check in ${protoPath}.`);
  const { status: serving } = await answer<{ status: string }>((done) =>
    client.makeUnaryRequest<object, { status: string }>(
      Check.path,
      Check.requestSerialize,
      // The generic client hands over what the loaded definition decodes.
      Check.responseDeserialize as (bytes: Buffer) => { status: string },
      { service },
      (error: ServiceError | null, response?: { status: string }) => done(error, response ?? { status: '' }),
    ),
  );
  return serving;
}

describe('createUpstreamServer()', () => {
  it('createUpstreamServer() serves the health of every service and of the whole', async () => {
    const { address } = await start();
    for (const name of ['', ...SERVICES]) expect(await check(address, name)).toBe('SERVING');
    expect(await refusal(check(address, 'shop.nothing.v1.Nothing'))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('createUpstreamServer() answers a stock reflection client', async () => {
    const { address } = await start();
    const reflection = new GrpcReflection(address, credentials.createInsecure());
    const services = await reflection.listServices();
    expect(services.filter((name: string) => name.startsWith('shop.')).toSorted()).toEqual(SERVICES);
    const methods = await reflection.listMethods('shop.catalog.v1.CatalogService');
    expect(methods.map(({ name }: { name: string }) => name).toSorted()).toEqual(
      Object.values(CatalogServiceService)
        .map(({ path }) => path.split('/')[2])
        .toSorted(),
    );
    const descriptor = await reflection.getDescriptorBySymbol('shop.orders.v1.OrderService');
    const definition = descriptor.getPackageDefinition({ keepCase: true });
    expect(definition['shop.orders.v1.OrderService']).toBeDefined();
    expect(definition['shop.common.v1.Money']).toBeDefined();
  });

  it('createUpstreamServer() refuses a taken port', async () => {
    const { server, store } = await start();
    const second = createUpstreamServer({
      store,
      outbox: createOutbox({ store }),
      faults: createFaults(),
      port: server.port,
    });
    await expect(second).rejects.toThrow('EADDRINUSE');
  });

  it('close() ends watchers with UNAVAILABLE at once, lets calls finish, and leaves the port free', async () => {
    const { server, address, store } = await start();
    await store.query(
      "INSERT INTO products VALUES ('product-1', 's', 't', 'd', 1, 'EUR', 1, 1, '{}', 0, 0, 0, 1, now())",
    );
    const client = catalogAt(address);
    const watching = client.watchPrices({ productIds: [], afterSequence: -1n, withStart: false });
    watching.on('data', () => {});
    await once(watching, 'metadata');
    const ended = once(watching, 'error');
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holding = store.transaction(async (tx) => {
      await tx.query('LOCK TABLE products');
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const call = answer((done) => client.batchGetProducts({ ids: ['product-1'], readMask: undefined }, done));
    await until(
      async () =>
        (await store.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).length > 0,
    );
    const closing = server.close();
    expect((await ended)[0]).toMatchObject({ code: status.UNAVAILABLE });
    release.resolve();
    await holding;
    expect(await call).toMatchObject({ products: [{ id: 'product-1' }] });
    await closing;
    expect(await refusal(check(address, ''))).toMatchObject({ code: 'UNAVAILABLE' });
  });
});
