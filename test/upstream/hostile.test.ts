import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors.ts';
import { upstreamFailureOf } from '../../src/upstream/upstream-failure.ts';
import { callFor, failureOf, openUpstream, probe } from './probe.ts';

const canary = 'CANARY-hunter2';

/** A gRPC frame (gRPC over HTTP/2, Length-Prefixed-Message). */
function frame(message: Buffer | string, compressed = 0, claimedLength?: number): Buffer {
  const body = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(claimedLength ?? body.length, 1);
  return Buffer.concat([head, body]);
}

const grpcHeaders = { ':status': 200, 'content-type': 'application/grpc' };

/** Answers with headers, then `body`, then `trailers` (none at all when undefined). */
function answer(
  body: Buffer | string,
  trailers?: Record<string, string>,
  headers: Record<string, string | number> = {},
) {
  return (stream: ServerHttp2Stream) => {
    stream.respond({ ...grpcHeaders, ...headers }, { waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

const trailersOnly = (trailers: Record<string, string | number>) => (stream: ServerHttp2Stream) =>
  stream.respond({ ...grpcHeaders, ...trailers }, { endStream: true });

const servers = new Set<{ close: () => void }>();
afterEach(() => {
  for (const server of servers) server.close();
  servers.clear();
});

async function listen(server: Server): Promise<string> {
  servers.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`; // TCP
}

function serveRaw(onStream: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createHttp2Server({ maxSessionMemory: 100 }); // MB; Node's own bound would refuse what follows 5 MiB
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    stream.resume();
    onStream(stream);
  });
  return listen(server);
}

const hostile: readonly (readonly [string, (stream: ServerHttp2Stream) => void, string, object])[] = [
  [
    'a message that claims 5 MiB',
    answer(frame(Buffer.alloc(1_000), 0, 5 * 1024 * 1024), { 'grpc-status': '0' }),
    'INTERNAL_SERVER_ERROR',
    { grpcCode: 'RESOURCE_EXHAUSTED', origin: 'local', outcome: 'unknown' },
  ],
  [
    'a message of 5 MiB',
    answer(frame(Buffer.alloc(5 * 1024 * 1024)), { 'grpc-status': '0' }),
    'INTERNAL_SERVER_ERROR',
    { grpcCode: 'RESOURCE_EXHAUSTED', origin: 'local', outcome: 'unknown' },
  ],
  [
    'a gzip bomb',
    answer(
      frame(gzipSync(Buffer.alloc(20 * 1024 * 1024)), 1),
      { 'grpc-status': '0' },
      { 'grpc-encoding': 'gzip' },
    ),
    'INTERNAL_SERVER_ERROR',
    { grpcCode: 'RESOURCE_EXHAUSTED', origin: 'local', outcome: 'unknown' },
  ],
  [
    'corrupted gzip',
    answer(frame(`\x1f\x8b${canary}`, 1), { 'grpc-status': '0' }, { 'grpc-encoding': 'gzip' }),
    'INTERNAL_SERVER_ERROR',
    { grpcCode: 'INTERNAL' },
  ],
  [
    'an encoding nobody knows',
    answer(frame(canary, 1), { 'grpc-status': '0' }, { 'grpc-encoding': canary.toLowerCase() }),
    'INTERNAL_SERVER_ERROR',
    {},
  ],
  ['no trailers after a message', answer(frame('x')), 'INTERNAL_SERVER_ERROR', { grpcCode: 'INTERNAL' }],
  ['no trailers and no message', answer(''), 'INTERNAL_SERVER_ERROR', { grpcCode: 'INTERNAL' }],
  ['half a frame', answer(frame(canary, 0, 100), { 'grpc-status': '0' }), 'INTERNAL_SERVER_ERROR', {}],
  [
    'OK without a message',
    trailersOnly({ 'grpc-status': '0' }),
    'INTERNAL_SERVER_ERROR',
    { grpcCode: 'UNIMPLEMENTED', origin: 'local', outcome: 'unknown' },
  ],
  [
    'two messages for one', // grpc-js never asks for the second, so the end never comes either
    answer(Buffer.concat([frame('a'), frame('b')]), { 'grpc-status': '0' }),
    'UPSTREAM_TIMEOUT',
    { grpcCode: 'DEADLINE_EXCEEDED', outcome: 'unknown' },
  ],
  ...(['99', '-1', 'abc', '5.5', canary] as const).map(
    (code) =>
      [
        `grpc-status ${code}`,
        trailersOnly({ 'grpc-status': code, 'grpc-message': canary }),
        'INTERNAL_SERVER_ERROR',
        { grpcCode: 'UNKNOWN', outcome: 'unknown' },
      ] as const,
  ),
  [
    'garbage where details belong',
    trailersOnly({ 'grpc-status': 5, 'grpc-message': canary, 'grpc-status-details-bin': '%%%garbage' }),
    'NOT_FOUND',
    { grpcCode: 'NOT_FOUND', origin: 'remote' },
  ],
  [
    'grpc-message that is no percent-encoding',
    trailersOnly({ 'grpc-status': 5, 'grpc-message': `%zz${canary}` }),
    'NOT_FOUND',
    {},
  ],
  [
    'metadata that is not ASCII',
    trailersOnly({ 'grpc-status': 7, 'x-odd': 'ü' }),
    'FORBIDDEN',
    { origin: 'remote' },
  ],
  [
    'an HTML page with 502',
    (stream) => {
      stream.respond({ ':status': 502, 'content-type': 'text/html' });
      stream.end(`<html>${canary}</html>`);
    },
    'UPSTREAM_UNAVAILABLE',
    { grpcCode: 'UNAVAILABLE', origin: 'local', outcome: 'unknown' },
  ],
  ...([401, 403, 404, 429, 500, 503] as const).map(
    (httpStatus) =>
      [
        `an empty HTTP ${httpStatus} of a proxy`,
        (stream: ServerHttp2Stream) =>
          stream.respond({ ':status': httpStatus, 'content-type': 'text/plain' }, { endStream: true }),
        httpStatus === 429 || httpStatus === 503 ? 'UPSTREAM_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR',
        { origin: 'local', outcome: 'unknown' },
      ] as const,
  ),
  [
    'an HTML page with 200',
    (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end(`<html>${canary}</html>`);
    },
    'INTERNAL_SERVER_ERROR',
    { origin: 'local' },
  ],
  ...(
    [
      [2, 'INTERNAL_SERVER_ERROR', 'INTERNAL'], // INTERNAL_ERROR
      [7, 'UPSTREAM_UNAVAILABLE', 'UNAVAILABLE'], // REFUSED_STREAM
      [8, 'INTERNAL_SERVER_ERROR', 'INTERNAL'], // CANCEL, of which Node's client makes NO_ERROR
      [11, 'INTERNAL_SERVER_ERROR', 'RESOURCE_EXHAUSTED'], // ENHANCE_YOUR_CALM
      [12, 'INTERNAL_SERVER_ERROR', 'PERMISSION_DENIED'], // INADEQUATE_SECURITY
    ] as const
  ).map(
    ([rstCode, code, grpcCode]) =>
      [
        `RST_STREAM ${rstCode} after headers`,
        (stream: ServerHttp2Stream) => {
          stream.respond(grpcHeaders);
          stream.close(rstCode);
        },
        code,
        rstCode === 11 || rstCode === 12 ? { grpcCode, origin: 'local' } : { grpcCode },
      ] as const,
  ),
];

describe('createUpstream() against a hostile service', () => {
  it.each(hostile)(
    'maps %s without a leak, on unary and server stream, and goes on',
    async (_named, act, code, facts) => {
      let behave = act;
      const target = await serveRaw((stream) => behave(stream));
      await using upstream = openUpstream(target, { channels: 1 });
      const call = callFor(500);
      const error = await failureOf(upstream.unary(probe.unary, 'x', call));
      if (!(error instanceof WeirError)) throw error;
      expect(error.code).toBe(code);
      expect(upstreamFailureOf(error)).toMatchObject(facts);
      expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(/CANARY/i);
      expect(call.records).toHaveLength(1);
      // A stream may end well where a unary call may not (no message, or two); it must never hang or crash.
      const read = await Promise.allSettled([
        Array.fromAsync(upstream.serverStream(probe.serverStream, 'x', callFor(2_000))),
      ]);
      if (read[0].status === 'rejected') expect(read[0].reason).toBeInstanceOf(WeirError);
      behave = answer(frame('well'), { 'grpc-status': '0' });
      expect(await upstream.unary(probe.unary, 'x', callFor(2_000))).toBe('well');
    },
  );

  it('ends a body of one byte at a time at the deadline', async () => {
    const target = await serveRaw((stream) => {
      stream.respond(grpcHeaders);
      const bytes = [...frame('x'.repeat(1_000))];
      const timer = setInterval(() => stream.write(Buffer.from([bytes.shift() ?? 0])), 20);
      stream.on('close', () => clearInterval(timer));
    });
    await using upstream = openUpstream(target);
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor(200)))).toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    });
  });

  it('ends a never-ending stream when its reader leaves', async () => {
    const closed = Promise.withResolvers<void>();
    const target = await serveRaw((stream) => {
      stream.respond(grpcHeaders);
      const more = () => {
        while (!stream.destroyed && stream.write(frame('x'.repeat(1_000))));
      };
      stream.on('drain', more).on('close', closed.resolve);
      more();
    });
    await using upstream = openUpstream(target);
    let count = 0;
    for await (const _ of upstream.serverStream(probe.serverStream, 'x', callFor())) {
      count += 1;
      if (count === 1_000) break;
    }
    await closed.promise;
  });

  it('survives a megabyte of metadata', async () => {
    const target = await serveRaw((stream) => {
      const many = Object.fromEntries(
        Array.from({ length: 64 }, (_, index) => [`x-${index}`, 'v'.repeat(16_000)]),
      );
      try {
        stream.respond({ ...grpcHeaders, 'grpc-status': '5', ...many }, { endStream: true });
      } catch {
        stream.close(2);
      }
    });
    await using upstream = openUpstream(target);
    const error = await failureOf(upstream.unary(probe.unary, 'x', callFor(2_000)));
    expect(error).toBeInstanceOf(WeirError);
    expect(JSON.stringify(error).length).toBeLessThan(1_000);
  });

  it.each([
    ['HTTP/1.1', () => createHttpServer((_request, response) => response.end(canary))],
    [
      'bytes of another protocol',
      () => createTcpServer((socket) => void socket.on('error', () => {}).write(canary)),
    ],
    ['a closed door', () => createTcpServer((socket) => socket.destroy())],
  ] as const)('is UPSTREAM_UNAVAILABLE, not done, when the peer speaks %s', async (_named, make) => {
    const target = await listen(make());
    await using upstream = openUpstream(target, { connectTimeoutMs: 500 });
    const error = await failureOf(upstream.unary(probe.unary, 'x', callFor(2_000)));
    if (!(error instanceof WeirError)) throw error;
    expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
    expect(upstreamFailureOf(error)?.outcome).toBe('notDone');
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain('CANARY');
  });
});
