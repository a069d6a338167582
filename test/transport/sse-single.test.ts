import { createClient } from 'graphql-sse';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Identify } from '../../src/identity/identify.ts';
import { anonymousPrincipal, verifiedPrincipal } from '../../src/identity/principal.ts';
import type { Broker } from '../../src/realtime/broker.ts';
import { createMemoryBroker } from '../../src/realtime/memory-broker.ts';
import { createMemoryLeases } from '../../src/realtime/memory-leases.ts';
import {
  type ClosableStreamRouter,
  createBrokerStreamRouter,
} from '../../src/transport/broker-stream-router.ts';
import { createReservations, reservationMs } from '../../src/transport/sse-reservation.ts';
import { createMemoryStreamHub, type StreamRouter } from '../../src/transport/stream-router.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer, type StreamServer, type StreamServerOptions } from '../kit/stream-server.ts';
import { createCollectingLog } from '../kit/tiny-gateway.ts';
import { openWire } from './wire.ts';

const event = 'subscription { event }';
const tokenHeader = 'X-GraphQL-Event-Stream-Token';

/** "Bearer NAME" is NAME. */
const identifyNames: Identify = ({ authorization, address }) => {
  const [header] = [authorization].flat();
  if (header === undefined) return anonymousPrincipal(address ?? '');
  const subject = header.slice('Bearer '.length);
  return verifiedPrincipal({
    subject,
    tenant: null,
    client: null,
    scopes: new Set(),
    issuedAtMs: 0,
    expiresAtMs: 8.64e15,
  });
};

const streamUrl = (server: StreamServer) => `${server.url}/stream`;

async function reserve(server: StreamServer, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(streamUrl(server), { method: 'PUT', headers });
  expect(response.status).toBe(201);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  return response.text();
}

/** The one stream of a token, as it comes. */
async function openStream(server: StreamServer, token: string, headers: string[] = []) {
  const wire = await openWire(server.url);
  wire.send(
    `GET /graphql/stream?token=${token} HTTP/1.1`,
    'Host: a',
    'Accept: text/event-stream',
    ...headers,
    '',
    '',
  );
  await wire.until(/\r\n\r\n/);
  return wire;
}

async function run(
  server: StreamServer,
  token: string,
  operationId: unknown,
  { query = event, headers = {}, extensions = {} }: RunOptions = {},
) {
  const response = await fetch(streamUrl(server), {
    method: 'POST',
    headers: { [tokenHeader]: token, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, extensions: { operationId, ...extensions } }),
  });
  const text = await response.text();
  const codes: string[] = text
    ? JSON.parse(text).errors.map(({ extensions: { code } }: { extensions: { code: string } }) => code)
    : [];
  return { status: response.status, codes, type: response.headers.get('content-type') };
}

interface RunOptions {
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly extensions?: object;
}

function stop(server: StreamServer, token: string, operationId: string) {
  return fetch(`${streamUrl(server)}?operationId=${operationId}`, {
    method: 'DELETE',
    headers: { [tokenHeader]: token },
  });
}

async function open(options: StreamServerOptions = {}) {
  return openStreamServer({ identify: identifyNames, ...options });
}

