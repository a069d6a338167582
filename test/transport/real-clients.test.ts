import { once } from 'node:events';
import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { fetchExchange, subscriptionExchange, Client as UrqlClient } from '@urql/core';
import { EventSource } from 'eventsource';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import relay from 'relay-runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { preflighted } from '../kit/tiny-gateway.ts';

const event = 'subscription { event }';
let server: StreamServer;

beforeEach(async () => {
  server = await openStreamServer();
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

/** Publishes once there is a subscriber, and gives the first result that the client's own way of iterating gives. */
async function firstOf<Result>(
  subscribe: (next: (result: Result) => void) => () => unknown,
): Promise<Result> {
  const { promise, resolve } = Promise.withResolvers<Result>();
  const end = subscribe(resolve);
  await server.topic.untilRunning(1);
  server.topic.publish({ n: 1 }, { cursor: 'c1' });
  const result = await promise;
  await end();
  await server.topic.untilRunning(0);
  expect(server.ends.at(-1)?.reason).toBe('client');
  return result;
}

describe('graphql-ws', () => {
  it('runs queries, mutations and subscriptions on one connection', async () => {
    const client = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket });
    const results = client.iterate({ query: event });
    const next = results.next();
    for await (const result of client.iterate({ query: '{ hello }' }))
      expect(result).toEqual({ data: { hello: 'world' } });
    for await (const result of client.iterate({ query: 'mutation { touch }' }))
      expect(result).toEqual({ data: { touch: null } });
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    expect((await next).value).toEqual({ data: { n: 1 }, extensions: { cursor: 'c1' } });
    server.topic.running()[0]?.sink.end('completed');
    expect((await results.next()).done).toBe(true);
    await client.dispose();
  });

  it('gets a refusal as an error and goes on', async () => {
    const client = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket });
    await expect(client.iterate({ query: '{ nothing }' }).next()).rejects.toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
    expect((await client.iterate({ query: '{ hello }' }).next()).value).toEqual({ data: { hello: 'world' } });
    await client.dispose();
  });

  it('learns from pings that its subscription is live', async () => {
    server.topic.live = { cursor: 'c0', recovered: undefined, reason: undefined };
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const client = createWsClient({
      url: server.wsUrl,
      webSocketImpl: WebSocket,
      on: { ping: (received, payload) => received && resolve(payload) },
    });
    const end = client.subscribe({ query: event }, { next: () => {}, error: () => {}, complete: () => {} });
    expect(await promise).toMatchObject({ subscribed: expect.any(String), cursor: 'c0' });
    end();
    await client.dispose();
  });

  it('comes back by itself after a drain, with the cursor that it has by then', async () => {
    const payload = { query: event, extensions: {} as { resume?: string } };
    const client = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket, retryWait: async () => {} });
    const seen: unknown[] = [];
    const end = client.subscribe(payload, {
      next: ({ data, extensions }) => {
        seen.push(data);
        payload.extensions.resume = String((extensions as { cursor?: string })?.cursor);
      },
      error: () => {},
      complete: () => {},
    });
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    while (seen.length < 1) await new Promise((resolve) => setImmediate(resolve));
    server.topic.running()[0]?.sink.end('drain');
    const [first] = server.topic.subscriptions;
    if (first) first.stopped = 'drain';
    await server.topic.untilRunning(1);
    expect(server.contexts.at(-1)?.params?.extensions).toEqual({ resume: 'c1' });
    server.topic.publish({ n: 2 }, { cursor: 'c2' });
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
    end();
    await client.dispose();
  });
});

describe('graphql-sse', () => {
  it.each([false, true])(
    'runs queries and subscriptions, single connection: %s',
    async (singleConnection) => {
      const url = singleConnection ? `${server.url}/stream` : server.url;
      const client = createSseClient({ url, singleConnection, retryAttempts: 0 });
      expect((await client.iterate({ query: '{ hello }' }).next()).value).toEqual({
        data: { hello: 'world' },
      });
      server.topic.live = { cursor: 'c0', recovered: true, reason: undefined };
      const results = client.iterate({ query: event });
      const next = results.next();
      await server.topic.untilRunning(1);
      server.topic.publish({ n: 1 });
      expect((await next).value).toEqual({ data: { n: 1 } });
      server.topic.running()[0]?.sink.end('completed');
      expect((await results.next()).done).toBe(true);
      client.dispose();
    },
  );

  it.each([false, true])('comes back after a drain, single connection: %s', async (singleConnection) => {
    const url = singleConnection ? `${server.url}/stream` : server.url;
    const client = createSseClient({ url, singleConnection, retry: async () => {} });
    const results = client.iterate({ query: event });
    const next = results.next();
    await server.topic.untilRunning(1);
    const [first] = server.topic.running();
    first?.sink.end('drain');
    if (first) first.stopped = 'drain';
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 2 });
    expect((await next).value).toEqual({ data: { n: 2 } });
    client.dispose();
  });

  it('gets what refuses it as a result', async () => {
    const client = createSseClient({ url: server.url, retryAttempts: 0 });
    const { value } = await client.iterate({ query: '{ nothing }' }).next();
    expect(value).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    client.dispose();
  });
});

