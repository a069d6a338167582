import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { WeirError } from '../../src/errors.ts';
import type { Identify } from '../../src/identity/identify.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { tokenRefusal } from '../../src/identity/token-refusal.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { openStreamServer } from '../kit/stream-server.ts';
import { openWs } from '../kit/ws-wire.ts';

const subscribe = (id: string, query = 'subscription { event }', extensions?: object) => ({
  id,
  type: 'subscribe',
  payload: { query, extensions },
});

/** "Bearer NAME" is NAME, for as long as the test says. */
function identifyNames(expiresAtMs: () => number): Identify {
  return ({ authorization }) => {
    const header = Array.isArray(authorization) ? authorization[0] : authorization;
    const name = String(header).slice('Bearer '.length);
    if (name === 'bad') throw tokenRefusal('SIGNATURE');
    if (name === 'old') throw tokenRefusal('EXPIRED');
    if (name === 'unknowable') return Promise.reject(tokenRefusal('KEYS_UNAVAILABLE'));
    if (name === 'hanging') return new Promise(() => {});
    return Promise.resolve(
      verifiedPrincipal({
        subject: name,
        tenant: null,
        client: null,
        scopes: new Set(),
        issuedAtMs: 0,
        expiresAtMs: expiresAtMs(),
      }),
    );
  };
}

const forever = identifyNames(() => Number.MAX_SAFE_INTEGER);

describe('the handshake', () => {
  it('acknowledges connection_init and tells what it can', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    expect(ws.messages).toEqual([
      {
        type: 'connection_ack',
        payload: {
          live: 'ping',
          cursor: 'extensions.cursor',
          resume: 'extensions.resume',
          cost: 'extensions.cost',
          refresh: 'ping',
        },
      },
    ]);
  });

  it.each([['graphql-ws'], ['graphql-transport-ws-2'], []])(
    'refuses the subprotocol %s',
    async (...subprotocols) => {
      await using server = await openStreamServer();
      const socket = new WebSocket(server.wsUrl, subprotocols);
      const [, response] = await once(socket, 'unexpected-response');
      expect(response.statusCode).toBe(400);
      response.destroy();
      // Ended before it was open: ws tells that as an error.
      socket.on('error', () => {});
      socket.terminate();
    },
  );

  it('refuses another path', async () => {
    await using server = await openStreamServer();
    const socket = new WebSocket(`${server.wsUrl}s`, ['graphql-transport-ws']);
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(404);
    response.destroy();
    socket.on('error', () => {});
    socket.terminate();
  });

  it('negotiates no compression', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    expect(ws.socket.extensions).toBe('');
  });

  it.each([
    ['https://evil.example', false],
    ['null', false],
    ['https://good.example.evil.test', false],
    ['https://good.example:8443', false],
    ['http://good.example', false],
    ['https://good.example', true],
    [undefined, true],
  ])('of a page of %s is taken: %s', async (origin, isTaken) => {
    await using server = await openStreamServer({ edge: { allowedOrigins: ['https://good.example'] } });
    expect(await isOpened(server.wsUrl, origin)).toBe(isTaken);
  });

  it.each([
    [true, 'https://evil.example', false],
    [true, 'SAME', true],
    [false, 'https://evil.example', true],
  ])(
    'in production (%s) without a list, of a page of %s, is taken: %s',
    async (production, origin, isTaken) => {
      await using server = await openStreamServer({ production });
      const same = `https://${new URL(server.url).host}`;
      expect(await isOpened(server.wsUrl, origin === 'SAME' ? same : origin)).toBe(isTaken);
    },
  );
});

async function isOpened(url: string, origin: string | undefined): Promise<boolean> {
  const socket = new WebSocket(url, ['graphql-transport-ws'], origin === undefined ? {} : { origin });
  const opened = await Promise.race([
    once(socket, 'open').then(() => true),
    once(socket, 'unexpected-response').then(() => false),
  ]);
  socket.on('error', () => {});
  socket.terminate();
  return opened;
}

