import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { parseConfig } from '../../src/config/config.ts';
import { createListener } from '../../src/transport/listener.ts';
import { openHttp2, trust } from '../kit/http2-client.ts';
import {
  type FrameWire,
  frame,
  frameFlags,
  headerBlock,
  literal,
  openFrames,
  prefixed,
} from '../kit/http2-frames.ts';
import { growthBytes, heldBytes } from '../kit/memory.ts';
import { openSecured } from '../kit/secured-gateway.ts';
import { openTinyGateway, post, send, type TinyGateway } from '../kit/tiny-gateway.ts';
import { buildTinySchema, createProbe } from '../kit/tiny-schema.ts';
import { openWire, portOf } from './wire.ts';

/** Threats to what carries requests by their numbers, where no other test has them. After each a good client is answered. */
const mebibyte = 1024 * 1024;
const oneBook = JSON.stringify({ query: '{ book(id: "Qm9vazo3") { title } }' }); // Book:7
const jsonHead = ['POST /graphql HTTP/1.1', 'Host: a', 'Content-Type: application/json'];

type Config = NonNullable<Parameters<typeof openTinyGateway>[0]>;

/** A gateway in plain text, whose clients may speak HTTP/2. */
async function openPlain(config: Config = {}) {
  const tiny = await openTinyGateway({
    ...config,
    server: { trustedProxies: ['127.0.0.1'], ...config.server },
  });
  return { tiny, [Symbol.asyncDispose]: () => tiny[Symbol.asyncDispose]() };
}

const gateways = [
  ['plain text', openPlain],
  ['TLS', openSecured],
] as const;

async function expectWell({ url, log }: TinyGateway): Promise<void> {
  const { hostname: host, port, protocol } = new URL(url);
  if (protocol === 'https:') {
    await using client = await openHttp2(url);
    expect((await client.query('{ fast }')).status).toBe(200);
  } else expect((await post(`http://${host}:${port}/graphql`, { query: '{ fast }' })).status).toBe(200);
  expect(log.lines).toEqual([]);
}

const settings = () => {
  const parsed = parseConfig({ schema: buildTinySchema(createProbe()), upstreams: {} }, {});
  if (!parsed.ok) throw new Error(parsed.faults.join());
  return parsed.settings;
};

describe('a body of 60 MB', () => {
  it('57: is 413 at 1 MiB by default, read no further, and leaves nothing behind', async () => {
    expect(settings().limits.bodyMaxBytes).toBe(mebibyte);
    await using tiny = await openTinyGateway();
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const attack = async () => {
      await using wire = await openWire(tiny.url);
      let isClosed = false;
      void wire.closed.then(() => {
        isClosed = true;
      });
      wire.send(...jsonHead, 'Transfer-Encoding: chunked', '', '');
      let sent = 0;
      for (; !isClosed && sent < 60 * mebibyte; sent += chunk.length)
        if (!wire.socket.write(chunk))
          await Promise.race([once(wire.socket, 'drain'), wire.closed]).catch(() => {});
      expect(await wire.closed).toMatch(/^HTTP\/1\.1 413 [\s\S]*PAYLOAD_TOO_LARGE/);
      expect(sent).toBeLessThan(30 * mebibyte); // what the kernel's buffers take
    };
    expect(await growthBytes(2 * mebibyte, attack)).toBeLessThan(2 * mebibyte);
    await expectWell(tiny);
  });

  it('57: costs a little more than the limit while it comes', async () => {
    await using tiny = await openTinyGateway();
    const part = Buffer.alloc(0x10000, ' ');
    const attack = async () => {
      const wire = await openWire(tiny.url);
      wire.send(...jsonHead, `Content-Length: ${mebibyte}`, '', '');
      for (let sent = part.length; sent < mebibyte; sent += part.length)
        await new Promise((resolve) => wire.socket.write(part, resolve));
      await expectWell(tiny); // by then what was sent before is read
      return wire;
    };
    await (await attack())[Symbol.asyncDispose]();
    const before = await heldBytes();
    await using stack = new AsyncDisposableStack();
    for (let count = 0; count < 5; count += 1) stack.use(await attack());
    expect((await heldBytes()) - before).toBeLessThan(5 * 2 * mebibyte);
  });
});