describe('createReservations()', () => {
  const olderSecret = 'o'.repeat(32);
  const secrets = ['s'.repeat(32), olderSecret];
  const anna = verifiedPrincipal({
    subject: 'anna',
    tenant: null,
    client: null,
    scopes: new Set(),
    issuedAtMs: 0,
    expiresAtMs: 1,
  });

  it('gives tokens that are good for 30 s, for their principal alone', () => {
    const clock = createFakeClock();
    const { issue, streamOf } = createReservations(secrets, clock, 'web');
    const token = issue(anna);
    const streamId = streamOf(token, anna, 'toOpen');
    expect(streamId).toMatch(/^[\w-]{22}$/);
    expect(streamOf(token, anonymousPrincipal('net'), 'toOpen')).toBeUndefined();
    clock.advance(reservationMs - 1);
    expect(streamOf(token, anna, 'toOpen')).toBe(streamId);
    clock.advance(1);
    expect(streamOf(token, anna, 'toOpen')).toBeUndefined();
    expect(streamOf(token, anna, 'opened')).toBe(streamId);
  });

  it('never gives the same twice', () => {
    const { issue } = createReservations(secrets, createFakeClock(), 'web');
    expect(new Set(Array.from({ length: 1000 }, () => issue(anna))).size).toBe(1000);
  });

  it('takes what another instance signed, also with an older secret, and nothing that was changed', () => {
    const clock = createFakeClock();
    const ours = createReservations(secrets, clock, 'web');
    const older = createReservations([olderSecret], clock, 'web').issue(anna);
    const foreign = createReservations(['f'.repeat(32)], clock, 'web').issue(anna);
    expect(ours.streamOf(older, anna, 'toOpen')).toBeDefined();
    expect(ours.streamOf(foreign, anna, 'toOpen')).toBeUndefined();
    const token = ours.issue(anna);
    for (let at = 0; at < token.length - 1; at += 1) {
      const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
      expect(ours.streamOf(changed, anna, 'toOpen')).toBeUndefined();
    }
    for (const text of ['', 'x', `${token}A`, token.slice(1), 'é'.repeat(51)])
      expect(ours.streamOf(text, anna, 'toOpen')).toBeUndefined();
  });
});

