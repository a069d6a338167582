import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, it } from 'vitest';
import { writeCertificate } from '../kit/certificate-files.ts';
import { type Http2Client, openHttp2 } from '../kit/http2-client.ts';
import { mergedParts, partsAccepts, partsFrom } from '../kit/parts.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { openTinyGateway } from '../kit/tiny-gateway.ts';

const proxied = { trustedProxies: ['127.0.0.1'] };
const tokenHeader = 'x-graphql-event-stream-token';
const event = 'subscription { event }';

/** What comes over one stream, as it comes. */
function reading(stream: ClientHttp2Stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  stream.on('error', () => {});
  return {
    text: () => text,
    until: async (pattern: RegExp) => {
      while (!pattern.test(text)) await new Promise(setImmediate);
    },
  };
}

/** In single connection mode: an event stream, and requests beside it on the same connection. */
async function openSingle({ session, ask }: Http2Client) {
  const path = '/graphql/stream';
  const reserved = await ask({ ':method': 'PUT', ':path': path });
  expect(reserved.status).toBe(201);
  const own = { ':path': path, [tokenHeader]: reserved.text };
  const stream = session.request({ ...own, ':method': 'GET', accept: 'text/event-stream' });
  const events = reading(stream);
  const [headers] = await once(stream, 'response');
  expect(headers[':status']).toBe(200);
  return {
    stream,
    events,
    run: (operationId: string, query: string) =>
      ask(
        { ...own, ':method': 'POST', 'content-type': 'application/json' },
        JSON.stringify({ query, extensions: { operationId } }),
      ),
    stop: (operationId: string) =>
      ask({ ...own, ':path': `${path}?operationId=${operationId}`, ':method': 'DELETE' }),
  };
}

async function withStreams(isSecure: boolean, work: (server: StreamServer) => Promise<void>): Promise<void> {
  await using files = await writeCertificate();
  const { certFile, keyFile } = files;
  await using server = await openStreamServer(isSecure ? { tls: { certFile, keyFile } } : { edge: proxied });
  await work(server);
}

const kinds = [
  ['over TLS', true],
  ['in plain text', false],
] as const;

describe.each(kinds)('single connection mode over HTTP/2 %s', (_where, isSecure) => {
  it('carries operations on one stream, and their requests on the same connection', () =>
    withStreams(isSecure, async (server) => {
      await using client = await openHttp2(server.url);
      const single = await openSingle(client);
      expect((await single.run('query', '{ hello }')).status).toBe(202);
      await single.events.until(/event: next\ndata: {"payload":{"data":{"hello":"world"}},"id":"query"}\n\n/);
      for (const id of ['one', 'two']) expect((await single.run(id, event)).status).toBe(202);
      await server.topic.untilRunning(2);
      server.topic.publish({ n: 1 }, { cursor: 'c1' });
      await single.events.until(/"n":1.*"id":"one".*"n":1.*"id":"two"/s);
      expect((await single.stop('one')).status).toBe(200);
      await server.topic.untilRunning(1);
      server.topic.publish({ n: 2 }, { cursor: 'c2' });
      await single.events.until(/"n":2.*"id":"two"/);
      expect(single.events.text()).not.toMatch(/"n":2.*"id":"one"/);
      single.stream.close();
    }));

  it('ends all its operations when the client resets the stream, and no other request', () =>
    withStreams(isSecure, async (server) => {
      await using client = await openHttp2(server.url);
      const single = await openSingle(client);
      for (const id of ['one', 'two']) await single.run(id, event);
      await server.topic.untilRunning(2);
      const slow = client.query('{ slow }');
      single.stream.close(8);
      await server.topic.untilRunning(0);
      expect(server.graph.openConnections()).toBe(0);
      server.gate.open();
      expect(JSON.parse((await slow).text)).toEqual({ data: { slow: 'done' } });
    }));

  it('gives a reader with a small window every event', () =>
    withStreams(isSecure, async (server) => {
      await using client = await openHttp2(server.url, { settings: { initialWindowSize: 100 } });
      const single = await openSingle(client);
      await single.run('one', event);
      await server.topic.untilRunning(1);
      const count = 50;
      for (let n = 1; n <= count; n += 1) server.topic.publish({ n, text: 'x'.repeat(5000) });
      await single.events.until(new RegExp(`"n":${count},"text":"x{5000}"`));
      const numbers = Array.from(single.events.text().matchAll(/"n":(\d+),"text":"x{5000}"/g), ([, n]) => n);
      expect(numbers).toEqual(Array.from({ length: count }, (_, index) => String(index + 1)));
      single.stream.close();
    }));
});

const rows = 200;
const rowText = 'é'.repeat(5000);

/** A list whose items come one by one: 2 MB in all. */
function rowsSchema(): GraphQLSchema {
  async function* resolve() {
    for (let number = 1; number <= rows; number += 1) yield { number, text: rowText };
  }
  const fields = { number: { type: GraphQLInt }, text: { type: GraphQLString } };
  const Row = new GraphQLObjectType({ name: 'Row', fields });
  const list = { rows: { type: new GraphQLList(Row), resolve } };
  return new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: list }) });
}

const expectedRows = Array.from({ length: rows }, (_, index) => ({ number: index + 1, text: rowText }));

describe('a large answer over HTTP/2', () => {
  // Bytes: of one stream, and of RFC 9113 by default.
  it.each([1000, 65_535])('comes whole in parts through a window of %d bytes', async (initialWindowSize) => {
    await using tiny = await openTinyGateway({
      schema: rowsSchema(),
      limits: { maxDeferredParts: 1, operationTimeoutMs: 60_000 },
      server: proxied,
    });
    await using client = await openHttp2(tiny.url, { settings: { initialWindowSize } });
    const answer = await client.query('{ rows @stream(initialCount: 1) { number text } }', {
      accept: partsAccepts['v0.2'],
    });
    const { parts, isComplete } = partsFrom(answer.text);
    expect([answer.status, isComplete]).toEqual([200, true]);
    expect(mergedParts(parts)).toMatchObject({ data: { rows: expectedRows }, errors: [] });
  });

  it('comes whole at once through a window of 1000 bytes, while others on its connection are answered', async () => {
    await using tiny = await openTinyGateway({ schema: rowsSchema(), server: proxied });
    await using client = await openHttp2(tiny.url, { settings: { initialWindowSize: 1000 } });
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.end(JSON.stringify({ query: '{ rows { number text } }' }));
    await once(stream, 'response'); // and not read yet
    for (let round = 0; round < 3; round += 1)
      expect((await client.query('{ __typename }')).text).toBe('{"data":{"__typename":"Query"}}');
    stream.setEncoding('utf8');
    let text = '';
    for await (const chunk of stream) text += chunk;
    expect(JSON.parse(text)).toEqual({ data: { rows: expectedRows } });
  });
});