describe('a client that is slow', () => {
  it('58, 59: has 10 s for a request and 5 s of these for its head, by default', () => {
    const { server } = settings();
    const listener = createListener(server, () => {});
    expect(listener).toMatchObject({ headersTimeout: 5000, requestTimeout: 10_000 });
  });

  const server = { headersTimeoutMs: 300, requestTimeoutMs: 300 };
  /** How a request begins, and what comes of it each time. */
  const slow: readonly (readonly [readonly string[], string])[] = [
    [['POST /graphql HTTP/1.1', 'Host: a', ''], 'X-A: b\r\n'],
    [[...jsonHead, 'Transfer-Encoding: chunked', '', ''], '1\r\n \r\n'],
    [[...jsonHead, 'Content-Length: 1000', '', ''], ' '],
  ];

  it.each(gateways)('58, 59: over %s gets 408 though a little comes each time', async (_by, open) => {
    await using opened = await open({ server });
    const answers = slow.map(async ([start, more]) => {
      await using wire = await openWire(opened.tiny.url);
      wire.send(...start);
      const dripping = setInterval(() => wire.socket.write(more), 50);
      return await wire.closed.finally(() => clearInterval(dripping));
    });
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await expectWell(opened.tiny);
  });

  it.each(gateways)('59: over %s is sent away though it says nothing at all', async (_by, open) => {
    await using opened = await open({ server });
    const { hostname: host, port } = new URL(opened.tiny.url);
    const socket = connect({ host, port: Number(port) });
    socket.on('error', () => {});
    socket.resume();
    await once(socket, 'close');
    await expectWell(opened.tiny);
  });

  it('59: 500 of them get 408, and a good client is answered all the while', async () => {
    await using tiny = await openTinyGateway({ server });
    const wires = await Promise.all(Array.from({ length: 500 }, () => openWire(tiny.url)));
    const dripping = setInterval(() => {
      for (const { socket } of wires) socket.write('X-A: b\r\n');
    }, 100);
    for (const wire of wires) wire.send('POST /graphql HTTP/1.1', 'Host: a', '');
    let isOver = false;
    const over = Promise.all(wires.map(({ closed }) => closed)).finally(() => {
      isOver = true;
      clearInterval(dripping);
    });
    let answered = 0;
    for (; !isOver; answered += 1) expect((await tiny.ask('{ fast }')).status).toBe(200);
    expect(answered).toBeGreaterThan(3);
    for (const text of await over) expect(text).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a body that unfolds to a thousand times its size', () => {
  const text = JSON.stringify({ query: `{ fast }#${' '.repeat(8 * mebibyte)}` });
  const bombs = {
    gzip: gzipSync(text),
    deflate: deflateSync(text),
    br: brotliCompressSync(text),
    zstd: zstdCompressSync(text),
  };

  it.each(Object.entries(bombs))('61: is 415 in %s, over HTTP/1.1 and HTTP/2', async (coding, bomb) => {
    expect(text.length / bomb.length).toBeGreaterThan(900);
    await using secured = await openSecured();
    await using client = await openHttp2(secured.tiny.url);
    const headers = { ':method': 'POST', 'content-type': 'application/json', 'content-encoding': coding };
    expect((await client.ask(headers, bomb)).status).toBe(415);
    await expectWell(secured.tiny);
    await using tiny = await openTinyGateway();
    expect((await post(tiny.url, bomb, { 'content-encoding': coding })).status).toBe(415);
    // Without its name it is no JSON: nothing looks what it might be.
    expect((await post(tiny.url, bomb)).status).toBe(400);
    await expectWell(tiny);
  });
});

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

const own = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'a'],
  [':path', '/graphql'],
  ['content-type', 'application/json'],
] as const;

/** A whole request on a stream, or its head with `more` headers alone. */
const operationOn = (stream: number) =>
  Buffer.concat([
    frame('headers', frameFlags.endHeaders, stream, headerBlock(own)),
    frame('data', frameFlags.endStream, stream, Buffer.from(oneBook)),
  ]);
const headOn = (stream: number, more: readonly (readonly [string, string])[]) =>
  frame('headers', frameFlags.endHeaders, stream, headerBlock([...own, ...more]));