describe('single connection mode', () => {
  it('carries many operations on one stream', async () => {
    await using server = await open();
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    expect(await run(server, token, 'a')).toMatchObject({ status: 202, codes: [] });
    expect(await run(server, token, 'b "ä"', { extensions: { resume: 'c3' } })).toMatchObject({
      status: 202,
    });
    expect(await run(server, token, 'q', { query: '{ hello }' })).toMatchObject({ status: 202 });
    await server.topic.untilRunning(2);
    expect(server.contexts.map(({ params }) => params?.extensions)).toEqual([{}, { resume: 'c3' }, {}]);
    server.topic.publish({ n: 1 }, { cursor: 'c4' });
    server.topic.subscriptions[0]?.sink.end('completed');
    const text = await wire.until(/event: complete\ndata: \{"id":"a"\}\n\n/);
    expect(text).toContain('event: next\ndata: {"payload":{"data":{"hello":"world"}},"id":"q"}\n\n');
    expect(text).toContain('event: complete\ndata: {"id":"q"}\n\n');
    const payload = '{"data":{"n":1},"extensions":{"cursor":"c4"}}';
    expect(text).toContain(`event: next\ndata: {"payload":${payload},"id":"a"}\n\n`);
    expect(text).toContain(`event: next\ndata: {"payload":${payload},"id":"b \\"\\u00e4\\""}\n\n`);
    expect(server.topic.encoded).toEqual(new Map([['sse-single', 1]]));
    expect(server.ends).toEqual([{ reason: 'completed', transport: 'sse-single' }]);
  });

  it('ends an operation by DELETE, and all with the stream', async () => {
    await using server = await open();
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    await run(server, token, 'a');
    await run(server, token, 'b');
    await server.topic.untilRunning(2);
    expect((await stop(server, token, 'a')).status).toBe(200);
    expect((await stop(server, token, 'never')).status).toBe(200);
    await server.topic.untilRunning(1);
    wire.socket.destroy();
    await server.topic.untilRunning(0);
    expect(server.ends).toEqual([
      { reason: 'client', transport: 'sse-single' },
      { reason: 'client', transport: 'sse-single' },
    ]);
    expect((await run(server, token, 'c')).status).toBe(404);
  });

  it('answers what runs when it has been here for long enough, begins nothing more, and ends then', async () => {
    const clock = createFakeClock();
    await using server = await open({ clock, settings: { connectionMaxAgeMs: 10_000 } });
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    await run(server, token, 'event');
    await run(server, token, 'runs', { query: '{ slow }' });
    await server.topic.untilRunning(1);
    clock.advance(10_500);
    expect((await run(server, token, 'late', { query: '{ hello }' })).status).toBe(503);
    server.gate.open();
    const text = await wire.closed;
    expect(text).toMatch(
      /"slow":"done"\}\},"id":"runs"\}\n\nevent: complete\ndata: \{"id":"runs"\}\n\nretry: \d+\n\n$/,
    );
    expect(server.ends).toEqual([{ reason: 'rotated', transport: 'sse-single' }]);
  });

  it('refuses with JSON and a code of ours', async () => {
    await using server = await open();
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    const json = 'application/graphql-response+json; charset=utf-8';
    expect(await run(server, token, 'a', { query: '{' })).toEqual({
      status: 400,
      codes: ['GRAPHQL_PARSE_FAILED'],
      type: json,
    });
    expect(await run(server, token, 'a', { query: '{ no }' })).toMatchObject({
      status: 400,
      codes: ['GRAPHQL_VALIDATION_FAILED'],
    });
    expect(await run(server, token, 'a')).toMatchObject({ status: 202 }); // its id was free
    expect(await run(server, token, 'a')).toEqual({ status: 409, codes: ['ALREADY_EXISTS'], type: json });
    for (const id of [undefined, '', 7, 'x'.repeat(129)])
      expect(await run(server, token, id)).toMatchObject({ status: 400, codes: ['BAD_REQUEST'] });
    expect(await run(server, `${token.slice(1)}A`, 'b')).toMatchObject({ status: 404, codes: ['NOT_FOUND'] });
    expect(await run(server, await reserve(server), 'b')).toMatchObject({ status: 404 });
    expect(wire.socket.destroyed).toBe(false);
  });

  it('refuses a second stream for one reservation, and an expired one', async () => {
    const clock = createFakeClock();
    await using server = await open({ clock });
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    await using second = await openStream(server, token);
    expect(await second.closed).toMatch(/^HTTP\/1\.1 409 [\s\S]*ALREADY_EXISTS/);
    expect(wire.socket.destroyed).toBe(false);
    const late = await reserve(server);
    clock.advance(reservationMs);
    await using third = await openStream(server, late);
    expect(await third.closed).toMatch(/^HTTP\/1\.1 404 /);
    expect(await run(server, token, 'a')).toMatchObject({ status: 202 });
  });

  it('is for its principal alone', async () => {
    await using server = await open();
    const anna = { authorization: 'Bearer anna' };
    const token = await reserve(server, anna);
    await using stolen = await openStream(server, token);
    expect(await stolen.closed).toMatch(/^HTTP\/1\.1 404 /);
    await using wire = await openStream(server, token, ['Authorization: Bearer anna']);
    expect(await run(server, token, 'a', { headers: { authorization: 'Bearer bob' } })).toMatchObject({
      status: 404,
    });
    expect((await stop(server, token, 'a')).status).toBe(404);
    expect(await run(server, token, 'a', { headers: anna })).toMatchObject({ status: 202 });
    expect(server.contexts[0]?.principal.subject).toBe('anna');
    expect(wire.socket.destroyed).toBe(false);
  });

  it('carries maxOperationsPerConnection operations, and refuses the next', async () => {
    await using server = await open({ settings: { maxOperationsPerConnection: 2 } });
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    expect(await run(server, token, 'a')).toMatchObject({ status: 202 });
    expect(await run(server, token, 'b')).toMatchObject({ status: 202 });
    expect(await run(server, token, 'c')).toMatchObject({ status: 429, codes: ['RATE_LIMITED'] });
    await stop(server, token, 'a');
    expect(await run(server, token, 'c')).toMatchObject({ status: 202 });
    expect(wire.socket.destroyed).toBe(false);
  });

  it.each([
    ['slow', /\n\nretry: \d+\n\n$/],
    ['drain', /\n\nretry: \d+\n\n$/],
  ] as const)('ends the stream, not complete, when an operation ends for "%s"', async (reason, last) => {
    await using server = await open();
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    await run(server, token, 'a');
    await run(server, token, 'b');
    await server.topic.untilRunning(2);
    server.topic.subscriptions[0]?.sink.end(reason);
    expect(await wire.closed).toMatch(last);
    expect(server.ends.map(({ reason: told }) => told)).toEqual([reason, reason]);
  });

  it('tells an operation of its fault, and goes on', async () => {
    await using server = await open();
    const token = await reserve(server);
    await using wire = await openStream(server, token);
    await run(server, token, 'a');
    await run(server, token, 'd', { query: 'subscription { denied }' });
    await wire.until(/"FORBIDDEN".*"id":"d"\}\n\nevent: complete\ndata: \{"id":"d"\}\n\n/);
    await server.topic.untilRunning(1);
    server.topic.subscriptions[0]?.sink.end('revoked');
    await wire.until(/"reason":"revoked".*"id":"a"\}\n\nevent: complete\ndata: \{"id":"a"\}\n\n/);
    expect(wire.socket.destroyed).toBe(false);
  });

  it('ends with an error for all it carries when its token is revoked, and cancels what runs', async () => {
    let isRevoked = false;
    let tell = () => {};
    const revocations = {
      refuses: ({ subject }: { readonly subject: string | null }) => isRevoked && subject === 'anna',
      onChange: (listener: () => void) => {
        tell = listener;
        return () => {};
      },
    };
    await using server = await openStreamServer({ identify: identifyNames, revocations });
    const streams = [];
    for (const name of ['anna', 'berta']) {
      const authorization = `Bearer ${name}`;
      const token = await reserve(server, { authorization });
      const wire = await openStream(server, token, [`Authorization: ${authorization}`]);
      await run(server, token, 'runs', { query: '{ slow }', headers: { authorization } });
      await run(server, token, 'subscribes', { headers: { authorization } });
      streams.push(wire);
    }
    const [anna, berta] = streams;
    await server.topic.untilRunning(2);
    isRevoked = true;
    tell();
    const body = (await anna?.closed) ?? '';
    for (const id of ['runs', 'subscribes'])
      expect(body).toMatch(
        new RegExp(
          `"code":"UNAUTHENTICATED","reason":"revoked".*"id":"${id}"\\}\\n\\nevent: complete\\ndata: \\{"id":"${id}"\\}\\n\\n`,
        ),
      );
    expect(body).not.toContain('retry:');
    expect(server.ends).toEqual([{ reason: 'revoked', transport: 'sse-single' }]);
    expect(server.contexts.map(({ signal }) => signal.aborted)).toEqual([
      true,
      expect.any(Boolean),
      false,
      false,
    ]);
    server.gate.open();
    await berta?.until(/"done".*"id":"runs"/);
    berta?.socket.destroy();
  });

  it('answers other methods, forms and answers with what fits', async () => {
    await using server = await open();
    const url = streamUrl(server);
    const patched = await fetch(url, { method: 'PATCH' });
    expect(patched.status).toBe(405);
    expect(patched.headers.get('allow')).toBe('PUT, GET, POST, DELETE');
    expect((await fetch(url, { headers: { accept: 'application/json' } })).status).toBe(406);
    expect((await fetch(url, { headers: { accept: 'text/event-stream' } })).status).toBe(404);
    expect((await fetch(url, { method: 'POST', body: 'text' })).status).toBe(415);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(400);
  });
});

