import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createIdentify } from '../../src/identity/identify.ts';
import { createHttpServer } from '../../src/transport/http.ts';
import { busyMs } from '../kit/busy.ts';
import { plainText, testEdgeSettings } from '../kit/edge-settings.ts';
import { testStreamSettings } from '../kit/stream-settings.ts';
import {
  codesOf,
  createCollectingLog,
  openTinyGateway,
  post,
  preflighted,
  send,
} from '../kit/tiny-gateway.ts';
import { buildTinySchema, createProbe } from '../kit/tiny-schema.ts';
import { openWire } from './wire.ts';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7
const secret = 'a-secret-of-our-own-that-is-long-enough';
const production = { environment: { NODE_ENV: 'production', WEIR_CURSOR_SECRETS: secret } };

describe('createHttpServer()', () => {
  it.each([
    '/',
    '/graphq',
    '/graphql/',
    '/graphqlx',
    '/Graphql',
    '//graphql',
    '/graphql%20',
    '/health',
    '/graphql/streams',
  ])('answers 404 at %s', async (path) => {
    await using tiny = await openTinyGateway();
    const answer = await post(new URL(tiny.url).origin + path, { query: '{ fast }' });
    expect(answer.status).toBe(404);
    expect(codesOf(answer)).toEqual(['NOT_FOUND']);
  });

  it('quotes no more than a little of a path that it does not serve', async () => {
    await using tiny = await openTinyGateway();
    const answer = await send(`${new URL(tiny.url).origin}/${'x'.repeat(5000)}`);
    expect(answer.status).toBe(404);
    expect(answer.text.length).toBeLessThan(300);
  });

  it('answers a query by GET', async () => {
    await using tiny = await openTinyGateway();
    expect(await send(`${tiny.url}?query={fast}`, { headers: preflighted })).toMatchObject({
      status: 200,
      json: { data: { fast: 'fast' } },
    });
  });

  it('refuses a subscription, which one answer cannot carry, and starts no events', async () => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('subscription { ticks }');
    expect(answer.status).toBe(406);
    expect(codesOf(answer)).toEqual(['NOT_ACCEPTABLE']);
    expect(tiny.probe.contexts).toEqual([]);
  });

  it('does not answer other origins', async () => {
    await using tiny = await openTinyGateway();
    const answer = await post(tiny.url, { query: '{ fast }' }, { origin: 'https://evil.example' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('58, 59: closes a head and a body that come too slowly', async () => {
    const pipeline = {};
    const schema = buildTinySchema(createProbe());
    const variant = {
      name: 'web',
      paths: ['/graphql'],
      hosts: [],
      header: undefined,
      schema,
      pipeline,
      cachePolicyOf: () => undefined,
      bodyMaxBytes: 1024,
      json: { jsonMaxDepth: 32, jsonMaxMembers: 100 },
      timeoutMs: 5000,
    };
    const { server } = createHttpServer({
      variants: [variant],
      log: createCollectingLog(),
      identify: createIdentify(undefined),
      record: () => {},
      clock: systemClock,
      explorer: false,
      edge: { ...testEdgeSettings, requestTimeoutMs: 300, headersTimeoutMs: 200 },
      tls: plainText,
      realtime: testStreamSettings,
      streamSecrets: ['a secret of the test, 32 bytes long'],
      onSubscriptionEnd: () => {},
      onConnectRefused: () => {},
      production: false,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      for (const start of [
        [
          'POST /graphql HTTP/1.1',
          'Host: a',
          'Content-Length: 99',
          'Content-Type: application/json',
          '',
          '{',
        ],
        ['POST /graphql HTTP/1.1', 'Ho'],
      ]) {
        await using wire = await openWire(`http://127.0.0.1:${port}`);
        const startedMs = systemClock.nowMs();
        wire.send(...start);
        expect(await wire.closed).toMatch(/^HTTP\/1\.1 408 /);
        expect(systemClock.nowMs() - startedMs).toBeLessThan(2500);
      }
    } finally {
      server.close();
    }
  });
});

describe('x-request-id', () => {
  it.each(['abc-123', 'A.b_c:d', 'x', 'x'.repeat(128)])('is kept when it is %s', async (id) => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask(oneBook, {}, { 'x-request-id': id });
    expect(answer.headers.get('x-request-id')).toBe(id);
    expect(tiny.service.calls[0]?.metadata['x-request-id']).toBe(id);
  });

  it.each(['', 'x'.repeat(129), 'a b', 'a,b', 'a<b', 'ä'])('is replaced when it is "%s"', async (id) => {
    await using tiny = await openTinyGateway();
    const answer = await tiny.ask('{ fast }', {}, { 'x-request-id': id });
    expect(answer.headers.get('x-request-id')).toMatch(uuidPattern);
  });

  it('is made anew for each request that has none, refused ones too', async () => {
    await using tiny = await openTinyGateway();
    const answers = await Promise.all([
      tiny.ask('{ fast }'),
      tiny.ask('{ fast }'),
      tiny.ask('{'),
      send(`${tiny.url}x`),
    ]);
    const ids = answers.map(({ headers }) => headers.get('x-request-id'));
    for (const id of ids) expect(id).toMatch(uuidPattern);
    expect(new Set(ids).size).toBe(4);
  });
});

describe('Weir-Timeout-Ms', () => {
  it.each([
    ['1', 1],
    ['150', 150],
    ['007', 7],
    ['4999', 4999],
    ['5000', 5000],
    ['5001', 5000],
    ['999999999999999', 5000],
  ])('of %s gives the operation %i ms when the limit is 5000', async (header, timeoutMs) => {
    await using tiny = await openTinyGateway();
    const before = systemClock.nowMs();
    await tiny.ask('{ fast }', {}, { 'weir-timeout-ms': header });
    const [context] = tiny.probe.contexts;
    expect(context?.deadline.atMs).toBeGreaterThanOrEqual(before + timeoutMs);
    expect(context?.deadline.atMs).toBeLessThanOrEqual(systemClock.nowMs() + timeoutMs);
  });

  it.each([
    '0',
    '000',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '+5',
    'soon',
    '100ms',
    '',
    '100, 200',
    'Infinity',
    '9'.repeat(16),
  ])('of "%s" is refused, whatever the client accepts', async (header) => {
    await using tiny = await openTinyGateway();
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const answer = await tiny.ask('{ fast }', {}, { 'weir-timeout-ms': header, accept });
      expect(answer.status).toBe(400);
      expect(answer.json.errors).toEqual([
        {
          message: `Header "Weir-Timeout-Ms": expected a whole number of milliseconds from 1, got "${header}".`,
          extensions: { code: 'BAD_REQUEST' },
        },
      ]);
    }
    expect(tiny.probe.contexts).toEqual([]);
  });
});

describe('traceparent', () => {
  it('is continued upstream, with a span of our own, when it is valid', async () => {
    await using tiny = await openTinyGateway();
    await tiny.ask(oneBook, {}, { traceparent });
    const [version, traceId, parentId, flags] = traceparent.split('-');
    const sent = String(tiny.service.calls[0]?.metadata['traceparent']);
    expect(sent).toMatch(new RegExp(`^${version}-${traceId}-[0-9a-f]{16}-${flags}$`));
    expect(sent).not.toContain(parentId);
    expect(tiny.log.operations).toEqual([expect.objectContaining({ traceId })]);
  });

  it.each([
    'garbage',
    traceparent.toUpperCase(),
    `ff${traceparent.slice(2)}`,
    `${traceparent}-more`,
    traceparent.slice(0, -1),
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
  ])('stays here when it is %s, and a new trace begins', async (header) => {
    await using tiny = await openTinyGateway();
    expect((await tiny.ask(oneBook, {}, { traceparent: header })).status).toBe(200);
    const sent = String(tiny.service.calls[0]?.metadata['traceparent']);
    expect(sent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(sent.toLowerCase()).not.toContain('0af7651916cd43dd8448eb211c80319c');
  });
});

describe('a client that goes', () => {
  it('cancels its calls at the service at once', async () => {
    await using tiny = await openTinyGateway();
    tiny.service.behave('getBooks', () => {});
    const arrived = tiny.service.nextCall('getBooks');
    const client = httpRequest(tiny.url, { method: 'POST', headers: { 'content-type': 'application/json' } });
    client.on('error', () => {});
    client.end(JSON.stringify({ query: oneBook }));
    const { cancelled } = await arrived;
    const goneMs = systemClock.nowMs();
    client.destroy();
    await cancelled;
    expect(systemClock.nowMs() - goneMs).toBeLessThan(busyMs);
  });

  it('cancels nothing when its answer came before it went', async () => {
    await using tiny = await openTinyGateway();
    await using wire = await openWire(tiny.url);
    wire.send('GET /graphql?query={fast} HTTP/1.1', 'Host: a', 'GraphQL-Require-Preflight: 1', '', '');
    await wire.until(/{"data":{"fast":"fast"}}/);
    wire.socket.destroy();
    await wire.closed;
    expect(tiny.probe.contexts[0]?.signal.aborted).toBe(false);
  });
});

describe('production', () => {
  it('52: answers operations and gives browsers no page', async () => {
    await using tiny = await openTinyGateway({ documents: { allow: 'any' } }, production);
    expect((await tiny.ask('{ fast }')).json).toEqual({ data: { fast: 'fast' } });
    const page = await send(tiny.url, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(404);
    expect(page.text).not.toContain('<');
    const browser = await send(tiny.url, {
      headers: { accept: 'text/html,application/xml;q=0.9,*/*;q=0.8' },
    });
    expect(browser.status).toBe(404);
    expect(browser.text).not.toContain('<');
  });
});
