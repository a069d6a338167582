import { getEventListeners } from 'node:events';
import type { ServerReadableStream } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { callFor, cancelled, failureOf, openUpstream, probe, serveProbe } from './probe.ts';

describe('callClientStream()', () => {
  it('sends each request of an iterable or async iterable and gives the answer', async () => {
    await using service = await serveProbe({
      clientStream: async (call, reply) => {
        let all = '';
        for await (const message of call) all += message;
        reply(null, all);
      },
    });
    await using upstream = openUpstream(service.target);
    const call = callFor();
    expect(await upstream.clientStream(probe.clientStream, ['a', 'b', 'c'], call)).toBe('abc');
    async function* source() {
      yield 'd';
      yield 'e';
    }
    expect(await upstream.clientStream(probe.clientStream, source(), call)).toBe('de');
    expect(call.records).toMatchObject([
      { kind: 'clientStream', code: 'OK' },
      { kind: 'clientStream', code: 'OK' },
    ]);
    expect(getEventListeners(call.signal, 'abort')).toHaveLength(0);
  });

  it('pulls no faster than the service reads', async () => {
    const arrived = Promise.withResolvers<ServerReadableStream<string, string>>();
    await using service = await serveProbe({ clientStream: (call) => arrived.resolve(call) }); // reads nothing
    await using upstream = openUpstream(service.target);
    const total = 10_000;
    const message = 'x'.repeat(10_000); // 100 MB in all
    let pulled = 0;
    let lastPull = Promise.withResolvers<void>();
    function* source() {
      for (; pulled < total; pulled += 1) {
        lastPull.resolve();
        lastPull = Promise.withResolvers();
        yield message;
      }
    }
    const call = callFor(30_000);
    const failure = failureOf(upstream.clientStream(probe.clientStream, source(), call));
    await arrived.promise;
    // Quiet for 300 ms: the source is no longer pulled.
    const quiet = () => new Promise((resolve) => setTimeout(() => resolve('quiet'), 300));
    while ((await Promise.race([lastPull.promise, quiet()])) !== 'quiet');
    expect(pulled).toBeGreaterThan(0);
    expect(pulled).toBeLessThan(total / 10);
    call.abort();
    expect(await failure).toMatchObject({ code: 'CANCELLED' });
  });

  it('stops pulling and closes the source when the service ends the call early', async () => {
    await using service = await serveProbe({
      clientStream: (call, reply) => {
        call.once('data', () => reply({ code: 9, details: 'enough' }));
      },
    });
    await using upstream = openUpstream(service.target);
    const closed = Promise.withResolvers<void>();
    let pulled = 0;
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          pulled += 1;
          // The second pull never answers: the call must not wait for it.
          return pulled === 1 ? Promise.resolve({ value: 'a', done: false }) : new Promise(() => {});
        },
        return: () => {
          closed.resolve();
          return Promise.resolve({ value: undefined, done: true });
        },
      }),
    };
    const call = callFor();
    const error = await failureOf(upstream.clientStream(probe.clientStream, source, call));
    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION' });
    await closed.promise;
    expect(pulled).toBe(2);
    expect(call.records).toMatchObject([{ code: 'FAILED_PRECONDITION' }]);
  });

  it('cancels the call and fails with what the source threw', async () => {
    const arrived = Promise.withResolvers<ServerReadableStream<string, string>>();
    await using service = await serveProbe({ clientStream: (call) => arrived.resolve(call) });
    await using upstream = openUpstream(service.target);
    async function* source() {
      yield 'a';
      await arrived.promise;
      throw new RangeError('broken source');
    }
    const call = callFor();
    const failure = failureOf(upstream.clientStream(probe.clientStream, source(), call));
    await cancelled(await arrived.promise);
    expect(await failure).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      cause: expect.objectContaining({ message: 'broken source' }),
    });
    expect(call.records).toMatchObject([{ code: 'CANCELLED' }]);
  });

  it('fails with what the source threw when it cannot even begin', async () => {
    await using service = await serveProbe({ clientStream: (call) => call.resume() });
    await using upstream = openUpstream(service.target);
    const source: Iterable<string> = {
      [Symbol.iterator]: () => {
        throw new RangeError('no source');
      },
    };
    expect(await failureOf(upstream.clientStream(probe.clientStream, source, callFor()))).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      cause: expect.objectContaining({ message: 'no source' }),
    });
    expect(upstream.state().inFlight).toBe(0);
  });

  it('does not touch the source when the call is refused', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    let touched = false;
    const source: Iterable<string> = {
      [Symbol.iterator]: () => {
        touched = true;
        return [][Symbol.iterator]();
      },
    };
    await failureOf(upstream.clientStream(probe.clientStream, source, callFor(0)));
    expect(touched).toBe(false);
  });

  it('refuses a call without a finite deadline', async () => {
    await using upstream = openUpstream('127.0.0.1:1');
    const call = callFor(1, { deadlineMs: Number.POSITIVE_INFINITY });
    expect(await failureOf(upstream.clientStream(probe.clientStream, ['a'], call))).toBeInstanceOf(TypeError);
  });
});
