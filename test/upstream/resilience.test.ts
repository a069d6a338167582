import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Client, credentials, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { callFor, failureOf, openUpstream, probe, serveProbe, statusOf } from './probe.ts';

describe('createUpstream() with several addresses', () => {
  it('shows no failure of a read when one of two servers drains under load', async () => {
    const answered = new Map<string, number>();
    const serve = (name: string) =>
      serveProbe({
        unary: (_call, reply) => {
          answered.set(name, (answered.get(name) ?? 0) + 1);
          setTimeout(reply, 2, null, name);
        },
      });
    await using first = await serve('first');
    await using second = await serve('second');
    await using upstream = openUpstream(`ipv4:${first.target},${second.target}`, {
      idempotentMethods: [probe.unary],
    });
    let left = 2_000;
    let isDraining = false;
    const drained = Promise.withResolvers<void>();
    const worker = async () => {
      while (left > 0) {
        left -= 1;
        await upstream.unary(probe.unary, 'x', callFor());
        if (left > 1_000 || isDraining) continue;
        isDraining = true;
        first.server.tryShutdown(() => drained.resolve());
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    await drained.promise;
    expect(answered.get('first')).toBeGreaterThan(100);
    expect(answered.get('second')).toBeGreaterThan(900);
  });

  it('stops asking the one of four that fails', async () => {
    let bad = 0;
    const good = () => serveProbe({ unary: (_call, reply) => reply(null, 'x') });
    await using failing = await serveProbe({
      unary: (_call, reply) => {
        bad += 1;
        reply(statusOf(status.UNAVAILABLE, ''));
      },
    });
    await using one = await good();
    await using two = await good();
    await using three = await good();
    const targets = [failing, one, two, three].map(({ target }) => target).join(',');
    await using upstream = openUpstream(`ipv4:${targets}`, { channels: 1, ejectionIntervalMs: 200 });
    const failuresOf = async (calls: number) => {
      const before = bad;
      for (let index = 0; index < calls; index += 1) {
        await Promise.allSettled([upstream.unary(probe.unary, 'x', callFor())]);
      }
      return bad - before;
    };
    expect(await failuresOf(200)).toBeGreaterThan(30); // a quarter of them, the negative control
    await expect.poll(() => failuresOf(40), { timeout: 3_000, interval: 50 }).toBe(0);
  });
});

describe('createUpstream() keepalive', () => {
  it('finds out that a connection is dead while a call waits on it', async () => {
    const arrived = Promise.withResolvers<void>();
    await using service = await serveProbe({ unary: () => arrived.resolve() });
    const pairs = new Set<readonly [Socket, Socket]>();
    const front = createServer((socket) => {
      const onward = connect(Number(service.target.split(':')[1]), '127.0.0.1');
      pairs.add([socket, onward]);
      for (const end of [socket, onward]) end.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    await using upstream = openUpstream(`127.0.0.1:${(front.address() as AddressInfo).port}`, {
      keepaliveTimeMs: 1_000,
      keepaliveTimeoutMs: 100,
    });
    const startedMs = systemClock.nowMs();
    const failure = failureOf(upstream.unary(probe.unary, 'x', callFor(30_000)));
    await arrived.promise;
    // A black hole: nothing passes any more, and nobody hears of it.
    for (const [socket, onward] of pairs) {
      socket.unpipe();
      onward.unpipe();
    }
    expect(await failure).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(systemClock.nowMs() - startedMs).toBeLessThan(2_500);
    for (const [socket, onward] of pairs) {
      socket.destroy();
      onward.destroy();
    }
    front.close();
  });
});

describe('createUpstream() and the environment', () => {
  it('goes straight to the service when a proxy is set', async () => {
    await using service = await serveProbe({ unary: (_call, reply) => reply(null, 'direct') });
    process.env['grpc_proxy'] = 'http://127.0.0.1:1';
    try {
      await using upstream = openUpstream(service.target);
      expect(await upstream.unary(probe.unary, 'x', callFor())).toBe('direct');
      // Negative control: a client of grpc-js with its defaults obeys the proxy.
      const raw = new Client(service.target, credentials.createInsecure());
      const viaProxy = new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = probe.unary;
        raw.makeUnaryRequest(path, requestSerialize, responseDeserialize, 'x', (error, answer) =>
          error ? reject(error) : resolve(answer),
        );
      });
      expect(await failureOf(viaProxy)).toMatchObject({ code: status.UNAVAILABLE });
      raw.close();
    } finally {
      delete process.env['grpc_proxy'];
    }
  });
});
