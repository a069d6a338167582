import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Http2Client, openHttp2 } from '../kit/http2-client.ts';
import { openStreamServer } from '../kit/stream-server.ts';
import { openTinyGateway, post } from '../kit/tiny-gateway.ts';
import { openWire, type Wire } from './wire.ts';

/** Tests come from 127.0.0.1 unless they say otherwise. */
const here = { trustedProxies: ['127.0.0.1'] };
const elsewhere = { trustedProxies: ['127.0.0.2', '10.0.0.0/8'] };
const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** An empty SETTINGS frame (RFC 9113 section 6.5), as both sides begin with one. */
const settingsFrame = '\0\0\0\x04\0\0\0\0\0';
const body = JSON.stringify({ query: '{ fast }' });
const head = [
  'POST /graphql HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  `Content-Length: ${body.length}`,
];

function sendBytes({ socket }: Wire, text: string): void {
  socket.write(text, 'latin1');
}

async function sendEachByte({ socket }: Wire, text: string): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of text) {
    await new Promise((resolve) => socket.write(byte, 'latin1', resolve));
    await new Promise(setImmediate);
  }
}

describe('createPlainListener()', () => {
  it('speaks HTTP/2 to a declared proxy, on the port of HTTP/1.1', async () => {
    await using tiny = await openTinyGateway({ server: here });
    await using client = await openHttp2(tiny.url);
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.query('{ fast }')));
    for (const { status, text } of answers) expect([status, text]).toEqual([200, '{"data":{"fast":"fast"}}']);
    expect((await post(tiny.url, { query: '{ fast }' })).text).toBe(answers[0]?.text);
  });

  it('answers the preface as a bad request of HTTP/1.1 to anybody else', async () => {
    await using tiny = await openTinyGateway({ server: elsewhere });
    await using wire = await openWire(tiny.url);
    sendBytes(wire, preface + settingsFrame);
    expect(await wire.closed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    await using undeclared = await openTinyGateway();
    await using other = await openWire(undeclared.url);
    sendBytes(other, preface + settingsFrame);
    expect(await other.closed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
  });

  it('tells proxies from others by the address of the connection, whatever its headers say', async () => {
    await using tiny = await openTinyGateway({ server: elsewhere });
    const options = { localAddress: '127.0.0.2' };
    await using proxy = await openHttp2(tiny.url, options);
    expect((await proxy.query('{ fast }', { 'x-forwarded-for': '203.0.113.9' })).status).toBe(200);
    await using stranger = await openWire(tiny.url);
    stranger.send(preface + head.join('\r\n'), 'X-Forwarded-For: 127.0.0.2', '', body);
    expect(await stranger.closed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(tiny.log.operations).toHaveLength(1);
  });

  it('believes what a proxy forwards, as over HTTP/1.1', async () => {
    const servers = { ...here, allowedHosts: ['www.example.com'] };
    await using tiny = await openTinyGateway({ server: servers });
    await using client = await openHttp2(tiny.url);
    expect((await client.query('{ fast }', { 'x-forwarded-host': 'www.example.com' })).status).toBe(200);
    expect((await client.query('{ fast }')).status).toBe(400);
  });

  it('takes a preface that comes byte by byte', async () => {
    await using tiny = await openTinyGateway({ server: here });
    await using wire = await openWire(tiny.url);
    await sendEachByte(wire, preface + settingsFrame);
    const answered = await wire.until(/^.{9}/s);
    expect(answered.charCodeAt(3)).toBe(settingsFrame.charCodeAt(3));
  });

  it.each([
    ['at once', (wire: Wire, text: string) => sendBytes(wire, text)],
    ['byte by byte', sendEachByte],
  ] as const)('takes requests of HTTP/1.1 that come %s, and keeps the connection', async (_how, write) => {
    await using tiny = await openTinyGateway({ server: here });
    await using wire = await openWire(tiny.url);
    const request = [...head, '', body].join('\r\n');
    await write(wire, request);
    await wire.until(/{"data":{"fast":"fast"}}$/);
    await write(wire, request + request); // pipelined
    await wire.until(/(?:{"data":{"fast":"fast"}}.*){3}$/s);
  });

  it.each(['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'PROPFIND\r\n\r\n'])(
    'leaves what only begins like a preface to HTTP/1.1: %j',
    async (text) => {
      await using tiny = await openTinyGateway({ server: here });
      await using wire = await openWire(tiny.url);
      sendBytes(wire, text);
      expect(await wire.closed).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    },
  );

  it.each([0, 1, 23])('ends a connection that says %d bytes of it and no more', async (count) => {
    await using tiny = await openTinyGateway({ server: { ...here, headersTimeoutMs: 100 } });
    await using wire = await openWire(tiny.url);
    sendBytes(wire, preface.slice(0, count));
    expect(await wire.closed).toBe('');
    expect((await post(tiny.url, { query: '{ fast }' })).status).toBe(200);
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'survives a client that leaves before it can be told: %s',
    async (how) => {
      await using tiny = await openTinyGateway({ server: here });
      await using wire = await openWire(tiny.url);
      sendBytes(wire, preface.slice(0, 10));
      wire.socket[how]();
      await wire.closed;
      expect((await post(tiny.url, { query: '{ fast }' })).status).toBe(200);
    },
  );

  it('lets no silent connection hold up a gateway that closes', async () => {
    await using tiny = await openTinyGateway({
      server: { ...here, headersTimeoutMs: 10_000 },
      limits: { closeTimeoutMs: 60_000 },
    });
    await using silent = await openWire(tiny.url);
    sendBytes(silent, preface.slice(0, 5));
    await using idle = await openHttp2(tiny.url);
    expect((await idle.query('{ fast }')).status).toBe(200); // both are there
    await tiny.gateway.close();
    expect(await silent.closed).toBe('');
  });

  it('counts its connections of both kinds', async () => {
    await using tiny = await openTinyGateway({ server: { ...here, maxConnections: 2 } });
    await using client = await openHttp2(tiny.url);
    await using silent = await openWire(tiny.url);
    await using third = await openWire(tiny.url);
    expect(await third.closed).toBe('');
    silent.send(...head, '', body);
    await silent.until(/{"data":{"fast":"fast"}}$/);
    expect((await client.query('{ fast }')).status).toBe(200);
  });

  it('opens WebSockets over HTTP/1.1', async () => {
    await using server = await openStreamServer({ edge: here });
    const socket = new WebSocket(server.wsUrl, ['graphql-transport-ws']);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'connection_init' }));
    const [message] = await once(socket, 'message');
    expect(JSON.parse(String(message))).toMatchObject({ type: 'connection_ack' });
    socket.terminate();
  });

  it('streams events over HTTP/2, and tells the service of a client that has gone', async () => {
    await using server = await openStreamServer({ edge: here });
    await using client = await openHttp2(server.url);
    const stream = subscribe(client);
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    stream.setEncoding('utf8');
    let text = '';
    for await (const chunk of stream) {
      text += chunk;
      if (text.includes('"n":1')) break; // destroys it
    }
    await server.topic.untilRunning(0);
  });
});

describe('an offer of HTTP/2 by Upgrade', () => {
  it.each([
    ['a declared proxy', here],
    ['anybody', {}],
  ])('by %s is not taken, and the request is answered', async (_who, server) => {
    await using tiny = await openTinyGateway({ server });
    const client = httpRequest(tiny.url, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAAQCAAAAAAIAAAAA',
      },
    });
    client.end(body);
    const [response] = await once(client, 'response');
    expect(response.statusCode).toBe(200);
    let text = '';
    for await (const chunk of response) text += chunk;
    expect(text).toBe('{"data":{"fast":"fast"}}');
  });
});

function subscribe({ session }: Http2Client) {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/graphql',
    'content-type': 'application/json',
    accept: 'text/event-stream',
  });
  stream.on('error', () => {});
  stream.end(JSON.stringify({ query: 'subscription { event }' }));
  return stream;
}
