import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { writeCertificate } from '../kit/certificate-files.ts';
import { openHttp2, trust } from '../kit/http2-client.ts';
import { mergedParts, partsAccepts, partsFrom } from '../kit/parts.ts';
import { openSecured } from '../kit/secured-gateway.ts';
import { openStreamServer, type StreamServerOptions } from '../kit/stream-server.ts';

const oneBook = '{ book(id: "Qm9vazo3") { title } }'; // Book:7
const event = 'subscription { event }';

async function openSecureStreams(options: StreamServerOptions = {}) {
  const files = await writeCertificate();
  const { certFile, keyFile } = files;
  const server = await openStreamServer({ ...options, tls: { certFile, keyFile } });
  return {
    server,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

describe('ALPN', () => {
  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['h2'], 'h2'],
  ])('of %j chooses %s', async (ALPNProtocols, chosen) => {
    await using opened = await openSecured();
    const { hostname: host, port } = new URL(opened.tiny.url);
    const socket = connectTls({ host, port: Number(port), ca: trust, ALPNProtocols });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe(chosen);
    socket.destroy();
  });

  it.each([
    ['TLSv1.3', 'TLSv1.3', true],
    ['TLSv1.2', 'TLSv1.2', true],
    ['TLSv1.1', 'TLSv1.1', false],
  ] as const)('comes after a version that is spoken: %s', async (minVersion, maxVersion, isSpoken) => {
    await using opened = await openSecured();
    const { hostname: host, port } = new URL(opened.tiny.url);
    const options = {
      host,
      port: Number(port),
      ca: trust,
      minVersion,
      maxVersion,
      ciphers: 'DEFAULT@SECLEVEL=0',
    };
    const socket = connectTls(options);
    const outcome = await Promise.race([
      once(socket, 'secureConnect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    expect(outcome).toBe(isSpoken);
    socket.destroy();
  });
});

describe('over HTTP/2', () => {
  it('an operation is answered as over HTTP/1.1, with the same headers', async () => {
    await using opened = await openSecured({ server: { allowedOrigins: ['https://good.example'] } });
    await using client = await openHttp2(opened.tiny.url);
    const answer = await client.query(oneBook, { 'x-request-id': 'abc', origin: 'https://good.example' });
    expect(JSON.parse(answer.text)).toEqual({ data: { book: { title: 'Book 7' } } });
    const { headers } = await secureAnswer(opened.tiny.url, oneBook, { origin: 'https://good.example' });
    expect(answer.headers['x-request-id']).toBe('abc');
    const namesOf = (all: object) =>
      Object.keys(all)
        .filter((name) => !/^(:status|connection|keep-alive|date)$/.test(name))
        .sort();
    expect(namesOf(answer.headers)).toEqual(namesOf(headers));
    expect(answer.headers['access-control-allow-origin']).toBe('https://good.example');
  });

  it.each([
    ['a wrong type', { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['two types', { 'content-type': ['application/json', 'text/plain'] }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a wrong token', { authorization: 'Bearer x' }, 401, 'UNAUTHENTICATED'],
    ['two tokens', { authorization: ['Bearer a', 'Bearer b'] }, 401, 'UNAUTHENTICATED'],
    ['a wrong method', { ':method': 'PUT' }, 405, 'METHOD_NOT_ALLOWED'],
    ['a wrong path', { ':path': '/nothing' }, 404, 'NOT_FOUND'],
  ])('%s is refused with its code', async (_what, headers, status, code) => {
    await using opened = await openSecured();
    await using client = await openHttp2(opened.tiny.url);
    const own = { ':method': 'POST', 'content-type': 'application/json' };
    const answer = await client.ask({ ...own, ...headers }, JSON.stringify({ query: '{ fast }' }));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).errors[0].extensions.code).toBe(code);
    expect((await client.query('{ fast }')).status).toBe(200); // on the same connection
  });

  it('57: a body above the limit is refused before it is there, and its stream is let go', async () => {
    await using opened = await openSecured({ limits: { bodyMaxBytes: 1024 } });
    await using client = await openHttp2(opened.tiny.url);
    for (let round = 0; round < 120; round += 1) {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': '/graphql',
        'content-type': 'application/json',
      });
      stream.on('error', () => {});
      stream.write(Buffer.alloc(2000, ' '));
      const [headers] = await once(stream, 'response');
      expect(headers[':status']).toBe(413);
      stream.resume();
      if (!stream.closed) await once(stream, 'close'); // though its body goes on
    }
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('58: a body that does not come is 408, and others are answered meanwhile', async () => {
    await using opened = await openSecured({ server: { headersTimeoutMs: 300, requestTimeoutMs: 300 } });
    await using client = await openHttp2(opened.tiny.url);
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.write('{');
    const answered = once(stream, 'response');
    expect((await client.query('{ fast }')).status).toBe(200);
    const [headers] = await answered;
    expect(headers[':status']).toBe(408);
    stream.resume();
    if (!stream.closed) await once(stream, 'close');
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('a client that resets its stream cancels its calls, and those of no other', async () => {
    await using opened = await openSecured();
    await using client = await openHttp2(opened.tiny.url);
    opened.tiny.service.behave('getBooks', () => {});
    const arrived = opened.tiny.service.nextCall('getBooks');
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
    });
    stream.on('error', () => {});
    stream.end(JSON.stringify({ query: oneBook }));
    const { cancelled } = await arrived;
    stream.close(8);
    await cancelled;
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('a deadline holds', async () => {
    await using opened = await openSecured();
    await using client = await openHttp2(opened.tiny.url);
    const answer = await client.query('{ stuck }', { 'weir-timeout-ms': '100' });
    expect(JSON.parse(answer.text).errors[0].extensions.code).toBe('UPSTREAM_TIMEOUT');
  });

  it.each([
    ['text/event-stream', /event: next\n(?:id: .*\n)?data: {"data":{"n":1}}\n\n/, /event: complete/],
    ['multipart/mixed;subscriptionSpec=1.0', /{"payload":{"data":{"n":1}.*\r\n--graphql/, /--graphql--\r\n$/],
  ])('events come as %s, each as soon as it is there, and end', async (accept, first, last) => {
    await using opened = await openSecureStreams();
    await using client = await openHttp2(opened.server.url);
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
      accept,
    });
    stream.end(JSON.stringify({ query: event }));
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    expect(headers['cache-control']).toBe('no-store, no-transform');
    stream.setEncoding('utf8');
    let text = '';
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    const seen = async (pattern: RegExp) => {
      while (!pattern.test(text)) await new Promise(setImmediate);
    };
    await opened.server.topic.untilRunning(1);
    opened.server.topic.publish({ n: 1 }, { cursor: 'c1' });
    await seen(first);
    opened.server.topic.running()[0]?.sink.end('completed');
    await seen(last);
  });

  it.each(['v0.2', '20220824'] as const)(
    'an answer in parts is whole, in the format %s, through a window of a few bytes',
    async (format) => {
      await using opened = await openSecured({ limits: { maxDeferredParts: 10 } });
      await using client = await openHttp2(opened.tiny.url, { settings: { initialWindowSize: 16 } });
      const query = '{ fast ... @defer { books(first: 2) { edges { node { title } } } } }';
      const answer = await client.query(query, { accept: partsAccepts[format] });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toMatch(/^multipart\/mixed/);
      const { parts, isComplete } = partsFrom(answer.text);
      expect(isComplete).toBe(true);
      expect(parts.length).toBeGreaterThan(1);
      const edges = [1, 2].map((n) => ({ node: { title: `Book ${n}` } }));
      expect(mergedParts(parts)).toMatchObject({ data: { fast: 'fast', books: { edges } }, errors: [] });
    },
  );

  it('a client that leaves an answer in parts cancels what it waits for', async () => {
    await using opened = await openSecured({ limits: { maxDeferredParts: 10 } });
    await using client = await openHttp2(opened.tiny.url);
    opened.tiny.service.behave('getBooks', () => {});
    const arrived = opened.tiny.service.nextCall('getBooks');
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
      accept: partsAccepts['v0.2'],
    });
    stream.on('error', () => {});
    stream.end(JSON.stringify({ query: `{ fast ... @defer { book(id: "Qm9vazo3") { title } } }` }));
    const [[headers], { cancelled }] = await Promise.all([once(stream, 'response'), arrived]);
    expect(headers[':status']).toBe(200);
    stream.close(8);
    await cancelled;
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('a reader that takes nothing is sent away, and others on its connection go on', async () => {
    await using opened = await openSecureStreams({ settings: { bufferMaxBytes: 65_536 } });
    await using client = await openHttp2(opened.server.url);
    const open = () => {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': '/graphql',
        'content-type': 'application/json',
        accept: 'text/event-stream',
      });
      stream.end(JSON.stringify({ query: event }));
      stream.on('error', () => {});
      return stream;
    };
    const stalled = open(); // never read, so its window closes
    const reader = open();
    let bytes = 0;
    reader.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await opened.server.topic.untilRunning(2);
    for (let round = 1; round <= 40; round += 1) {
      for (let n = 0; n < 10; n += 1) opened.server.topic.publish('x'.repeat(1000));
      while (bytes < round * 10_000) await new Promise(setImmediate);
    }
    await opened.server.topic.untilRunning(1);
    expect(opened.server.ends.map(({ reason }) => reason)).toEqual(['slow']);
    stalled.close();
    reader.close();
  });

  it('an event stream that its client leaves is over', async () => {
    await using opened = await openSecureStreams();
    await using client = await openHttp2(opened.server.url);
    const stream = client.session.request({
      ':method': 'POST',
      ':path': '/graphql',
      'content-type': 'application/json',
      accept: 'text/event-stream',
    });
    stream.on('error', () => {});
    stream.end(JSON.stringify({ query: event }));
    await opened.server.topic.untilRunning(1);
    stream.close(8);
    await opened.server.topic.untilRunning(0);
    expect(opened.server.graph.openConnections()).toBe(0);
  });
});

describe('over HTTP/1.1 with TLS', () => {
  it('operations are answered, and connections kept', async () => {
    await using opened = await openSecured();
    const { body, headers } = await secureAnswer(opened.tiny.url, '{ fast }');
    expect(JSON.parse(body)).toEqual({ data: { fast: 'fast' } });
    expect(headers['keep-alive']).toBe('timeout=65, max=10000');
  });

  it('WebSockets are opened', async () => {
    await using opened = await openSecureStreams();
    const socket = new WebSocket(opened.server.wsUrl, ['graphql-transport-ws'], { ca: trust });
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    const [message] = await once(socket, 'message');
    expect(JSON.parse(String(message))).toMatchObject({ type: 'connection_ack' });
    socket.terminate();
  });
});

async function secureAnswer(url: string, query: string, headers: Record<string, string> = {}) {
  const client = httpsRequest(url, {
    method: 'POST',
    ca: trust,
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      connection: 'keep-alive',
      ...headers,
    },
  });
  client.end(JSON.stringify({ query }));
  const [response] = await once(client, 'response');
  let body = '';
  response.setEncoding('utf8');
  for await (const chunk of response) body += chunk;
  return { body, headers: response.headers };
}