describe('several instances without stickiness', () => {
  it('take operations wherever they arrive', async () => {
    const hub = createMemoryStreamHub();
    await using one = await open({ router: hub.join() });
    await using other = await open({ router: hub.join() });
    const token = await reserve(one);
    await using wire = await openStream(other, token);
    expect(await run(one, token, 'a')).toMatchObject({ status: 202 });
    expect(await run(one, token, 'a')).toMatchObject({ status: 409 });
    expect(await run(one, token, 'b', { query: '{' })).toMatchObject({
      status: 400,
      codes: ['GRAPHQL_PARSE_FAILED'],
    });
    await other.topic.untilRunning(1);
    expect(one.topic.subscriptions).toEqual([]);
    await using second = await openStream(one, token);
    expect(await second.closed).toMatch(/^HTTP\/1\.1 409 /);
    expect((await stop(one, token, 'a')).status).toBe(200);
    await other.topic.untilRunning(0);
    wire.socket.destroy();
    while (other.graph.openConnections() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await run(one, token, 'c')).toMatchObject({ status: 404 });
  });

  it('free the id of an operation that found no room', async () => {
    const hub = createMemoryStreamHub();
    await using one = await open({ router: hub.join() });
    await using other = await open({ router: hub.join(), settings: { maxOperationsPerConnection: 1 } });
    const token = await reserve(one);
    await using wire = await openStream(other, token);
    expect(await run(one, token, 'a')).toMatchObject({ status: 202 });
    expect(await run(one, token, 'b')).toMatchObject({ status: 429, codes: ['RATE_LIMITED'] });
    await stop(one, token, 'a');
    expect(await run(one, token, 'b')).toMatchObject({ status: 202 });
    expect(wire.socket.destroyed).toBe(false);
  });

  it('free the id of an operation whose begin nobody was told of', async () => {
    const broker = createMemoryBroker({ log: createCollectingLog() });
    const leases = createMemoryLeases();
    let isLost = true;
    // What the owner answers does not arrive.
    const deaf: Broker = {
      publish: async (topic, payload) => {
        const isAnswer = topic.key === 'weir.stream:one';
        return isAnswer && isLost ? { position: null, isDuplicate: false } : broker.publish(topic, payload);
      },
      subscribe: (...args) => broker.subscribe(...args),
      advance: (...args) => broker.advance(...args),
      head: (...args) => broker.head(...args),
      restart: (...args) => broker.restart(...args),
      close: async () => {},
    };
    const clock = {
      ...systemClock,
      after: (delayMs: number, callback: () => void) =>
        systemClock.after(delayMs === 2000 && isLost ? 50 : delayMs, callback),
    };
    const [router, ownerRouter] = ['one', 'other'].map((instanceId) =>
      createBrokerStreamRouter({ broker: deaf, leases, clock, instanceId }),
    ) as [ClosableStreamRouter, ClosableStreamRouter]; // as: of two names
    await using one = await open({ router });
    await using owner = await open({ router: ownerRouter });
    const token = await reserve(one);
    await using wire = await openStream(owner, token);
    expect(await run(one, token, 'a')).toMatchObject({ status: 503, codes: ['UPSTREAM_UNAVAILABLE'] });
    expect(owner.topic.subscriptions).toHaveLength(1);
    isLost = false;
    expect(await run(one, token, 'a')).toMatchObject({ status: 202 });
    expect(owner.topic.subscriptions.map(({ stopped }) => stopped)).toEqual(['client', undefined]);
    expect(wire.socket.destroyed).toBe(false);
    await Promise.all([router.close(), ownerRouter.close()]);
    await broker.close();
  });

  it('leave nothing counted when a stream cannot be claimed', async () => {
    const router: StreamRouter = {
      ...createMemoryStreamHub().join(),
      claim: () => Promise.reject(new Error('The store is away.')),
    };
    await using server = await open({ router, settings: { maxConnectionsPerPrincipal: 1 } });
    const token = await reserve(server);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await using wire = await openStream(server, token);
      expect(await wire.closed).toMatch(/^HTTP\/1\.1 500 /);
    }
  });

  it('serve the unmodified graphql-sse client, each request at another instance', async () => {
    const hub = createMemoryStreamHub();
    await using one = await open({ router: hub.join() });
    await using other = await open({ router: hub.join() });
    let turn = 0;
    const fetchFn: typeof fetch = (input, init) => {
      turn += 1;
      const { url } = turn % 2 === 0 ? one : other;
      return fetch(String(input).replace(/^.*\/graphql/, url), init);
    };
    const client = createClient({ url: streamUrl(one), singleConnection: true, fetchFn, retryAttempts: 0 });
    const results = client.iterate({ query: event });
    const first = results.next();
    await Promise.race([one.topic.untilRunning(1), other.topic.untilRunning(1)]);
    one.topic.publish({ n: 1 });
    other.topic.publish({ n: 1 });
    expect((await first).value).toEqual({ data: { n: 1 } });
    for await (const result of client.iterate({ query: '{ hello }' }))
      expect(result).toEqual({ data: { hello: 'world' } });
    await results.return?.();
    await Promise.all([one.topic.untilRunning(0), other.topic.untilRunning(0)]);
    client.dispose();
  });
});