/** What makes the server itself reset a stream or worse (CVE-2025-8671); the first is what a client may (CVE-2023-44487). */
const resets: readonly (readonly [string, (stream: number) => readonly Buffer[]])[] = [
  ['62: a reset', (id) => [operationOn(id), frame('rstStream', 0, id, u32(8))]],
  ['63: a window that grows by nothing', (id) => [operationOn(id), frame('windowUpdate', 0, id, u32(0))]],
  ['63: a window too wide', (id) => [operationOn(id), frame('windowUpdate', 0, id, u32(2 ** 31 - 1))]],
  ['63: data behind its end', (id) => [operationOn(id), frame('data', 1, id, Buffer.from(oneBook))]],
  [
    '63: a stream that depends on itself',
    (id) => [operationOn(id), frame('priority', 0, id, Buffer.concat([u32(id), Buffer.of(1)]))],
  ],
  ['63: a priority of another size', (id) => [operationOn(id), frame('priority', 0, id, u32(id))]],
  [
    '63: more data than its length',
    (id) => [headOn(id, [['content-length', '3']]), frame('data', 1, id, Buffer.from(oneBook))],
  ],
  [
    '63: less data than its length',
    (id) => [headOn(id, [['content-length', '999']]), frame('data', 1, id, Buffer.from(oneBook))],
  ],
  ['63: a head twice', (id) => [headOn(id, []), headOn(id, [])]],
  ['63: a name in capitals', (id) => [headOn(id, [['X-A', 'b']])]],
  ['63: a connection in its head', (id) => [headOn(id, [['connection', 'close']])]],
];

/** Sends what `at` makes until the server has closed the connection: how often that was. */
async function untilClosed(wire: FrameWire, most: number, at: (round: number) => readonly Buffer[]) {
  let isOpen = true;
  let round = 0;
  for (; isOpen && round < most; round += 1) {
    wire.send(...at(round));
    if (round % 20 === 19) isOpen = await wire.settle();
  }
  return { isOpen, rounds: round };
}

describe('a connection of HTTP/2', () => {
  it.each(resets)('%s ends it after a few hundred, and calls are not made beyond', async (_what, attack) => {
    await using opened = await openPlain();
    let calls = 0;
    opened.tiny.service.behave('getBooks', () => {
      calls += 1;
    });
    await using wire = await openFrames(opened.tiny.url);
    const startMs = systemClock.nowMs();
    const { isOpen, rounds } = await untilClosed(wire, 2000, (round) => attack(2 * round + 1));
    expect(isOpen).toBe(false);
    const most = 200 + 20 * Math.ceil((systemClock.nowMs() - startMs) / 1000);
    expect(calls).toBeLessThanOrEqual(most + 1);
    expect(rounds).toBeLessThanOrEqual(most + 40); // it is looked at after every 20
    await expectWell(opened.tiny);
  });

  const filler = headerBlock([['x-a', 'y'.repeat(1000)]]);
  it.each([
    ['64: parts of a head without end', () => filler],
    ['64: empty parts of a head', () => Buffer.alloc(0)],
    ['64: parts of a byte', () => Buffer.of(0x82)],
  ])('%s end it', async (_what, part) => {
    await using opened = await openPlain();
    await using wire = await openFrames(opened.tiny.url);
    wire.send(frame('headers', frameFlags.none, 1, headerBlock(own)));
    const { isOpen, rounds } = await untilClosed(wire, 2000, () => [frame('continuation', 0, 1, part())]);
    expect([isOpen, rounds <= 100]).toEqual([false, true]);
    await expectWell(opened.tiny);
  });

  it('67: a client that overlooks the bound of 100 streams is told which it may ask again', async () => {
    await using opened = await openPlain();
    await using wire = await openFrames(opened.tiny.url);
    wire.send(...Array.from({ length: 150 }, (_, at) => operationOn(2 * at + 1)));
    expect(await wire.settle()).toBe(true);
    const isRefused = (stream: number) =>
      wire
        .received()
        .some((one) => one.type === 'rstStream' && one.stream === stream && one.payload[3] === 7);
    const refused = Array.from({ length: 150 }, (_, at) => 2 * at + 1).filter(isRefused);
    expect(refused).toEqual(Array.from({ length: 50 }, (_, at) => 201 + 2 * at)); // REFUSED_STREAM: nothing was done
    await wire.until(({ type, stream }) => type === 'data' && stream === 199);
    await expectWell(opened.tiny);
  });

  it('67: one that opens 1,000 all the same loses its connection', async () => {
    await using opened = await openPlain();
    let calls = 0;
    opened.tiny.service.behave('getBooks', () => {
      calls += 1;
    });
    await using wire = await openFrames(opened.tiny.url);
    const { isOpen } = await untilClosed(wire, 1000, (round) => [operationOn(2 * round + 1)]);
    expect(isOpen).toBe(false);
    expect(calls).toBeLessThanOrEqual(100);
    await expectWell(opened.tiny);
  });
});

