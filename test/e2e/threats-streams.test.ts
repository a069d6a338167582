import { once } from 'node:events';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { heldBytes } from '../kit/memory.ts';
import { frameOf, headOf, openRawWs } from '../kit/raw-ws.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';
import { openWs } from '../kit/ws-wire.ts';
import { openWire } from '../transport/wire.ts';

const MiB = 1_048_576;
const init = frameOf('{"type":"connection_init"}');
const subscribe = (id: number | string, query = 'subscription { event }') =>
  JSON.stringify({ id: String(id), type: 'subscribe', payload: { query } });

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Matches what holds a text ten times. */
const tenTimes = (text: string) => new RegExp(`(?:${text.replaceAll(/[{}]/g, '\\$&')}[\\s\\S]*){10}`);

/** Whoever attacked, a good client is served. */
async function expectServed(server: StreamServer): Promise<void> {
  const client = createClient({ url: server.wsUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
  expect((await client.iterate({ query: '{ hello }' }).next()).value).toEqual({ data: { hello: 'world' } });
  await client.dispose();
}

describe('WebSocket', () => {
  it('72: of 20,000 subscribes on one socket 50 run, and the next closes it', async () => {
    await using server = await openStreamServer({ settings: { maxMessagesPerSecond: 100_000 } });
    await using ws = await openRawWs(server.url);
    const before = await heldBytes();
    ws.send(Buffer.concat([init, ...Array.from({ length: 20_000 }, (_, id) => frameOf(subscribe(id)))]));
    expect(await ws.closed).toBe(4429);
    expect(server.contexts.length).toBeLessThanOrEqual(50);
    expect(server.topic.running()).toEqual([]);
    server.contexts.length = 0;
    server.topic.subscriptions.length = 0;
    expect((await heldBytes()) - before).toBeLessThan(2 * MiB);
    await expectServed(server);
  });

  it('72: 50 run, and end one by one', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    for (let id = 0; id < 50; id += 1) ws.send(subscribe(id));
    await server.topic.untilRunning(50);
    ws.send({ type: 'complete', id: '7' });
    ws.send(subscribe('again'));
    await server.topic.untilRunning(50);
    ws.send(subscribe('one too many'));
    expect(await ws.closed).toMatchObject({ code: 4429 });
  });

  it.each([
    ['before the acknowledgement', [], 65_536],
    ['after it', [init], 262_144],
  ] as const)(
    '77: a message of 64 or 256 KiB is taken %s, one byte more closes with 1009',
    async (_when, first, most) => {
      await using server = await openStreamServer();
      const pingOf = (bytes: number) => {
        const head = '{"type":"ping","payload":{"a":"';
        return `${head}${'x'.repeat(bytes - head.length - 3)}"}}`;
      };
      await using good = await openRawWs(server.url);
      for (const frame of first) good.send(frame);
      good.send(frameOf(pingOf(most)));
      await good.wire.until(/\{"type":"pong"\}/);
      await using bad = await openRawWs(server.url);
      for (const frame of first) bad.send(frame);
      if (first.length > 0) await bad.wire.until(/connection_ack/);
      bad.send(frameOf(pingOf(most + 1)));
      expect(await bad.closed).toBe(1009);
    },
  );

  it('77: a message of 50 MB before the acknowledgement is refused by its head', async () => {
    await using server = await openStreamServer();
    await using ws = await openRawWs(server.url);
    ws.send(headOf(50_000_000));
    expect(await ws.closed).toBe(1009);
  });

  it('78: a million tiny fragments end with 1008 and no memory', async () => {
    await using server = await openStreamServer();
    const before = await heldBytes();
    await using ws = await openRawWs(server.url);
    ws.send(frameOf('{', { isFinal: false }));
    const fragments = Buffer.concat(
      Array.from({ length: 10_000 }, () => frameOf(' ', { opcode: 0, isFinal: false })),
    );
    ws.wire.socket.on('error', () => {});
    for (let sent = 0; sent < 100 && !ws.wire.socket.destroyed; sent += 1) {
      ws.send(fragments);
      await turn();
    }
    expect(await ws.closed).toBe(1008);
    expect((await heldBytes()) - before).toBeLessThan(4 * MiB);
    await expectServed(server);
  });

  it('78: empty fragments count as well', async () => {
    await using server = await openStreamServer();
    await using ws = await openRawWs(server.url);
    const fragments = Array.from({ length: 20_000 }, () => frameOf('', { opcode: 0, isFinal: false }));
    ws.send(Buffer.concat([frameOf('{', { isFinal: false }), ...fragments]));
    expect(await ws.closed).toBe(1008);
  });

  it('79: compression is not negotiated, and a compressed frame is refused', async () => {
    await using server = await openStreamServer();
    await using ws = await openRawWs(server.url, 'permessage-deflate; client_max_window_bits');
    expect(await ws.wire.until(/\r\n\r\n/)).not.toMatch(/sec-websocket-extensions/i);
    ws.send(frameOf('x', { reserved: 4 }));
    expect(await ws.closed).toBe(1002);
  });

  it.each([
    ['bad UTF-8', frameOf(Buffer.from([0xc3, 0x28])), 1007],
    ['a reserved bit', frameOf('{}', { reserved: 1 }), 1002],
    ['an unmasked frame', frameOf('{}', { isMasked: false }), 1002],
    ['an unknown opcode', frameOf('{}', { opcode: 5 }), 1002],
    ['a ping in fragments', frameOf('', { opcode: 9, isFinal: false }), 1002],
    ['a ping of 126 bytes', frameOf('x'.repeat(126), { opcode: 9 }), 1002],
    ['a continuation of nothing', frameOf('', { opcode: 0 }), 1002],
  ] as const)('81: %s closes with %i', async (_what, frame, code) => {
    await using server = await openStreamServer();
    await using ws = await openRawWs(server.url);
    ws.send(init);
    await ws.wire.until(/connection_ack/);
    ws.send(frame);
    expect(await ws.closed).toBe(code);
    await expectServed(server);
  });

  it.each([
    ['frames', frameOf('', { opcode: 9 }), '\u008a\0'],
    ['messages', frameOf('{"type":"ping"}'), '{"type":"pong"}'],
  ] as const)('81: ten pings a second are answered, the eleventh closes: %s', async (_kind, ping, answer) => {
    await using server = await openStreamServer();
    await using ws = await openRawWs(server.url);
    ws.send(Buffer.concat([init, ...Array.from({ length: 10 }, () => ping)]));
    await ws.wire.until(tenTimes(answer));
    ws.send(ping);
    expect(await ws.closed).toBe(4429);
  });

  it('81: so do more messages than may come in a second', async () => {
    await using server = await openStreamServer({ settings: { maxMessagesPerSecond: 20 } });
    await using ws = await openRawWs(server.url);
    const complete = frameOf('{"type":"complete","id":"none"}');
    ws.send(Buffer.concat([init, ...Array.from({ length: 19 }, () => complete)]));
    await ws.wire.until(/connection_ack/);
    ws.send(complete);
    expect(await ws.closed).toBe(4429);
  });

  it('82: who does not read what it asks for is not read from', async () => {
    await using server = await openStreamServer({ settings: { maxMessagesPerSecond: 100_000 } });
    await using ws = await openRawWs(server.url);
    ws.send(init);
    await ws.wire.until(/connection_ack/);
    ws.wire.socket.pause();
    const before = await heldBytes();
    const big = (id: number) => frameOf(subscribe(id, '{ big(bytes: 60000) }'));
    for (let id = 0; id < 2000; id += 1) ws.send(big(id));
    for (let round = 0; round < 300; round += 1) await turn();
    // 120 MB of answers were asked for.
    expect((await heldBytes()) - before).toBeLessThan(20 * MiB);
    await expectServed(server);
  });
});

describe.each(['ws', 'sse', 'multipart'] as const)('82: a reader that has stopped, over %s', (transport) => {
  const accepts = { sse: 'text/event-stream', multipart: 'multipart/mixed;subscriptionSpec=1.0' };

  async function openStalled(server: StreamServer) {
    if (transport === 'ws') {
      const { wire, send } = await openRawWs(server.url);
      send(init);
      send(frameOf(subscribe(1)));
      return wire;
    }
    const wire = await openWire(server.url);
    const query = encodeURIComponent('subscription { event }');
    wire.send(
      `GET /graphql?query=${query} HTTP/1.1`,
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      `Accept: ${accepts[transport]}`,
      '',
      '',
    );
    return wire;
  }

  it('does not hold up others, and takes no more memory than its bound, until it is sent away', async () => {
    await using server = await openStreamServer();
    await using stalled = await openStalled(server);
    await server.topic.untilRunning(1);
    stalled.socket.pause();
    const [slow] = server.topic.running();
    await using healthy = await openWs(server.wsUrl);
    healthy.send(subscribe('healthy'));
    await healthy.until({ type: 'ping' });
    let got = 0;
    healthy.socket.removeAllListeners('message');
    healthy.socket.on('message', () => {
      got += 1;
    });
    const before = await heldBytes();
    let most = 0;
    let published = 0;
    // 16,000 events of 1 kB, as in 8 seconds of 2,000.
    for (let second = 0; second < 80; second += 1) {
      for (let n = 0; n < 200; n += 1) {
        server.topic.publish('x'.repeat(1000));
        published += 1;
      }
      while (got < published) await turn();
      most = Math.max(most, slow?.sink.bufferedBytes() ?? 0);
    }
    expect(got).toBe(16_000);
    expect(most).toBeLessThanOrEqual(MiB + 70_000);
    expect((await heldBytes()) - before).toBeLessThan(3 * MiB);
    expect(slow?.stopped).toBe('slow');
    expect(server.ends).toEqual([{ reason: 'slow', transport }]);
  });

  it.each(['dropOldest', 'latest'] as const)('keeps within its bound by the policy "%s"', async (policy) => {
    await using server = await openStreamServer();
    await using stalled = await openStalled(server);
    await server.topic.untilRunning(1);
    stalled.socket.pause();
    const [slow] = server.topic.running();
    let most = 0;
    for (let n = 1; n <= 12_000; n += 1) {
      server.topic.publish(`${n};${'x'.repeat(1000)};`, { policy });
      most = Math.max(most, slow?.sink.bufferedBytes() ?? 0);
      if (n % 100 === 0) await turn();
    }
    expect(slow?.stopped).toBeUndefined();
    expect(most).toBeLessThanOrEqual(MiB + 70_000);
    stalled.socket.resume();
    const text = await stalled.until(/"12000;x+;"/);
    const numbers = [...text.matchAll(/"(\d+);x+;"/g)].map(([, n]) => Number(n));
    expect(numbers.toSorted((one, other) => one - other)).toEqual(numbers);
    expect(numbers.length).toBeLessThan(12_000);
    if (policy === 'dropOldest') expect(text.match(/"gap":\{"reason":"slow"\}/g)).toHaveLength(1);
  });
});

describe('event streams', () => {
  it('88: 50,000 anonymous reservations leave the heap flat', async () => {
    await using server = await openStreamServer({ edge: { maxRequestsPerConnection: 100_000 } });
    await using wire = await openWire(server.url);
    let reserved = 0;
    wire.socket.removeAllListeners('data');
    wire.socket.on('data', (text: string) => {
      reserved += text.split('HTTP/1.1 201').length - 1;
    });
    const puts = 'PUT /graphql/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'.repeat(500);
    const reserve = async (count: number) => {
      for (const until = reserved + count; reserved < until; ) {
        const wanted = reserved + 500;
        wire.socket.write(puts);
        while (reserved < wanted) await turn();
      }
      server.records.length = 0;
    };
    await reserve(2000);
    const before = await heldBytes();
    await reserve(50_000);
    expect((await heldBytes()) - before).toBeLessThan(MiB);
    expect(server.graph.openConnections()).toBe(0);
  });

  it.each(['c\ndata: {"evil":1}', 'c\r\n\r\nevent: next', 'c\u2028', 'c d', 'x'.repeat(3000)])(
    '89: a cursor of %j is no field of its own',
    async (cursor) => {
      await using server = await openStreamServer();
      server.topic.live = { cursor, recovered: undefined, reason: undefined };
      await using wire = await openWire(server.url);
      const query = encodeURIComponent('subscription { event }');
      wire.send(
        `GET /graphql?query=${query} HTTP/1.1`,
        'Host: a',
        'GraphQL-Require-Preflight: 1',
        'Accept: text/event-stream',
        '',
        '',
      );
      await server.topic.untilRunning(1);
      server.topic.publish({ n: 1 }, { cursor });
      const text = await wire.until(/"n":1/);
      expect(text).not.toContain('evil');
      expect(text.match(/^(id|event|data):.*$/gm)).toEqual(['event: next', 'data: {"data":{"n":1}}']);
    },
  );

  it('89: an event with line breaks is one event', async () => {
    await using server = await openStreamServer();
    const query = encodeURIComponent('subscription { event }');
    await using wire = await openWire(server.url);
    wire.send(
      `GET /graphql?query=${query} HTTP/1.1`,
      'Host: a',
      'GraphQL-Require-Preflight: 1',
      'Accept: text/event-stream',
      '',
      '',
    );
    await server.topic.untilRunning(1);
    // A serializer that writes for people, and data that would be an event.
    server.topic.publish(undefined, { json: '{\n"data":\r\n"event: evil\\n\\ndata: evil"\r}' });
    server.topic.subscriptions[0]?.sink.end('completed');
    const body = (await wire.closed).split('\r\n\r\n')[1] ?? '';
    expect(body.match(/^event: .*$/gm)).toEqual(['event: next', 'event: complete']);
    expect(body.match(/^data: .*$/gm)).toEqual([
      'data: {',
      'data: "data":',
      'data: "event: evil\\n\\ndata: evil"',
      'data: }',
    ]);
  });

  it('89: an operation of an event stream cannot break out of its id', async () => {
    await using server = await openStreamServer();
    const token = await (await fetch(`${server.url}/stream`, { method: 'PUT' })).text();
    await using wire = await openWire(server.url);
    wire.send(`GET /graphql/stream?token=${token} HTTP/1.1`, 'Host: a', 'Accept: text/event-stream', '', '');
    await wire.until(/\r\n\r\n/);
    await fetch(`${server.url}/stream?token=${token}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ hello }', extensions: { operationId: 'a"}\n\nevent: evil\n' } }),
    });
    const text = await wire.until(/event: complete[\s\S]*\n\n$/);
    expect(text.match(/^event: .*$/gm)).toEqual(['event: next', 'event: complete']);
  });
});

describe('87: a stampede after a restart', () => {
  it('of more than there is room for is told when to come back, and queries are answered', async () => {
    await using server = await openStreamServer({ settings: { maxConnections: 50 } });
    const sockets = Array.from({ length: 200 }, () => new WebSocket(server.wsUrl, ['graphql-transport-ws']));
    const outcomes = await Promise.all(
      sockets.map(async (socket) => {
        socket.on('open', () => socket.send('{"type":"connection_init"}'));
        return Promise.race([
          once(socket, 'message').then(([data]) => JSON.parse(String(data)).type),
          once(socket, 'close').then(([code]) => code),
        ]);
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'connection_ack')).toHaveLength(50);
    expect(new Set(outcomes)).toEqual(new Set(['connection_ack', 1013]));
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ hello }"}',
    });
    expect(response.status).toBe(200);
    for (const socket of sockets) socket.terminate();
  });
});
