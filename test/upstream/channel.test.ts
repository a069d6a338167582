import type { ServerUnaryCall } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { WeirError } from '../../src/errors.ts';
import type { UpstreamAnomaly } from '../../src/upstream/options.ts';
import { upstreamFailureOf } from '../../src/upstream/upstream-failure.ts';
import { busyMs } from '../kit/busy.ts';
import { callFor, failureOf, openUpstream, probe, serveProbe } from './probe.ts';
import { listenSilently } from './silent-server.ts';

describe('createChannel()', () => {
  it('fails waiting calls as UPSTREAM_UNAVAILABLE at connectTimeoutMs when the peer accepts and never speaks', async () => {
    await using silent = await listenSilently();
    const anomalies: UpstreamAnomaly[] = [];
    await using upstream = openUpstream(silent.target, {
      channels: 1,
      connectTimeoutMs: 200,
      idempotentMethods: [probe.unary],
      onAnomaly: (anomaly) => anomalies.push(anomaly),
    });
    const startedMs = systemClock.nowMs();
    const call = callFor(10_000);
    const errors = await Promise.all([
      failureOf(upstream.unary(probe.unary, 'x', call)),
      failureOf(upstream.serverStream(probe.serverStream, 'x', call).next()),
    ]);
    // The retryable one backs off once before it finds the channel closed.
    expect(systemClock.nowMs() - startedMs).toBeLessThan(450 + busyMs);
    expect(systemClock.nowMs() - startedMs).toBeGreaterThan(190);
    for (const error of errors) {
      if (!(error instanceof WeirError)) throw error;
      expect(error.code).toBe('UPSTREAM_UNAVAILABLE');
      expect(upstreamFailureOf(error)?.outcome).toBe('notDone');
    }
    expect(anomalies[0]).toEqual({ kind: 'connectTimeout', upstream: 'probe', connectTimeoutMs: 200 });
    expect(call.records.map(({ code }) => code)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  });

  it('fails calls at once while stuck, and recovers by itself when the peer speaks again', async () => {
    await using silent = await listenSilently();
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'back') });
    await using upstream = openUpstream(silent.target, { channels: 1, connectTimeoutMs: 200 });
    await failureOf(upstream.unary(probe.unary, 'x', callFor(10_000)));
    expect(upstream.state().connectivity).toBe('failing');
    // A machine that is busy with other work makes it longer, and never shorter.
    let leastMs = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 5; turn += 1) {
      const startedMs = systemClock.nowMs();
      expect(await failureOf(upstream.unary(probe.unary, 'x', callFor(10_000)))).toMatchObject({
        code: 'UPSTREAM_UNAVAILABLE',
      });
      leastMs = Math.min(leastMs, systemClock.nowMs() - startedMs);
    }
    expect(leastMs).toBeLessThan(50);
    silent.forwardTo(service.target);
    await expect.poll(() => upstream.state().connectivity, { timeout: 2_000 }).toBe('ready');
    expect(await upstream.unary(probe.unary, 'x', callFor())).toBe('back');
  });

  it('leaves no socket behind when attempt after attempt meets silence', async () => {
    await using silent = await listenSilently();
    let timeouts = 0;
    const fifth = Promise.withResolvers<void>();
    await using upstream = openUpstream(silent.target, {
      channels: 1,
      connectTimeoutMs: 100,
      onAnomaly: () => {
        timeouts += 1;
        if (timeouts === 5) fifth.resolve();
      },
    });
    await failureOf(upstream.unary(probe.unary, 'x', callFor()));
    await fifth.promise;
    await expect.poll(() => silent.sockets.size).toBeLessThanOrEqual(1); // the attempt that is on
    await upstream.close();
    await expect.poll(() => silent.sockets.size).toBe(0);
  });

  it('uses the addresses that answer when another is silent', async () => {
    await using silent = await listenSilently();
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'well') });
    await using upstream = openUpstream(`ipv4:${silent.target},${service.target}`, { connectTimeoutMs: 200 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => upstream.unary(probe.unary, 'x', callFor())),
    );
    expect(new Set(answers)).toEqual(new Set(['well']));
  });

  it('does not disturb calls that run on a connection which is draining', async () => {
    const arrived = Promise.withResolvers<[ServerUnaryCall<string, string>, (answer: string) => void]>();
    await using service = await serveProbe({
      unary: (call, reply) => arrived.resolve([call, (answer) => reply(null, answer)]),
    });
    await using front = await listenSilently();
    front.forwardTo(service.target);
    const timedOut = Promise.withResolvers<void>();
    await using upstream = openUpstream(front.target, {
      channels: 1,
      connectTimeoutMs: 100,
      onAnomaly: () => timedOut.resolve(),
    });
    const answer = upstream.unary(probe.unary, 'slow', callFor());
    const [, reply] = await arrived.promise;
    // GOAWAY: the server drains, the next connection meets silence.
    front.forwardTo();
    service.server.tryShutdown(() => {});
    await timedOut.promise;
    reply('done');
    expect(await answer).toBe('done');
  });
});