describe('connections', () => {
  it('67, 68: have bounds by default', () => {
    expect(settings().server).toMatchObject({
      maxConnections: 30_000,
      maxStreamsPerConnection: 100,
      maxHeaderBytes: 16_384,
      maxHeaders: 100,
    });
  });

  it('67: above the bound are closed at once, those that are there stay, and who goes makes room', async () => {
    await using tiny = await openTinyGateway({ server: { maxConnections: 20 } });
    const wires = await Promise.all(Array.from({ length: 20 }, () => openWire(tiny.url)));
    const answered = (wire: (typeof wires)[number] | undefined) => {
      wire?.send(...jsonHead, `Content-Length: ${oneBook.length}`, '', oneBook);
      return wire?.until(/"title":"Book 7"/);
    };
    const refused = Array.from({ length: 100 }, async () => {
      await using wire = await openWire(tiny.url).catch(() => undefined);
      return (await wire?.closed) ?? '';
    });
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['']));
    await Promise.all(wires.map(answered));
    await wires.pop()?.[Symbol.asyncDispose]();
    while (!(await send(tiny.url, { method: 'PUT' }).catch(() => undefined))) await new Promise(setImmediate);
    for (const wire of wires) await wire[Symbol.asyncDispose]();
  });

  it.each([
    ['an upgrade', 'GET /nothing HTTP/1.1', ['Connection: Upgrade', 'Upgrade: websocket']],
    ['an upgrade to no WebSocket', 'GET /graphql HTTP/1.1', ['Connection: Upgrade', 'Upgrade: websocket']],
    ['a CONNECT', 'CONNECT a:1 HTTP/1.1', []],
    ['a wrong request', 'PUT /graphql HTTP/1.1', []],
    ['no request', 'what?', []],
  ])(
    '67: %s that is refused holds none, though its client leaves it half open',
    async (_what, start, more) => {
      await using tiny = await openTinyGateway({ server: { maxConnections: 3 } });
      const { hostname: host, port } = new URL(tiny.url);
      const sockets: Socket[] = [];
      for (let round = 0; round < 12; round += 1) {
        const socket = connect({ host, port: Number(port), allowHalfOpen: true });
        socket.on('error', () => {});
        sockets.push(socket);
        socket.write([start, 'Host: a', ...more, '', ''].join('\r\n'));
        socket.resume();
        await once(socket, 'end');
        // The server may look at its next connection before it has closed this one.
        while (!(await send(tiny.url, { method: 'PUT' }).catch(() => undefined)))
          await new Promise(setImmediate);
      }
      for (const socket of sockets) socket.destroy();
    },
  );
});

