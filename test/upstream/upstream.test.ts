import { once } from 'node:events';
import {
  createServer as createHttp2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { type AddressInfo, connect, createServer } from 'node:net';
import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { WeirError } from '../../src/errors.ts';
import type { UpstreamAnomaly } from '../../src/upstream/options.ts';
import { upstreamFailureOf } from '../../src/upstream/upstream-failure.ts';
import { busyMs } from '../kit/busy.ts';
import { callFor, cancelled, failureOf, openUpstream, probe, serveProbe, statusOf } from './probe.ts';

const noDeadline = { deadlineMs: Number.POSITIVE_INFINITY };

describe('createUpstream() bounds the calls in flight', () => {
  it('sends up to the bound, lets a few wait, refuses the rest as OVERLOADED, and recovers', async () => {
    const held: ((answer: string) => void)[] = [];
    const twoArrived = Promise.withResolvers<void>();
    await using service = await serveProbe({
      unary: (_call, reply) => {
        held.push((answer) => reply(null, answer));
        if (held.length === 2) twoArrived.resolve();
      },
    });
    const anomalies: UpstreamAnomaly[] = [];
    await using upstream = openUpstream(service.target, {
      channels: 2,
      maxInFlight: 1,
      maxQueue: 1,
      maxQueueWaitMs: 10_000,
      onAnomaly: (anomaly) => anomalies.push(anomaly),
    });
    const calls = Array.from({ length: 4 }, () => callFor());
    const answers = calls.slice(0, 3).map((call) => upstream.unary(probe.unary, 'x', call));
    const refused = failureOf(upstream.unary(probe.unary, 'x', calls[3] ?? callFor()));
    await twoArrived.promise;
    expect(upstream.state()).toMatchObject({ inFlight: 2, waiting: 1 });
    expect(await refused).toMatchObject({ code: 'OVERLOADED' });
    expect(calls[3]?.records).toMatchObject([{ code: 'RESOURCE_EXHAUSTED' }]);
    expect(anomalies).toEqual([{ kind: 'overloaded', upstream: 'probe', pool: 'calls' }]);
    expect(held).toHaveLength(2); // the third waits here, not at the service
    held[0]?.('first');
    await expect.poll(() => held.length).toBe(3);
    for (const reply of held.slice(1)) reply('later');
    expect(await Promise.all(answers)).toHaveLength(3);
    expect(upstream.state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  it('refuses a wait longer than maxQueueWaitMs', async () => {
    await using service = await serveProbe({ unary: () => {} });
    await using upstream = openUpstream(service.target, { channels: 1, maxInFlight: 1, maxQueueWaitMs: 20 });
    const first = callFor();
    const held = failureOf(upstream.unary(probe.unary, 'x', first));
    const startedMs = systemClock.nowMs();
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'OVERLOADED',
    });
    expect(systemClock.nowMs() - startedMs).toBeLessThan(20 + busyMs);
    first.abort();
    await held;
  });

  it('lets a waiting call end by its own signal', async () => {
    await using service = await serveProbe({ unary: () => {} });
    await using upstream = openUpstream(service.target, {
      channels: 1,
      maxInFlight: 1,
      maxQueueWaitMs: 10_000,
    });
    const [first, second] = [callFor(), callFor()];
    const held = failureOf(upstream.unary(probe.unary, 'x', first));
    const waiting = failureOf(upstream.unary(probe.unary, 'x', second));
    second.abort();
    expect(await waiting).toMatchObject({ code: 'CANCELLED' });
    expect(second.records).toMatchObject([{ code: 'CANCELLED' }]);
    first.abort();
    await held;
  });

  it('does not send a call whose deadline passed while it waited', async () => {
    const held = Promise.withResolvers<(answer: string) => void>();
    let calls = 0;
    await using service = await serveProbe({
      unary: (_call, reply) => {
        calls += 1;
        held.resolve((answer) => reply(null, answer));
      },
    });
    await using upstream = openUpstream(service.target, {
      channels: 1,
      maxInFlight: 1,
      maxQueueWaitMs: 10_000,
    });
    const first = upstream.unary(probe.unary, 'x', callFor());
    const late = callFor(30);
    const failure = failureOf(upstream.unary(probe.unary, 'x', late));
    const reply = await held.promise;
    systemClock.after(40, () => reply('done'));
    expect(await first).toBe('done');
    expect(await failure).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(late.records).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
    expect(calls).toBe(1);
    expect(upstream.state()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  it('spreads calls over its connections', async () => {
    const peers = new Set<string>();
    await using service = await serveProbe({
      unary: (call, reply) => {
        peers.add(call.getPeer());
        setImmediate(reply, null, 'x');
      },
    });
    await using upstream = openUpstream(service.target, { channels: 3 });
    await Promise.all(Array.from({ length: 12 }, () => upstream.unary(probe.unary, 'x', callFor())));
    expect(peers.size).toBe(3);
  });

  it('keeps streams without a deadline apart: they are bounded and never starve calls', async () => {
    const streams = Promise.withResolvers<void>();
    let open = 0;
    const peers: { unary?: string; stream?: string } = {};
    await using service = await serveProbe({
      unary: (call, reply) => {
        peers.unary = call.getPeer();
        reply(null, 'x');
      },
      serverStream: (call) => {
        peers.stream = call.getPeer();
        open += 1;
        if (open === 2) streams.resolve();
      },
    });
    await using upstream = openUpstream(service.target, {
      channels: 1,
      streamChannels: 1,
      maxInFlight: 2,
    });
    const readers = [1, 2, 3].map(() =>
      upstream.serverStream(probe.serverStream, 'x', callFor(1, noDeadline)),
    );
    const ends = readers.map((reader) => failureOf(reader.next().then(() => Promise.reject('ended'))));
    await streams.promise;
    expect(await ends[2]).toMatchObject({ code: 'OVERLOADED' });
    expect(upstream.state()).toMatchObject({ liveStreams: 2, inFlight: 0 });
    expect(await upstream.unary(probe.unary, 'x', callFor())).toBe('x');
    expect(peers.unary).not.toBe(peers.stream);
    await Promise.all(readers.map((reader) => reader.return?.()));
    await expect.poll(() => upstream.state().liveStreams).toBe(0);
  });
});

describe('createUpstream() retries', () => {
  const failUntil = (attempt: number, code: number) => {
    const attempts: number[] = [];
    const unary = (
      _call: ServerUnaryCall<string, string>,
      reply: (error: object | null, answer?: string) => void,
    ) => {
      attempts.push(systemClock.nowMs());
      if (attempts.length >= attempt) reply(null, 'x');
      else reply(statusOf(code, ''));
    };
    return { attempts, unary };
  };

  it('tries an idempotent method three times when the service is UNAVAILABLE, with growing pauses', async () => {
    const { attempts, unary } = failUntil(3, status.UNAVAILABLE);
    await using service = await serveProbe({ unary });
    await using upstream = openUpstream(service.target, { idempotentMethods: [probe.unary] });
    const call = callFor();
    expect(await upstream.unary(probe.unary, 'x', call)).toBe('x');
    expect(attempts).toHaveLength(3);
    expect((attempts[2] ?? 0) - (attempts[0] ?? 0)).toBeGreaterThan(0.8 * 150 - 5);
    expect(call.records).toMatchObject([{ code: 'OK' }]);
  });

  it('gives up after the third', async () => {
    const { attempts, unary } = failUntil(99, status.UNAVAILABLE);
    await using service = await serveProbe({ unary });
    await using upstream = openUpstream(service.target, {
      idempotentMethods: [probe.unary],
      retryInitialMs: 1,
    });
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    expect(attempts).toHaveLength(3);
  });

  it.each([
    ['a method that is not listed', false, status.UNAVAILABLE],
    ['another status', true, status.ABORTED],
  ])('tries %s once', async (_named, isListed, code) => {
    const { attempts, unary } = failUntil(2, code);
    await using service = await serveProbe({ unary });
    await using upstream = openUpstream(service.target, { idempotentMethods: isListed ? [probe.unary] : [] });
    await failureOf(upstream.unary(probe.unary, 'x', callFor()));
    expect(attempts).toHaveLength(1);
  });

  it('spends no more than its retry budget when everything fails', async () => {
    const { attempts, unary } = failUntil(1_000, status.UNAVAILABLE);
    await using service = await serveProbe({ unary });
    await using upstream = openUpstream(service.target, {
      idempotentMethods: [probe.unary],
      retryInitialMs: 1,
    });
    for (let index = 0; index < 50; index += 1) await failureOf(upstream.unary(probe.unary, 'x', callFor()));
    expect(attempts.length).toBeGreaterThan(50); // some were retried
    expect(attempts.length).toBeLessThanOrEqual(60); // at most 1.2 x the calls
  });

  it.each(['abc', '', '-1', '999999999999'])(
    'never retries hot when the pushback is %j',
    async (pushback) => {
      let attempts = 0;
      await using service = await serveProbe({
        unary: (_call, reply) => {
          attempts += 1;
          reply(statusOf(status.UNAVAILABLE, '', { 'grpc-retry-pushback-ms': pushback }));
        },
      });
      await using upstream = openUpstream(service.target, { idempotentMethods: [probe.unary] });
      await failureOf(upstream.unary(probe.unary, 'x', callFor(300)));
      expect(attempts).toBeLessThanOrEqual(3);
    },
  );
});

describe('createUpstream() limits messages', () => {
  const limit = 65_536;
  const limits = { maxSendBytes: limit, maxReceiveBytes: limit };

  it.each([
    [limit - 1, true],
    [limit, true],
    [limit + 1, false],
  ])('receives %d bytes: %s', async (bytes, fits) => {
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'x'.repeat(bytes)) });
    await using upstream = openUpstream(service.target, limits);
    if (fits) expect(await upstream.unary(probe.unary, 'x', callFor())).toHaveLength(bytes);
    else {
      const error = await failureOf(upstream.unary(probe.unary, 'x', callFor()));
      if (!(error instanceof WeirError)) throw error;
      expect(error.code).toBe('INTERNAL_SERVER_ERROR'); // RATE_LIMITED would blame the client
      expect(upstreamFailureOf(error)).toMatchObject({
        grpcCode: 'RESOURCE_EXHAUSTED',
        origin: 'local',
        outcome: 'unknown',
      });
    }
  });

  it.each([
    [limit - 1, true],
    [limit, true],
    [limit + 1, false],
  ])('sends %d bytes: %s', async (bytes, fits) => {
    let received = 0;
    await using service = await serveProbe({
      unary: (call, reply) => {
        received = call.request.length;
        reply(null, 'x');
      },
    });
    await using upstream = openUpstream(service.target, limits);
    const work = upstream.unary(probe.unary, 'x'.repeat(bytes), callFor());
    if (fits) await work;
    else {
      const error = await failureOf(work);
      if (!(error instanceof WeirError)) throw error;
      expect(error.code).toBe('INTERNAL_SERVER_ERROR');
      expect(upstreamFailureOf(error)).toMatchObject({ origin: 'local', outcome: 'notDone' });
    }
    expect(received).toBe(fits ? bytes : 0);
  });

  it('has 4 MiB as the limit both ways', async () => {
    const limitBytes = 4 * 1024 * 1024;
    await using service = await serveProbe({
      unary: (call, reply) => reply(null, call.request === 'big' ? 'x'.repeat(limitBytes + 1) : call.request),
    });
    await using upstream = openUpstream(service.target);
    expect(await upstream.unary(probe.unary, 'x'.repeat(limitBytes), callFor())).toHaveLength(limitBytes);
    for (const request of ['big', 'x'.repeat(limitBytes + 1)]) {
      expect(await failureOf(upstream.unary(probe.unary, request, callFor()))).toMatchObject({
        code: 'INTERNAL_SERVER_ERROR',
      });
    }
  });
});

describe('createUpstream() closes', () => {
  it('cancels every call in flight, refuses new ones, and ends its connections', async () => {
    const arrived = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ];
    const seen: Promise<void>[] = [];
    await using service = await serveProbe({
      unary: (call) => {
        seen.push(cancelled(call));
        arrived[0]?.resolve();
      },
      serverStream: (call) => {
        seen.push(cancelled(call));
        arrived[1]?.resolve();
      },
      clientStream: (call) => {
        seen.push(cancelled(call));
        arrived[2]?.resolve();
      },
    });
    const upstream = openUpstream(service.target);
    const calls = [callFor(), callFor(1, noDeadline), callFor()] as const;
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const failures = [
      failureOf(upstream.unary(probe.unary, 'x', calls[0])),
      failureOf(upstream.serverStream(probe.serverStream, 'x', calls[1]).next()),
      failureOf(upstream.clientStream(probe.clientStream, silent, calls[2])),
    ];
    await Promise.all(arrived.map(({ promise }) => promise));
    await upstream.close();
    for (const error of await Promise.all(failures))
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await Promise.all(seen);
    for (const call of calls) expect(call.records).toMatchObject([{ code: 'CANCELLED' }]);
    expect(await failureOf(upstream.unary(probe.unary, 'x', callFor()))).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    });
    expect(upstream.state()).toEqual({ connectivity: 'closed', inFlight: 0, waiting: 0, liveStreams: 0 });
    await upstream.close(); // idempotent
  });

  it('leaves no connection, timer or handle', async () => {
    const sessions = new Set<ServerHttp2Session>();
    const server = createHttp2Server();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
        { endStream: true },
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const before = process.getActiveResourcesInfo().length;
    const upstream = openUpstream(`127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP
    for (let index = 0; index < 4; index += 1) await failureOf(upstream.unary(probe.unary, 'x', callFor()));
    expect(sessions.size).toBeGreaterThan(0);
    await upstream.close();
    await expect.poll(() => sessions.size).toBe(0);
    await expect.poll(() => process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    server.close();
  });

  it('keeps no connection when it closes while the first is being made', async () => {
    let sockets = 0;
    const server = createServer((socket) => {
      sockets += 1;
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets -= 1;
        });
      socket.resume();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    for (let index = 0; index < 10; index += 1) {
      const upstream = openUpstream(`127.0.0.1:${(server.address() as AddressInfo).port}`); // TCP
      const failure = failureOf(upstream.unary(probe.unary, 'x', callFor()));
      await upstream.close();
      expect(await failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    }
    // One connection of ours after all of theirs: whatever they opened has arrived.
    const last = connect((server.address() as AddressInfo).port, '127.0.0.1'); // TCP
    await once(last, 'connect');
    last.destroy();
    await expect.poll(() => sockets).toBe(0);
    server.close();
  });
});

describe('createUpstream() state()', () => {
  it('goes from idle to ready, and to failing when the service is gone', async () => {
    const service = await serveProbe({ unary: (_call, reply) => reply(null, 'x') });
    await using upstream = openUpstream(service.target, { channels: 1 });
    expect(upstream.state().connectivity).toBe('idle');
    await upstream.unary(probe.unary, 'x', callFor());
    expect(upstream.state().connectivity).toBe('ready');
    await service[Symbol.asyncDispose]();
    await expect.poll(() => upstream.state().connectivity).toBe('failing');
  });
});