describe('EventSource', () => {
  const address = () => `${server.url}?query=${encodeURIComponent(event)}`;
  const withPreflight: typeof fetch = (url, init) =>
    fetch(url, { ...init, headers: { ...init?.headers, ...preflighted } });

  it('gets events and complete, and comes back with its last id', async () => {
    server.topic.live = { cursor: 'c0', recovered: undefined, reason: undefined };
    const source = new EventSource(address(), { fetch: withPreflight });
    const next = once(source as never, 'next'); // as: an EventTarget
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    const [message] = await next;
    expect(JSON.parse(message.data)).toEqual({ data: { n: 1 } });
    expect(message.lastEventId).toBe('c1');
    const complete = once(source as never, 'complete'); // as: an EventTarget
    server.topic.running()[0]?.sink.end('completed');
    const [last] = await complete;
    expect(last.data).toBe('');
    source.close();
  });

  it('comes back with an id that came without an event', async () => {
    server.topic.live = { cursor: 'c0', recovered: undefined, reason: undefined };
    const seen: unknown[] = [];
    const source = new EventSource(address(), {
      fetch: (url, init) => {
        seen.push(new Headers(init.headers).get('last-event-id'));
        return withPreflight(url, init);
      },
    });
    const opened = once(source as never, 'open'); // as: an EventTarget
    await server.topic.untilRunning(1);
    await opened;
    const [first] = server.topic.running();
    first?.sink.end('drain');
    if (first) first.stopped = 'drain';
    await server.topic.untilRunning(1);
    expect(seen).toEqual([null, 'c0']);
    expect(server.contexts.at(-1)?.params?.extensions).toEqual({ resume: 'c0' });
    source.close();
    await server.topic.untilRunning(0);
  });
});

describe('Apollo Client', () => {
  const apollo = (link: ApolloLink) => new ApolloClient({ cache: new InMemoryCache(), link });

  it('runs queries and subscriptions by its HttpLink, as multipart', async () => {
    const client = apollo(new HttpLink({ uri: server.url }));
    expect((await client.query({ query: gql('{ hello }') })).data).toEqual({ hello: 'world' });
    const result = await firstOf<ApolloClient.SubscribeResult>((next) => {
      const subscription = client.subscribe({ query: gql(event) }).subscribe({ next });
      return () => subscription.unsubscribe();
    });
    expect(result.data).toEqual({ n: 1 });
    expect(server.ends).toEqual([{ reason: 'client', transport: 'multipart' }]);
    client.stop();
  });

  it('gets a refusal, and an end that is none, as errors', async () => {
    const client = apollo(new HttpLink({ uri: server.url }));
    const refused = new Promise<ApolloClient.SubscribeResult>((next) =>
      client.subscribe({ query: gql('subscription { denied }') }).subscribe({ next }),
    );
    expect((await refused).error).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    const ended = new Promise<ApolloClient.SubscribeResult>((next) =>
      client.subscribe({ query: gql(event) }).subscribe({ next }),
    );
    await server.topic.untilRunning(1);
    server.topic.running()[0]?.sink.end('drain');
    expect((await ended).error).toMatchObject({ errors: [{ extensions: { code: 'OVERLOADED' } }] });
    client.stop();
  });

  it('runs queries and subscriptions by GraphQLWsLink', async () => {
    const ws = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket });
    const client = apollo(new GraphQLWsLink(ws));
    expect((await client.query({ query: gql('{ hello }') })).data).toEqual({ hello: 'world' });
    const result = await firstOf<ApolloClient.SubscribeResult>((next) => {
      const subscription = client.subscribe({ query: gql(event) }).subscribe({ next });
      return () => subscription.unsubscribe();
    });
    expect(result.data).toEqual({ n: 1 });
    client.stop();
    await ws.dispose();
  });

  it('passes over a gap marker and goes on', async () => {
    const client = apollo(new HttpLink({ uri: server.url }));
    const seen: unknown[] = [];
    const subscription = client
      .subscribe({ query: gql(event) })
      .subscribe({ next: ({ data }) => seen.push(data) });
    await server.topic.untilRunning(1);
    server.topic.running()[0]?.sink.gap({ dropped: 3, reason: 'slow' });
    server.topic.publish({ n: 1 });
    while (seen.length < 1) await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual([{ n: 1 }]);
    subscription.unsubscribe();
    await server.topic.untilRunning(0);
    client.stop();
  });
});