describe('a client that goes too soon', () => {
  const stuck = JSON.stringify({ query: '{ stuck }' });
  type Going = (url: string) => Promise<unknown>;
  const goings: readonly (readonly [string, Going])[] = [
    ['without a word', (url) => leave(url, '')],
    ['in its head', (url) => leave(url, 'POST /graphql HTTP/1.1\r\nHost: a\r\n')],
    ['in its body', (url) => leave(url, [...jsonHead, 'Content-Length: 99', '', '{'].join('\r\n'))],
    [
      'before its answer',
      (url) => leave(url, [...jsonHead, `Content-Length: ${stuck.length}`, '', stuck].join('\r\n')),
    ],
    ['from HTTP/2', (url) => leaveFrames(url, () => {})],
    ['from HTTP/2, with a stream open', (url) => leaveFrames(url, (wire) => wire.send(headOn(1, [])))],
    ['as it is refused', (url) => leave(url, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')],
    [
      'from HTTP/2, with a head that is none (CVE-2025-23085)',
      (url) => leaveFrames(url, (wire) => wire.send(frame('headers', 5, 1, Buffer.of(0xff, 0xff, 0xff)))),
    ],
  ];
  const secured = ['without a word', 'in its head', 'from HTTP/2, with a stream open'];
  // A connection or a session that was kept would be some kilobytes.
  const mostBytesEach = 1000;

  async function expectNothing({ tiny }: { readonly tiny: TinyGateway }, times: number, go: Going) {
    const most = times * mostBytesEach;
    const grown = await growthBytes(most, async () => {
      for (let at = 0; at < times; at += 50)
        await Promise.all(Array.from({ length: 50 }, () => go(tiny.url)));
      await expectWell(tiny);
      tiny.log.operations.length = 0;
    });
    expect(grown).toBeLessThan(most);
  }

  it.each(goings)('66: %s leaves nothing behind, hundreds of times', async (_how, go) => {
    await using opened = await openPlain();
    await expectNothing(opened, 200, go);
  });

  it.each(goings.filter(([how]) => secured.includes(how)))(
    '66: %s over TLS leaves nothing behind, either',
    async (_how, go) => {
      await using opened = await openSecured();
      await expectNothing(opened, 50, go);
    },
  );
});

async function leave(url: string, text: string): Promise<void> {
  const wire = await openWire(url);
  if (text !== '') await new Promise((resolve) => wire.socket.write(text, resolve));
  cut(wire.socket);
  await wire.closed;
}

async function leaveFrames(url: string, attack: (wire: FrameWire) => void): Promise<void> {
  const wire = await openFrames(url);
  attack(wire);
  cut(wire.wire.socket);
  await wire.wire.closed;
}

/** Without a word: a reset where there is no TLS, which has none. */
function cut(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

describe('a head that is too large', () => {
  const lines = (count: number) => Array.from({ length: count }, (_, at) => `X-${at}: 1`);
  it.each([
    ['one of 17 KB', [`X-A: ${'x'.repeat(17_000)}`]],
    ['one of a megabyte', [`X-A: ${'x'.repeat(1_000_000)}`]],
    ['2,000', lines(2000)],
    ['20,000', lines(20_000)],
    ['2,000 of one name', Array.from({ length: 2000 }, () => 'X-A: b')],
  ])('68: %s is 431, to requests and upgrades, in plain text and TLS', async (_what, more) => {
    for (const [, open] of gateways) {
      await using opened = await open();
      for (const start of [['Content-Length: 0'], ['Connection: Upgrade', 'Upgrade: websocket']]) {
        await using wire = await openWire(opened.tiny.url);
        wire.send('GET /graphql HTTP/1.1', 'Host: a', ...start, ...more, '', '');
        expect(await wire.closed).toMatch(/^HTTP\/1\.1 431 /);
      }
      await expectWell(opened.tiny);
    }
  });

  it.each([
    ['90 headers', 200, Array.from({ length: 90 }, (_, at) => [`x-${at}`, '1'])],
    ['110 headers', 431, Array.from({ length: 110 }, (_, at) => [`x-${at}`, '1'])],
    ['250 headers', 0, Array.from({ length: 250 }, (_, at) => [`x-${at}`, '1'])],
    ['16,000 bytes', 200, [['x-a', 'x'.repeat(16_000)]]],
    ['17,000 bytes', 431, [['x-a', 'x'.repeat(17_000)]]],
    ['40,000 bytes', 0, [['x-a', 'x'.repeat(40_000)]]],
  ])('68: over HTTP/2 %s are answered with %i, 0 for a reset', async (_what, status, headers) => {
    await using secured = await openSecured();
    await using client = await openHttp2(secured.tiny.url);
    await client.query('{ fast }'); // by then both know the bounds
    const answer = client.query('{ fast }', Object.fromEntries(headers));
    if (status === 0) await expect(answer).rejects.toThrow('NGHTTP2_ENHANCE_YOUR_CALM');
    else expect((await answer).status).toBe(status);
    expect((await client.query('{ fast }')).status).toBe(200); // on the same connection
  });

  it.each([
    ['acknowledged the bounds', true],
    ['did not', false],
  ])(
    '68: a few bytes that unfold to megabytes (HPACK) are refused to a client that %s',
    async (_what, does) => {
      await using opened = await openPlain();
      await using wire = await openFrames(opened.tiny.url);
      if (does) wire.send(frame('settings', frameFlags.acknowledged, 0));
      // Kept in the table of headers, and then named again and again by a byte each (RFC 7541 section 6).
      const kept = Buffer.concat([Buffer.of(0x40), literal('x'), literal('y'.repeat(4000))]);
      const again = (count: number) => Buffer.alloc(count, prefixed(62, 7, 0x80));
      const bomb = (id: number, count: number) =>
        frame('headers', 5, id, Buffer.concat([headerBlock(own), kept, again(count)]));
      const before = await heldBytes();
      wire.send(bomb(1, 50), ...Array.from({ length: 90 }, (_, at) => bomb(2 * at + 3, 8000)));
      expect(await wire.settle()).toBe(true);
      const first = wire.received().find(({ stream }) => stream === 1);
      // 200 KB of 50: told with its status, or reset where the client was told the bound.
      expect(first?.type).toBe(does ? 'rstStream' : 'headers');
      if (!does) expect(first?.payload.toString('latin1')).toContain('431');
      expect(wire.received().filter(({ type }) => type === 'rstStream')).toHaveLength(does ? 91 : 90);
      expect((await heldBytes()) - before).toBeLessThan(4 * mebibyte);
      await expectWell(opened.tiny);
    },
  );
});

describe('TLS', () => {
  it('69: does not negotiate anew with a client that wants it, and is there for others', async () => {
    await using secured = await openSecured();
    const { hostname: host, port } = new URL(secured.tiny.url);
    for (let round = 0; round < 5; round += 1) {
      const socket = connectTls({ host, port: Number(port), ca: trust, maxVersion: 'TLSv1.2' });
      await once(socket, 'secureConnect');
      const closed = once(socket, 'close').catch((error: unknown) => error);
      const isDone = await Promise.race([
        new Promise((resolve) => socket.renegotiate({}, (error) => resolve(error === null))),
        closed.then(() => false),
      ]);
      expect(isDone).toBe(false);
      socket.destroy();
    }
    await expectWell(secured.tiny);
  });

  const name = 'host-name-of-the-test.example';
  it.each<[string, (hello: Buffer, at: number) => void]>([
    ['of NULs', (hello, at) => hello.fill(0, at, at + name.length)],
    ['of bytes that are no text', (hello, at) => hello.fill(0xff, at, at + name.length)],
    ['of dots', (hello, at) => hello.fill('.', at, at + name.length)],
    ['of an address', (hello, at) => hello.write('127.0.0.1'.padEnd(name.length, '1'), at)],
    ['of line ends', (hello, at) => hello.fill('\r\n', at, at + name.length)],
    ['of the name of a property', (hello, at) => hello.write('__proto__.constructor', at)],
    ['of no length', (hello, at) => hello.writeUInt16BE(0, at - 2)],
    ['of more than there is', (hello, at) => hello.writeUInt16BE(65_535, at - 2)],
    ['of another kind', (hello, at) => hello.writeUInt8(9, at - 3)],
    ['in an empty list', (hello, at) => hello.writeUInt16BE(0, at - 5)],
    ['in a head of another kind', (hello) => hello.writeUInt8(0x7f, 0)],
  ])('69: is there for others after a server name %s (SNI)', async (_what, change) => {
    await using secured = await openSecured();
    const hello = await helloOf(name);
    change(hello, hello.indexOf(name));
    const { hostname: host, port } = new URL(secured.tiny.url);
    for (const bytes of [hello, hello.subarray(0, hello.length - 20)]) {
      const socket = connect({ host, port: Number(port) });
      socket.on('error', () => {});
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    await expectWell(secured.tiny);
  });
});

/** The first bytes of a client that asks for a host. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connectTls({ host: '127.0.0.1', port: portOf(server.address()), servername });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket]; // as: what the event has
  const [hello] = (await once(socket, 'data')) as [Buffer]; // as: what the event has
  client.destroy();
  socket.destroy();
  server.close();
  return Buffer.from(hello);
}
