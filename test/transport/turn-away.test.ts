import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identify } from '../../src/identity/identify.ts';
import { createIdentify } from '../../src/identity/identify.ts';
import { createFakeClock, type FakeClock } from '../kit/fake-clock.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { openWs, type WsWire } from '../kit/ws-wire.ts';
import { openWire, type Wire } from './wire.ts';

const rate = 4;
const query = 'subscription { event }';
const sse = 'text/event-stream';
const multipart = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json';
const tokenHeader = 'X-GraphQL-Event-Stream-Token';

let clock: FakeClock;
let server: StreamServer;
/** How often somebody was identified. */
let identified: number;
let opened: AsyncDisposable[];

beforeEach(async () => {
  clock = createFakeClock();
  identified = 0;
  opened = [];
  const anybody = createIdentify(undefined);
  const identify: Identify = (credentials) => {
    identified += 1;
    return anybody(credentials);
  };
  server = await openStreamServer({ clock, identify, settings: { maxConnectsPerSecond: rate } });
});

afterEach(async () => {
  for (const one of opened) await one[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function wireWith(...lines: readonly string[]): Promise<Wire> {
  const wire = await openWire(server.url);
  opened.push(wire);
  wire.send(...lines, '', '');
  return wire;
}

function byGet(): Promise<Wire> {
  const path = `/graphql?query=${encodeURIComponent(query)}`;
  return wireWith(`GET ${path} HTTP/1.1`, 'Host: a', 'GraphQL-Require-Preflight: 1', `Accept: ${sse}`);
}

async function byPost(accept: string, body = JSON.stringify({ query })): Promise<Wire> {
  const wire = await wireWith(
    'POST /graphql HTTP/1.1',
    'Host: a',
    'Content-Type: application/json',
    `Accept: ${accept}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  );
  wire.socket.write(body);
  return wire;
}

const tokens = (count: number) =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const answer = await fetch(`${server.url}/stream`, { method: 'PUT' });
      return { status: answer.status, token: await answer.text() };
    }),
  );

async function webSocket(): Promise<WsWire> {
  const ws = await openWs(server.wsUrl, { init: false });
  opened.push(ws);
  return ws;
}

/** Lets in as many as may, by WebSockets. */
async function fill(count = rate): Promise<void> {
  for (let at = 0; at < count; at += 1) opened.push(await openWs(server.wsUrl));
}

const told = { sseRetry: /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nretry: (\d+)\n\n$/ } as const;

/** The seconds and milliseconds after which a client may come back, of a refusal in JSON. */
function refusalIn(text: string) {
  const [, status, seconds, body = ''] =
    /^HTTP\/1\.1 (\d+) [\s\S]*?\r\nretry-after: (\d+)\r\n[\s\S]*?\r\n\r\n([\s\S]*)$/i.exec(text) ?? [];
  const [{ extensions }] = JSON.parse(body).errors;
  return { status: Number(status), seconds: Number(seconds), ...extensions };
}

describe('a connection beyond realtime.maxConnectsPerSecond', () => {
  it.each([rate - 1, rate])('is none of %d at once, whatever they are', async (count) => {
    const [one] = await tokens(1);
    const kinds = [
      byGet,
      () => byPost(sse),
      () => byPost(multipart),
      () => wireWith(`GET /graphql/stream?token=${one?.token} HTTP/1.1`, 'Host: a', `Accept: ${sse}`),
    ];
    for (const open of kinds.slice(0, count)) await (await open()).until(/\r\n\r\n./);
    expect([server.graph.openConnections(), server.refusals]).toEqual([count, []]);
  });

  it('is a WebSocket that is closed with 1013 before it is asked who it is, until its place is restored', async () => {
    await fill();
    expect(await (await webSocket()).closed).toEqual({ code: 1013, reason: 'Try again later' });
    clock.advance(1000 / rate - 0.1);
    expect((await (await webSocket()).closed).code).toBe(1013);
    clock.advance(0.1);
    opened.push(await openWs(server.wsUrl));
    expect([server.graph.openConnections(), identified]).toEqual([rate + 1, rate + 1]);
    expect(server.refusals).toEqual(Array(2).fill({ transport: 'ws', reason: 'rate' }));
  });

  it('is 503 with a time to an event stream by POST, before its body is read', async () => {
    await fill();
    const refusal = refusalIn(await (await byPost(sse, '{"query": not read')).closed);
    expect(refusal).toMatchObject({ status: 503, code: 'OVERLOADED' });
    expect(refusal.seconds).toBe(Math.ceil(refusal.retryAfterMs / 1000));
    expect(identified).toBe(rate);
    expect(server.refusals).toEqual([{ transport: 'sse', reason: 'rate' }]);
    clock.advance(1000 / rate);
    await (await byPost(sse)).until(/\r\n\r\n./);
  });

  it('is 503 with a time to multipart, and none of its queries', async () => {
    await fill();
    expect(refusalIn(await (await byPost(multipart)).closed)).toMatchObject({
      status: 503,
      code: 'OVERLOADED',
    });
    expect(server.refusals).toEqual([{ transport: 'multipart', reason: 'rate' }]);
    await (await byPost(multipart, '{"query":"{ hello }"}')).until(/"hello":"world"/);
    expect(server.records).toEqual([]);
  });

  it('is an event stream that ends to EventSource, to which any other status is the end for good', async () => {
    await fill();
    expect(await (await byGet()).closed).toMatch(told.sseRetry);
    expect([identified, server.contexts.length]).toEqual([rate, 0]);
    expect(server.refusals).toEqual([{ transport: 'sse', reason: 'rate' }]);
  });

  it('is refused in single connection mode where it is reserved, and where it is opened', async () => {
    const [one, two] = await tokens(2);
    await fill();
    expect((await tokens(1))[0]?.status).toBe(503);
    const path = '/graphql/stream';
    const byHeader = await wireWith(
      `GET ${path} HTTP/1.1`,
      'Host: a',
      `Accept: ${sse}`,
      `${tokenHeader}: ${one?.token}`,
    );
    expect(refusalIn(await byHeader.closed)).toMatchObject({ status: 503, code: 'OVERLOADED' });
    const byAddress = () => wireWith(`GET ${path}?token=${two?.token} HTTP/1.1`, 'Host: a', `Accept: ${sse}`);
    expect(await (await byAddress()).closed).toMatch(told.sseRetry);
    expect(server.refusals).toEqual(Array(3).fill({ transport: 'sse-single', reason: 'rate' }));
    clock.advance(1000 / rate);
    await (await byAddress()).until(/\r\n\r\n./);
  });

  it('is told another time each time, of 1 to 6 s', async () => {
    await fill();
    const times = await Promise.all(
      Array.from({ length: 40 }, async () => Number(told.sseRetry.exec(await (await byGet()).closed)?.[1])),
    );
    expect(Math.min(...times)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...times)).toBeLessThanOrEqual(6000);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(2500);
    expect(new Set(times).size).toBeGreaterThan(30);
  });

  it('is not refused for what runs already, nor are single requests', async () => {
    const first = await openWs(server.wsUrl);
    opened.push(first);
    await fill(rate - 1);
    first.send({ id: '1', type: 'subscribe', payload: { query } });
    await server.topic.untilRunning(1);
    const answer = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ hello }"}',
    });
    expect(await answer.json()).toEqual({ data: { hello: 'world' } });
  });
});

describe('Apollo Client', () => {
  it('comes back by its RetryLink, and tells its application without one', async () => {
    await fill();
    const failures: unknown[] = [];
    const retry = new RetryLink({
      attempts: (count, _operation, error) => {
        failures.push(error);
        clock.advance(1000 / rate);
        return count < 5;
      },
      delay: () => 0,
    });
    const http = new HttpLink({ uri: server.url });
    const bare = new ApolloClient({ cache: new InMemoryCache(), link: http });
    const told = new Promise<unknown>((next) =>
      bare.subscribe({ query: gql(query) }).subscribe(({ error }) => next(error)),
    );
    expect(await told).toMatchObject({ statusCode: 503, bodyText: expect.stringContaining('OVERLOADED') });
    const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([retry, http]) });
    const subscription = client.subscribe({ query: gql(query) }).subscribe({});
    await server.topic.untilRunning(1);
    expect(failures).toMatchObject([{ statusCode: 503 }]);
    subscription.unsubscribe();
    await server.topic.untilRunning(0);
    for (const each of [bare, client]) each.stop();
  });
});

describe('a stream where there is no room at all', () => {
  it('is told to EventSource so that it comes back, from a gateway that stops too', async () => {
    await using full = await openStreamServer({ settings: { maxConnections: 1, drainWindowMs: 60_000 } });
    await using one = await openWs(full.wsUrl);
    const ask = async () => {
      const path = `/graphql?query=${encodeURIComponent(query)}`;
      const wire = await openWire(full.url);
      wire.send(`GET ${path} HTTP/1.1`, 'Host: a', 'GraphQL-Require-Preflight: 1', `Accept: ${sse}`, '', '');
      return wire.closed;
    };
    expect(await ask()).toMatch(told.sseRetry);
    await using other = await openWs(full.wsUrl, { init: false });
    expect((await other.closed).code).toBe(1013);
    void full.graph.drain();
    expect(await ask()).toMatch(told.sseRetry);
    expect(full.refusals.map(({ transport, reason }) => `${transport} ${reason}`)).toEqual([
      'sse connections',
      'ws connections',
      'sse draining',
    ]);
    one.socket.terminate();
  });
});