describe('close codes', () => {
  it('4408 when connection_init does not come', async () => {
    await using server = await openStreamServer({ settings: { initTimeoutMs: 100 } });
    await using ws = await openWs(server.wsUrl, { init: false });
    expect(await ws.closed).toMatchObject({ code: 4408 });
  });

  it('4429 for a second connection_init, also before the first is answered', async () => {
    await using server = await openStreamServer({ identify: forever });
    await using ws = await openWs(server.wsUrl, { payload: { authorization: 'Bearer a' } });
    ws.send({ type: 'connection_init' });
    expect(await ws.closed).toMatchObject({ code: 4429 });
    await using early = await openWs(server.wsUrl, { init: false });
    early.send({ type: 'connection_init', payload: { authorization: 'Bearer hanging' } });
    early.send({ type: 'connection_init' });
    expect(await early.closed).toMatchObject({ code: 4429 });
  });

  it('4401 for subscribe before the acknowledgement', async () => {
    await using server = await openStreamServer({ identify: forever });
    for (const first of [[], [{ type: 'connection_init', payload: { authorization: 'Bearer hanging' } }]]) {
      await using ws = await openWs(server.wsUrl, { init: false });
      for (const message of [...first, subscribe('1')]) ws.send(message);
      expect(await ws.closed).toMatchObject({ code: 4401 });
    }
    expect(server.contexts).toEqual([]);
  });

  it('4409 for an id that is in use, whose first subscription is ended once', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    server.topic.publish('first');
    await ws.until({ type: 'next' });
    ws.send(subscribe('1'));
    expect(await ws.closed).toMatchObject({ code: 4409 });
    expect(server.topic.subscriptions).toHaveLength(1);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
  });

  it('takes an id again once its operation is over', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    for (const _round of [1, 2]) {
      ws.send(subscribe('1', '{ hello }'));
      await ws.until({ type: 'complete', id: '1' });
      ws.messages.length = 0;
    }
  });

  it.each([
    ['no JSON'],
    ['[]'],
    ['null'],
    ['{}'],
    ['{"type":"nonsense"}'],
    ['{"type":"constructor"}'],
    ['{"type":"ping","payload":[]}'],
    ['{"type":"subscribe","payload":{"query":"{ hello }"}}'],
    ['{"type":"subscribe","id":"","payload":{"query":"{ hello }"}}'],
    ['{"type":"subscribe","id":7,"payload":{"query":"{ hello }"}}'],
    ['{"type":"subscribe","id":"1","payload":{}}'],
    ['{"type":"subscribe","id":"1","payload":{"query":7}}'],
    ['{"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}'],
    ['{"type":"complete"}'],
    [`{"type":"ping","payload":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`],
  ])('4400 for %s', async (text) => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(text);
    expect(await ws.closed).toMatchObject({ code: 4400 });
  });

  it('4400 for a binary message', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect(await ws.closed).toMatchObject({ code: 4400 });
  });

  it.each([
    ['bad', 4401],
    ['old', 4403],
    ['unknowable', 1013],
  ])('for the token "%s" is %i', async (token, code) => {
    await using server = await openStreamServer({ identify: forever });
    await using ws = await openWs(server.wsUrl, { init: false });
    ws.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect(await ws.closed).toMatchObject({ code });
  });

  it('1013 when nobody says in time who asks', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ identify: forever, clock });
    await using ws = await openWs(server.wsUrl, { init: false });
    ws.send({ type: 'connection_init', payload: { authorization: 'Bearer hanging' } });
    ws.send({ type: 'ping' });
    await ws.until({ type: 'pong' });
    clock.advance(5600);
    expect(await ws.closed).toMatchObject({ code: 1013 });
  });
});

