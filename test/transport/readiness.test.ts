import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { readinessFrom } from '../../src/transport/readiness.ts';
import { createUpstream, type UpstreamState } from '../../src/upstream/upstream.ts';
import { library, serveLibrary } from '../kit/tiny-service.ts';

const upstreamsIn = (...states: UpstreamState['connectivity'][]) =>
  Object.fromEntries(states.map((connectivity, index) => [`u${index}`, { connectivity }]));

describe('readinessFrom()', () => {
  it.each<[boolean, UpstreamState['connectivity'][], string[]]>([
    [true, [], []],
    [true, ['idle'], []],
    [true, ['idle', 'connecting', 'ready'], []],
    [true, ['failing', 'ready'], ['upstream "u0" is failing']],
    [true, ['failing', 'idle'], ['upstream "u0" is failing']],
    [true, ['failing', 'failing', 'connecting'], ['upstream "u0" is failing', 'upstream "u1" is failing']],
    [false, ['failing'], ['upstream "u0" is failing']],
    [false, ['failing', 'closed'], ['upstream "u0" is failing', 'upstream "u1" is closed']],
  ])('is %s when the upstreams are %j', (ready, states, reasons) => {
    expect(readinessFrom({ draining: false, upstreams: upstreamsIn(...states) })).toEqual({ ready, reasons });
  });

  it('is not ready as soon as it drains, however well the upstreams are', () => {
    expect(readinessFrom({ draining: true, upstreams: upstreamsIn('ready') })).toEqual({
      ready: false,
      reasons: ['draining'],
    });
    expect(readinessFrom({ draining: true, upstreams: upstreamsIn('failing') })).toEqual({
      ready: false,
      reasons: ['draining', 'upstream "u0" is failing'],
    });
  });

  it('returns without a request when the only upstream was gone and has come back', async () => {
    const first = await serveLibrary();
    const upstream = createUpstream({ name: 'library', target: first.target, clock: systemClock });
    const readiness = () => readinessFrom({ draining: false, upstreams: { library: upstream.state() } });
    const ask = () =>
      upstream.unary(
        library.getBooks,
        { ids: ['1'] },
        { signal: AbortSignal.timeout(5000), deadlineMs: systemClock.nowMs() + 5000, requestId: 'r' },
      );
    await ask();
    expect(readiness()).toEqual({ ready: true, reasons: [] });
    await first[Symbol.asyncDispose]();
    await expect(ask()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await vi.waitUntil(() => !readiness().ready, eventually);
    const second = await serveAt(first.target);
    try {
      await vi.waitUntil(() => readiness().ready, eventually);
    } finally {
      second.forceShutdown();
      await upstream.close();
    }
  });
});

const eventually = { timeout: 20_000 };

async function serveAt(target: string): Promise<Server> {
  const server = new Server();
  server.addService(library, {} as UntypedServiceImplementation); // as: nobody calls it
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
  return server;
}