describe('urql', () => {
  it('runs queries and subscriptions by fetch, as an event stream', async () => {
    const client = new UrqlClient({
      url: server.url,
      exchanges: [fetchExchange],
      fetchSubscriptions: true,
      preferGetMethod: false,
    });
    expect((await client.query('{ hello }', {}).toPromise()).data).toEqual({ hello: 'world' });
    const result = await firstOf<{ data?: unknown; extensions?: unknown }>((next) => {
      const { unsubscribe } = client.subscription(event, {}).subscribe(next);
      return unsubscribe;
    });
    expect(result.data).toEqual({ n: 1 });
    expect(server.ends).toEqual([{ reason: 'client', transport: 'sse' }]);
  });

  it('runs subscriptions over WebSocket', async () => {
    const ws = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket });
    const client = new UrqlClient({
      url: server.url,
      preferGetMethod: false,
      exchanges: [
        subscriptionExchange({
          forwardSubscription: ({ query = '', variables }) => ({
            subscribe: (sink) => ({
              unsubscribe: ws.subscribe({ query, variables: variables ?? {} }, sink as never),
            }),
          }),
        }),
      ],
    });
    const result = await firstOf<{ data?: unknown }>((next) => {
      const { unsubscribe } = client.subscription(event, {}).subscribe(next);
      return unsubscribe;
    });
    expect(result.data).toEqual({ n: 1 });
    await ws.dispose();
  });
});

describe("Relay's network layer", () => {
  const { Network, Observable, Environment, RecordSource, Store } = relay;
  /** As the compiler writes `subscription { event }`. */
  const operation = {
    kind: 'Request',
    fragment: {
      argumentDefinitions: [],
      kind: 'Fragment',
      metadata: null,
      name: 'EventSubscription',
      selections: [{ alias: null, args: null, kind: 'ScalarField', name: 'event', storageKey: null }],
      type: 'Subscription',
      abstractKey: null,
    },
    operation: {
      argumentDefinitions: [],
      kind: 'Operation',
      name: 'EventSubscription',
      selections: [{ alias: null, args: null, kind: 'ScalarField', name: 'event', storageKey: null }],
    },
    params: {
      cacheID: 'event',
      id: null,
      metadata: {},
      name: 'EventSubscription',
      operationKind: 'subscription',
      text: 'subscription EventSubscription { event }',
    },
  };

  it.each(['graphql-ws', 'graphql-sse'])(
    'runs subscriptions over %s, and passes over a gap marker',
    async (kind) => {
      const ws = createWsClient({ url: server.wsUrl, webSocketImpl: WebSocket });
      const sse = createSseClient({ url: server.url, retryAttempts: 0 });
      const client = kind === 'graphql-ws' ? ws : sse;
      const subscribe = (params: { text: string | null }) =>
        Observable.create<never>((sink) => client.subscribe({ query: params.text ?? '' }, sink as never));
      const environment = new Environment({
        network: Network.create(() => Promise.reject(new Error('only subscriptions')), subscribe as never),
        store: new Store(new RecordSource()),
      });
      const seen: unknown[] = [];
      const errors: unknown[] = [];
      const subscription = relay.requestSubscription(environment, {
        subscription: operation as never,
        variables: {},
        onNext: (data) => void seen.push(data),
        onError: (error) => void errors.push(error),
      });
      await server.topic.untilRunning(1);
      server.topic.running()[0]?.sink.gap({ dropped: 1, reason: 'slow' });
      server.topic.publish(undefined, { json: '{"data":{"event":{"n":1}}}' });
      while (seen.length + errors.length < 1) await new Promise((resolve) => setImmediate(resolve));
      expect(errors).toEqual([]);
      expect(seen.at(-1)).toEqual({ event: { n: 1 } });
      subscription.dispose();
      await server.topic.untilRunning(0);
      await ws.dispose();
      sse.dispose();
    },
  );
});