describe('credentials', () => {
  it('are taken from the payload, in either case, or from the upgrade', async () => {
    await using server = await openStreamServer({ identify: forever });
    for (const options of [
      { payload: { authorization: 'Bearer anna' } },
      { payload: { Authorization: 'Bearer anna' } },
      { headers: { authorization: 'Bearer anna' } },
      { headers: { authorization: 'Bearer anna' }, payload: { authorization: 'Bearer anna' } },
    ]) {
      await using ws = await openWs(server.wsUrl, options);
      ws.send(subscribe('1', '{ hello }'));
      await ws.until({ type: 'complete' });
      expect(server.contexts.at(-1)?.principal.subject).toBe('anna');
    }
  });

  it.each([
    { headers: { authorization: 'Bearer anna' }, payload: { authorization: 'Bearer bob' } },
    { payload: { authorization: 'Bearer anna', Authorization: 'Bearer bob' } },
    { payload: { authorization: 7 } },
    { payload: { authorization: ['Bearer anna'] } },
  ])('are refused when it is not plain which are meant: %o', async ({ payload, headers = {} }) => {
    await using server = await openStreamServer({ identify: forever });
    await using ws = await openWs(server.wsUrl, { init: false, headers });
    ws.send({ type: 'connection_init', payload });
    expect(await ws.closed).toMatchObject({ code: 4401 });
  });

  it('end the connection with 4403 within a second of their expiry, heartbeat or not', async () => {
    const clock = createFakeClock();
    const expiresAtMs = clock.wallMs() + 20_000;
    await using server = await openStreamServer({ clock, identify: identifyNames(() => expiresAtMs) });
    await using ws = await openWs(server.wsUrl, { payload: { authorization: 'Bearer anna' } });
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    const pongs = answered(ws.socket);
    clock.advance(12_500);
    await pongs();
    clock.advance(7400);
    expect(server.ends).toEqual([]);
    clock.advance(1100);
    expect(await ws.closed).toMatchObject({ code: 4403 });
    expect(server.ends).toEqual([{ reason: 'expired', transport: 'ws' }]);
  });

  it('are refreshed by a ping of the same principal', async () => {
    const clock = createFakeClock();
    let goodForMs = 5000;
    const identify = identifyNames(() => clock.wallMs() + goodForMs);
    await using server = await openStreamServer({ clock, identify });
    await using ws = await openWs(server.wsUrl, { payload: { authorization: 'Bearer anna' } });
    goodForMs = 10_000;
    ws.send({ type: 'ping', payload: { authorization: 'Bearer anna' } });
    await ws.until({ type: 'pong' });
    clock.advance(7000);
    ws.messages.length = 0;
    ws.send(subscribe('1', '{ hello }'));
    await ws.until({ type: 'complete' });
    clock.advance(4000);
    expect(await ws.closed).toMatchObject({ code: 4403 });
  });

  it('of another principal do not refresh', async () => {
    await using server = await openStreamServer({ identify: forever });
    await using ws = await openWs(server.wsUrl, { payload: { authorization: 'Bearer anna' } });
    ws.send({ type: 'ping', payload: { authorization: 'Bearer bob' } });
    expect(await ws.closed).toMatchObject({ code: 4403 });
  });

  it('that are bad do not refresh', async () => {
    await using server = await openStreamServer({ identify: forever });
    await using ws = await openWs(server.wsUrl, { payload: { authorization: 'Bearer anna' } });
    ws.send({ type: 'ping', payload: { authorization: 'Bearer bad' } });
    expect(await ws.closed).toMatchObject({ code: 4401 });
  });
});

/** Waits until the server has had an answer to its ping: what is behind the pong in the same connection tells. */
function answered(socket: WebSocket): () => Promise<void> {
  let pings = 0;
  socket.on('ping', () => {
    pings += 1;
  });
  let seen = 0;
  return async () => {
    while (pings === seen) await new Promise((resolve) => setImmediate(resolve));
    seen = pings;
    socket.send('{"type":"ping"}');
    await once(socket, 'message');
  };
}

