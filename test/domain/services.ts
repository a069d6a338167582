import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  OrderServiceService as orderMethods,
  type SubmitOrderHeader,
  type SubmitOrderRequest,
  type SubmitOrderResponse,
} from '../../upstream-protos/gen/shop/orders/v1/orders.ts';
import type { Outbox } from '../../upstreams/outbox.ts';
import type { Sql, Store } from '../../upstreams/store.ts';
import { type Identity, startUpstreams } from './upstream-fixture.ts';

/** The shop's services on a seeded database of their own, served and called over the loopback address. */
export interface Services {
  /** Speaks for one who may everything. */
  readonly client: Client;
  /** A client that speaks for somebody else. */
  readonly as: (caller: Identity) => Client;
  readonly store: Store;
  readonly outbox: Outbox;
  /** Every statement that the services have run. */
  readonly statements: Statement[];
  /** How many listen to Postgres now: one for each Watch call. */
  readonly listeners: () => number;
  /** What the services have logged: a failure that nobody foresaw. */
  readonly logs: readonly string[];
  close(): Promise<void>;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** @param change puts something between the services and their store; what it makes of a statement is not recorded. */
export async function openServices(change: (store: Store) => Store = (store) => store): Promise<Services> {
  const statements: Statement[] = [];
  let listeners = 0;
  const countListeners = (listen: Store['listen']): Store['listen'] => {
    return (channel, onMessage) => {
      const unlisten = listen(channel, onMessage);
      listeners++;
      return () => {
        listeners--;
        unlisten();
      };
    };
  };
  const { client, store, outbox, logged, close } = await startUpstreams('seeded', (plain) => {
    return { ...recordStatements(change(plain), statements), listen: countListeners(plain.listen) };
  });
  return {
    client: client(Client),
    as: (caller) => client(Client, caller),
    store,
    outbox,
    statements,
    listeners: () => listeners,
    logs: logged,
    close,
  };
}

/** The store itself, watched. */
function recordStatements(store: Store, statements: Statement[]): Store {
  const watch = (sql: Sql): Sql => ({
    query: (text, values = [], signal) => {
      statements.push({ text, values });
      return sql.query(text, values, signal);
    },
  });
  return {
    ...store,
    ...watch(store),
    transaction: (work, signal) => store.transaction((tx) => work(watch(tx)), signal),
  };
}

/** One unary call. */
export function ask<Req, Res>(client: Client, method: MethodDefinition<Req, Res>, request: Req) {
  return settled<Res>((callback) =>
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      callback,
    ),
  );
}

/** One client stream, its messages written at once. */
export function send<Req, Res>(client: Client, method: MethodDefinition<Req, Res>, requests: readonly Req[]) {
  return settled<Res>((callback) => {
    const call = openUpload(client, method, callback);
    for (const request of requests) call.write(request);
    call.end();
    return call;
  });
}

export function openUpload<Req, Res>(
  client: Client,
  method: MethodDefinition<Req, Res>,
  callback: (error: ServiceError | null, response?: Res) => void,
): ClientWritableStream<Req> {
  return client.makeClientStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    callback,
  );
}

/** One server stream. Who leaves it before its end cancels it: leaving its loop does not. */
export function open<Req, Res>(
  client: Client,
  method: MethodDefinition<Req, Res>,
  request: Req,
): ClientReadableStream<Res> {
  return client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
  );
}

export function openDuplex<Req, Res>(
  client: Client,
  method: MethodDefinition<Req, Res>,
): ClientDuplexStream<Req, Res> {
  return client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
}

/** Every message of a server stream, to its end. */
export async function collect<Res>(stream: ClientReadableStream<Res>): Promise<Res[]> {
  const messages: Res[] = [];
  for await (const message of stream) messages.push(message as Res); // grpc-js types its streams as of any.
  return messages;
}

/** The parts of an order: product ids with quantities. */
export function orderParts(
  lines: readonly (readonly [string, number])[],
  header: Partial<SubmitOrderHeader> = {},
): SubmitOrderRequest[] {
  const value = { customerId: 'user-1', note: '', idempotencyKey: '', ...header };
  return [
    { part: { $case: 'header', value } },
    ...lines.map(([productId, quantity]): SubmitOrderRequest => {
      return { part: { $case: 'line', value: { productId, quantity } } };
    }),
  ];
}

export function submit(
  { client }: Services,
  lines: readonly (readonly [string, number])[],
  header: Partial<SubmitOrderHeader> = {},
): Promise<SubmitOrderResponse> {
  return send(client, orderMethods.submitOrder, orderParts(lines, header));
}

async function settled<Res>(
  start: (callback: (error: ServiceError | null, response?: Res) => void) => ClientUnaryCall | object,
): Promise<Res> {
  const { promise, resolve, reject } = Promise.withResolvers<Res>();
  start((error, response) => {
    if (error) reject(error);
    else if (response === undefined) reject(new Error('Neither an answer nor an error came.'));
    else resolve(response);
  });
  return promise;
}

/** Waits until that many statements of the services' database wait for a lock. */
export async function untilLockWaits({ store }: Services, wanted: number): Promise<void> {
  const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  let waiting = -1;
  while (waiting !== wanted) waiting = (await store.query(text)).length;
}

/** Starts calls while a row is locked, and lets them go when all of them wait: they meet for certain. */
export async function contend<Res>(
  services: Services,
  lock: { readonly text: string; readonly values: readonly unknown[] },
  start: () => readonly Promise<Res>[],
): Promise<PromiseSettledResult<Res>[]> {
  const release = Promise.withResolvers<void>();
  const { promise: locked, resolve } = Promise.withResolvers<void>();
  const holder = services.store.transaction(async (tx) => {
    await tx.query(lock.text, lock.values);
    resolve();
    await release.promise;
  });
  await locked;
  const calls = start();
  const outcomes = Promise.allSettled(calls);
  await untilLockWaits(services, calls.length);
  release.resolve();
  await holder;
  return outcomes;
}

/** The lock of one order's row, for {@link contend}. */
export function lockOf(orderId: string) {
  return { text: 'SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE', values: [orderId] };
}
