import { describe, expect, it } from 'vitest';
import { closeServer } from '../../src/transport/close-server.ts';
import { writeCertificate } from '../kit/certificate-files.ts';
import { type FrameWire, frame, frameFlags, headerBlock, openFrames } from '../kit/http2-frames.ts';
import { openStreamServer, type StreamServer } from '../kit/stream-server.ts';

const drainWindowMs = 600;
const closeTimeoutMs = 20_000;
const count = 12;
const query = encodeURIComponent('subscription { event }');
const hello = encodeURIComponent('{ hello }');

/** The odd numbers are those of a client (RFC 9113 section 5.1.1). */
const streamIds = Array.from({ length: count }, (_, index) => 2 * index + 1);

function request(stream: number, path: string): Buffer {
  const head = headerBlock([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'a'],
    [':path', path],
    ['accept', 'text/event-stream'],
    ['graphql-require-preflight', '1'],
  ]);
  return frame('headers', frameFlags.endHeaders | frameFlags.endStream, stream, head);
}

/** What came over one stream, and whether its end has. */
function bodyOf(frames: FrameWire, stream: number) {
  const own = frames.received().filter((one) => one.stream === stream && one.type === 'data');
  return {
    text: Buffer.concat(own.map(({ payload }) => payload)).toString('utf8'),
    isEnded: own.some(({ flags }) => (flags & frameFlags.endStream) !== 0),
  };
}

async function withServer(isSecure: boolean, work: (server: StreamServer) => Promise<void>): Promise<void> {
  await using files = await writeCertificate();
  const { certFile, keyFile } = files;
  const reached = isSecure ? { tls: { certFile, keyFile } } : { edge: { trustedProxies: ['127.0.0.1'] } };
  await using server = await openStreamServer({ ...reached, settings: { drainWindowMs } });
  await work(server);
}

async function openStreams(server: StreamServer): Promise<FrameWire> {
  const frames = await openFrames(server.url);
  frames.send(...streamIds.map((stream) => request(stream, `/graphql?query=${query}`)));
  await server.topic.untilRunning(count);
  return frames;
}

function goawayOf(payload: Buffer | undefined) {
  return { lastStream: payload?.readUInt32BE(0), code: payload?.readUInt32BE(4) };
}

describe.each([
  ['over TLS', true],
  ['in plain text', false],
])('a drain of event streams on one connection of HTTP/2 %s', (_where, isSecure) => {
  it('begins with GOAWAY, ends them in slices with the rest of their answers, and then the connection', () =>
    withServer(isSecure, async (server) => {
      const frames = await openStreams(server);
      const { graph, topic } = server;
      const closed = closeServer(graph.server, closeTimeoutMs, graph);
      const goaway = await frames.until(({ type }) => type === 'goaway');
      expect(goawayOf(goaway?.payload)).toEqual({ lastStream: streamIds.at(-1), code: 0 });
      // Each time that some have gone the others get an event: by what it has, each tells when it went.
      const sizes: number[] = [];
      for (let before = -1; topic.running().length > 0; await new Promise(setImmediate)) {
        const { length } = topic.running();
        if (length === before) continue;
        before = length;
        topic.publish({ n: sizes.length });
        sizes.push(length);
      }
      await closed;
      await frames.wire.closed;
      expect(frames.received().filter(({ type }) => type === 'rstStream')).toEqual([]);
      const bodies = streamIds.map((stream) => bodyOf(frames, stream));
      for (const { text, isEnded } of bodies) {
        expect(isEnded).toBe(true);
        expect(text).toMatch(/\nretry: \d+\n\n$/);
        expect(text).not.toContain('complete');
      }
      expect(sizes.length).toBeGreaterThan(3);
      for (const [n, size] of sizes.entries())
        expect(bodies.filter(({ text }) => text.includes(`{"n":${n}}`))).toHaveLength(size);
      expect(server.ends.map(({ reason }) => reason)).toEqual(Array(count).fill('drain'));
    }));

  it('takes no request behind its GOAWAY, which says so, so that its client asks again elsewhere', () =>
    withServer(isSecure, async (server) => {
      const frames = await openStreams(server);
      const closed = closeServer(server.graph.server, closeTimeoutMs, server.graph);
      const goaway = await frames.until(({ type }) => type === 'goaway');
      const late = count * 2 + 1;
      expect(goawayOf(goaway?.payload).lastStream).toBeLessThan(late);
      frames.send(request(late, `/graphql?query=${hello}`));
      await closed;
      await frames.wire.closed;
      expect(bodyOf(frames, late)).toEqual({ text: '', isEnded: false });
      for (const stream of streamIds) expect(bodyOf(frames, stream).isEnded).toBe(true);
    }));
});

describe('a connection of HTTP/2 that had server.maxRequestsPerConnection', () => {
  it('is told at once which request was its last, and ends when all are answered, pings or not', async () => {
    const edge = { trustedProxies: ['127.0.0.1'], maxRequestsPerConnection: 3 };
    await using server = await openStreamServer({ edge });
    const frames = await openFrames(server.url);
    frames.send(...[1, 3].map((stream) => request(stream, `/graphql?query=${hello}`)));
    await frames.until(
      ({ stream, flags, type }) => stream === 3 && type === 'data' && flags === frameFlags.endStream,
    );
    expect(frames.received().some(({ type }) => type === 'goaway')).toBe(false);
    frames.send(...[5, 7].map((stream) => request(stream, `/graphql?query=${hello}`)));
    const goaway = await frames.until(({ type }) => type === 'goaway');
    await frames.wire.closed;
    const answered = [1, 3, 5, 7].filter((stream) => bodyOf(frames, stream).isEnded);
    expect(answered.at(-1)).toBe(goawayOf(goaway?.payload).lastStream);
    expect(answered).toEqual([1, 3, 5, 7].filter((stream) => stream <= (answered.at(-1) ?? 0)));
  });
});