describe('operations', () => {
  it('are queries, with one result and complete', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('q', '{ hello }'));
    await ws.until({ type: 'complete', id: 'q' });
    expect(ws.messages.slice(1)).toEqual([
      { type: 'next', id: 'q', payload: { data: { hello: 'world' } } },
      { type: 'complete', id: 'q' },
    ]);
    expect(server.ends).toEqual([]);
  });

  it.each([
    ['{', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription { denied }', 'FORBIDDEN'],
  ])('that are refused (%s) end with an error alone', async (query, code) => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1', query));
    ws.send({ type: 'ping' });
    const error = await ws.until({ type: 'error' });
    await ws.until({ type: 'pong' });
    expect(error).toMatchObject({ id: '1', payload: [{ extensions: { code } }] });
    expect(JSON.stringify(error)).not.toContain('http');
    expect(ws.messages.filter(({ id }) => id === '1')).toHaveLength(1);
    expect(server.records).toMatchObject([{ outcome: 'refused', codes: [code] }]);
    ws.send(subscribe('1', '{ hello }'));
    await ws.until({ type: 'complete', id: '1' });
  });

  it('get each event, told live first', async () => {
    await using server = await openStreamServer();
    server.topic.live = { cursor: 'c0', recovered: true, reason: undefined };
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    server.topic.publish({ n: 1 }, { cursor: 'c1' });
    server.topic.publish({ n: 2 });
    const [running] = server.topic.running();
    running?.sink.end('completed');
    await ws.until({ type: 'complete' });
    expect(ws.messages.slice(1)).toEqual([
      { type: 'ping', payload: { subscribed: '1', cursor: 'c0', recovered: true } },
      { type: 'next', id: '1', payload: { data: { n: 1 }, extensions: { cursor: 'c1' } } },
      { type: 'next', id: '1', payload: { data: { n: 2 } } },
      { type: 'complete', id: '1' },
    ]);
    expect(server.ends).toEqual([{ reason: 'completed', transport: 'ws' }]);
  });

  it('hand on from where to resume, and are told when that could not be', async () => {
    await using server = await openStreamServer();
    server.topic.live = { cursor: 'c9', recovered: false, reason: 'epoch' };
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1', undefined, { resume: 'c1' }));
    const marker = await ws.until({ type: 'next' });
    expect(server.contexts[0]?.params?.extensions).toEqual({ resume: 'c1' });
    expect(marker).toEqual({
      type: 'next',
      id: '1',
      payload: { data: null, extensions: { gap: { reason: 'epoch' } } },
    });
  });

  it('share the part of an event that is the same for all', async () => {
    await using server = await openStreamServer();
    await using one = await openWs(server.wsUrl);
    await using other = await openWs(server.wsUrl);
    one.send(subscribe('a'));
    one.send(subscribe('b "ä" \u2028'));
    other.send(subscribe('c'.repeat(128)));
    await server.topic.untilRunning(3);
    const text = 'ä€😀"\\\n'.repeat(20_000);
    server.topic.publish(text);
    for (const [ws, id] of [
      [one, 'a'],
      [one, 'b "ä" \u2028'],
      [other, 'c'.repeat(128)],
    ] as const)
      expect(await ws.until({ type: 'next', id })).toMatchObject({ payload: { data: text } });
    expect(server.topic.encoded).toEqual(new Map([['graphql-transport-ws', 1]]));
  });

  it.each([1, 100, 125, 126, 127, 1000, 65_500, 65_535, 65_536, 70_000])(
    'get an event of %i characters whole',
    async (length) => {
      await using server = await openStreamServer();
      await using ws = await openWs(server.wsUrl);
      ws.send(subscribe('1'));
      await server.topic.untilRunning(1);
      server.topic.publish('x'.repeat(length));
      expect(await ws.until({ type: 'next' })).toMatchObject({ payload: { data: 'x'.repeat(length) } });
    },
  );

  it('end by complete, without a message, and late events are not sent', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    const sink = server.topic.subscriptions[0]?.sink;
    ws.send({ type: 'complete', id: '1' });
    ws.send({ type: 'complete', id: '1' });
    ws.send({ type: 'complete', id: 'never' });
    await server.topic.untilRunning(0);
    sink?.next(server.topic.publish(1));
    sink?.end('completed');
    ws.send({ type: 'ping' });
    await ws.until({ type: 'pong' });
    expect(ws.messages.map(({ type }) => type)).toEqual(['connection_ack', 'ping', 'pong']);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
  });

  it('that run are aborted by complete', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1', '{ slow }'));
    ws.send({ type: 'ping' });
    await ws.until({ type: 'pong' });
    expect(server.contexts[0]?.signal.aborted).toBe(false);
    ws.send({ type: 'complete', id: '1' });
    ws.messages.length = 0;
    ws.send({ type: 'ping' });
    await ws.until({ type: 'pong' });
    expect(server.contexts[0]?.signal.aborted).toBe(true);
  });

  it('end when their connection is gone', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    ws.send(subscribe('2', '{ slow }'));
    await server.topic.untilRunning(1);
    ws.socket.terminate();
    await server.topic.untilRunning(0);
    expect(server.topic.subscriptions[0]?.stopped).toBe('client');
    expect(server.contexts[1]?.signal.aborted).toBe(true);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
    expect(server.graph.openConnections()).toBe(0);
  });

  it.each([
    ['slow', 1013],
    ['drain', 1012],
    ['expired', 4403],
  ] as const)('that end for "%s" close the connection with %i', async (reason, code) => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    ws.send(subscribe('2'));
    await server.topic.untilRunning(2);
    server.topic.subscriptions[0]?.sink.end(reason);
    expect(await ws.closed).toMatchObject({ code });
    expect(server.ends).toEqual([
      { reason, transport: 'ws' },
      { reason, transport: 'ws' },
    ]);
  });

  it.each([
    ['revoked', 'UNAUTHENTICATED'],
    ['budget', 'RATE_LIMITED'],
    ['gap', 'CONFLICT'],
    ['failed', 'INTERNAL_SERVER_ERROR'],
  ] as const)('that end for "%s" are told by an error of code %s', async (reason, code) => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    ws.send(subscribe('2'));
    await server.topic.untilRunning(2);
    server.topic.subscriptions[0]?.sink.end(reason);
    expect(await ws.until({ type: 'error' })).toMatchObject({
      id: '1',
      payload: [{ extensions: { code, reason } }],
    });
    server.topic.subscriptions[1]?.sink.end(reason, { message: 'own', extensions: { code: 'NOT_FOUND' } });
    expect(await ws.until({ type: 'error', id: '2' })).toMatchObject({ payload: [{ message: 'own' }] });
    expect(ws.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe('heartbeats', () => {
  it('ping every 12 s, and cut off who has not answered within 10 s', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock });
    await using ws = await openWs(server.wsUrl);
    ws.send(subscribe('1'));
    await server.topic.untilRunning(1);
    const pongs = answered(ws.socket);
    for (const _beat of [1, 2, 3]) {
      clock.advance(12_500);
      await pongs();
    }
    ws.socket.pause();
    clock.advance(12_500);
    expect(server.ends).toEqual([]);
    clock.advance(10_500);
    expect(server.ends).toEqual([{ reason: 'client', transport: 'ws' }]);
    ws.socket.resume();
    expect(await ws.closed).toMatchObject({ code: 1006 });
  });

  it('answer pings of the client with their data', async () => {
    await using server = await openStreamServer();
    await using ws = await openWs(server.wsUrl);
    const pong = once(ws.socket, 'pong');
    ws.socket.ping('data');
    expect(String((await pong)[0])).toBe('data');
  });

  it('are one timer, and none when nobody is connected', async () => {
    const clock = createFakeClock();
    await using server = await openStreamServer({ clock });
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openWs(server.wsUrl)));
    expect(clock.pendingTimers).toBe(1);
    for (const ws of sockets) await ws[Symbol.asyncDispose]();
    while (server.graph.openConnections() > 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(500);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('a fault behind the transport', () => {
  it('that is no refusal closes with a code that is retried, never with 1011', async () => {
    const identify: Identify = () => {
      throw new WeirError('INTERNAL_SERVER_ERROR');
    };
    await using server = await openStreamServer({ identify });
    await using ws = await openWs(server.wsUrl, { init: false });
    ws.send({ type: 'connection_init' });
    expect(await ws.closed).toMatchObject({ code: 1013 });
  });
});
